"""Frames that stay on the GPU: its place is taken by the host, FFmpeg's NV12 frames are real."""

import platform
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rfviewer.decode import Decode
from rfviewer.errors import DeviceLostError, EngineError, SourceError
from rfviewer.frame import YuvColors, YuvStandard
from rfviewer.sources import nvdec
from rfviewer.sources.device_frames import DeviceFrames, HostConverter, colors_of
from rfviewer.sources.factory import open_source
from rfviewer.sources.hardware import HardwareRefusedError
from rfviewer.sources.nvdec import NvdecDecoder
from tests.sources.makers import ffmpeg, make_clip, read_all
from tests.sources.test_hardware import LONG, FakeGpu, opened, same


class Picture:
    """NV12 that counts who looks at it."""

    def __init__(self, memory, nv12, colors, to_image):
        self.memory, self.nv12, self.colors, self.to_image = memory, nv12, colors, to_image

    def to_host(self):
        self.memory.looks += 1
        return self.to_image(self.nv12)


class Memory:
    """Has room for `room` pictures."""

    def __init__(self, room=LONG):
        self.room, self.looks, self.kept, self.entered = room, 0, 0, 0

    def enter(self):
        self.entered += 1

    def keep(self, luma, chroma, colors, to_image):
        if self.kept == self.room:
            raise EngineError("The GPU cannot keep a picture: no memory")
        self.kept += 1
        upper, lower = np.from_dlpack(luma), np.from_dlpack(chroma)
        nv12 = np.concatenate([upper, lower.reshape(len(lower), -1)])
        return Picture(self, nv12, colors, to_image)


def keeping(memory, good=LONG):
    class Keeping(FakeGpu):
        def __init__(self, software, live):
            super().__init__(software, live, good)
            self.frames = DeviceFrames(memory)

        def decode(self, packet):
            moved = [frame.reformat(format="nv12") for frame in super().decode(packet)]
            planar = [frame.reformat(format="yuv420p") for frame in moved]
            pairs = zip(moved, planar, strict=True)
            return [a if self.frames.offer(a) else b for a, b in pairs]

    return Keeping


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    options = {"bf": "3", "g": "12"}
    return make_clip(tmp_path_factory.mktemp("gpu") / "a.mp4", 50, (162, 98), options=options)


def test_pictures_come_to_the_host_only_for_who_looks_and_are_the_same(clip):
    memory = Memory()
    cpu, ours = opened(clip), opened(clip, keeping(memory))
    assert ours.info.codec == "h264 yuv420p, NVDEC, stays on the GPU"
    assert ours.info.decode.on_device
    frames = read_all(ours)
    assert memory.kept >= 50
    assert memory.looks == 0
    assert all(frame.on_device and frame.nbytes == 162 * 98 * 3 for frame in frames)
    same(frames, read_all(cpu))
    assert memory.looks == 50
    ours.close()
    cpu.close()


@pytest.mark.parametrize("good", [0, 1, 13, 30, 49])
def test_the_cpu_goes_on_where_the_gpu_fails(clip, good):
    cpu, ours = opened(clip), opened(clip, keeping(Memory(), good))
    frames = read_all(ours)
    same(frames, read_all(cpu))
    assert not frames[-1].on_device
    assert frames[0].on_device == (good > 4)  # the first frames come out four packets later
    assert not ours.info.decode.on_device
    assert ours.info.codec == "h264 yuv420p"
    ours.close()
    cpu.close()


def test_without_room_frames_come_to_the_host_and_the_gpu_goes_on(clip, caplog):
    cpu, ours = opened(clip), opened(clip, keeping(Memory(room=20)))
    frames = read_all(ours)
    assert [frame.on_device for frame in frames] == [True] * 19 + [False] * 31  # the first twice
    assert not ours.info.decode.on_device
    assert ours.info.codec == "h264 yuv420p, NVDEC"
    assert ours.info.notice == ""
    same(frames, read_all(cpu))
    assert caplog.text.count("come to the host: The GPU cannot keep a picture") == 1
    ours.close()
    cpu.close()


def test_it_asks_for_room_again_with_the_next_key_frame(clip):
    memory = Memory(room=20)
    ours = opened(clip, keeping(memory))
    frames = [ours.read() for _ in range(24)]
    memory.room = LONG
    frames += read_all(ours)
    stayed = [frame.on_device for frame in frames]
    assert stayed[:19] == [True] * 19
    assert not any(stayed[19:24])
    assert all(stayed[36:])  # frames 24 and 36 are key frames, of which some were decoded already
    assert ours.info.decode.on_device
    ours.close()


def test_a_lost_gpu_is_no_damage_of_the_file(clip):
    class Lost(Memory):
        def keep(self, *arguments):
            if self.kept == 10:
                raise DeviceLostError("The GPU cannot keep a picture and the GPU is lost.")
            return super().keep(*arguments)

    ours = opened(clip, keeping(Lost()))
    with pytest.raises(SourceError, match="the GPU is lost"):
        read_all(ours)
    assert ours.damaged == 0
    ours.close()


@pytest.mark.parametrize("good", [31, LONG])
def test_seeking_and_stepping_are_exact(clip, good):
    cpu, ours = opened(clip), opened(clip, keeping(Memory(), good))
    for pts_s, before in ((1.0, False), (0.52, True), (1.9, True), (0.0, False)):
        for source in (cpu, ours):
            (source.seek_before if before else source.seek)(pts_s)
        same([ours.read() for _ in range(3)], [cpu.read() for _ in range(3)])
    ours.close()
    cpu.close()


@pytest.mark.skipif(
    platform.machine() not in {"x86_64", "AMD64"}, reason="swscale rounds otherwise elsewhere"
)
@pytest.mark.parametrize("name", ["bt601", "bt601_full", "bt709", "bt709_full"])
def test_the_host_sees_what_swscale_makes_of_planar_pictures(name):
    standard, _, full = name.partition("_")
    with np.load(Path(__file__).parents[1] / "golden" / "nv12.npz") as arrays:
        nv12, wanted = arrays["nv12"], arrays[name]
    image = HostConverter().image_of(nv12, YuvColors(YuvStandard(standard), bool(full)))
    assert np.array_equal(image, wanted)


def test_only_colours_that_the_kernels_know_stay():
    frame = av.VideoFrame(32, 32, "nv12")
    frame.colorspace, frame.color_range = 1, 2
    assert colors_of(frame) == YuvColors(YuvStandard.BT709, full_range=True)
    frame.color_range = 1
    for tag in (2, 5, 6):  # untagged is read as BT.601
        frame.colorspace = tag
        assert colors_of(frame) == YuvColors(YuvStandard.BT601, full_range=False)
        assert DeviceFrames(Memory()).offer(frame)
    for tag in (4, 7, 9):
        frame.colorspace = tag
        assert not DeviceFrames(Memory()).offer(frame)


def test_interlaced_pictures_come_to_the_host(tmp_path):
    path = make_clip(tmp_path / "a.mp4", 3, options={"x264-params": "tff=1"})
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            assert frame.interlaced_frame
            assert not DeviceFrames(Memory()).offer(frame.reformat(format="nv12"))


@pytest.fixture
def driver(monkeypatch):
    """A driver, and what an accelerator is asked for: (arguments, options)."""
    asked = []

    def accelerator(*arguments, **options):
        asked.append((arguments, options))
        raise av.error.ExternalError(-1, "no GPU in this test")

    monkeypatch.setattr(nvdec, "missing_part", lambda: None)
    monkeypatch.setattr(nvdec, "HWAccel", accelerator)
    return asked


def open_nvdec(path, memory):
    with av.open(str(path)) as container:
        software = container.streams.video[0].codec_context
        with pytest.raises(HardwareRefusedError, match="no GPU answers"):
            NvdecDecoder(software, False, lambda: memory)


def test_a_decoder_whose_pictures_stay_works_in_the_context_of_pytorch(clip, driver):
    memory = Memory()
    open_nvdec(clip, memory)
    ((_, options),) = driver
    assert options["is_hw_owned"]
    assert options["options"] == {"primary_ctx": "0", "current_ctx": "1"}
    assert memory.entered == 1


def test_without_it_a_decoder_has_a_context_of_its_own(clip, driver):
    open_nvdec(clip, None)
    ((_, options),) = driver
    assert options == {"allow_software_fallback": False}


@pytest.mark.parametrize("size", [(33, 32), (32, 33)])
def test_odd_sizes_come_to_the_host(size):
    assert DeviceFrames(Memory()).offer(av.VideoFrame(32, 32, "nv12"))
    assert not DeviceFrames(Memory()).offer(av.VideoFrame(*size, "nv12"))


@pytest.mark.parametrize("codec", ["libx264", "libvpx-vp9"])
def test_pixels_that_are_not_square_come_to_the_host(tmp_path, codec):
    """The container alone says so for VP9."""
    path = make_clip(tmp_path / "a.mp4", 10, codec=codec, aspect=Fraction(4, 3))
    cpu, ours = opened(path), opened(path, keeping(Memory()))
    assert not ours.info.decode.on_device
    frames = read_all(ours)
    assert not any(frame.on_device for frame in frames)
    assert [(f.width, f.height) for f in frames] == [(f.width, f.height) for f in read_all(cpu)]
    ours.close()
    cpu.close()


def test_a_turn_that_the_stream_tells_is_made_on_the_host(clip, tmp_path):
    """As side data of the first key frame; the next one, twelve frames on, says nothing again."""
    turned = tmp_path / "turned.mp4"
    rotate = "h264_metadata=rotate=90:display_orientation=insert"
    ffmpeg("-i", clip, "-c", "copy", "-bsf:v", rotate, turned)
    cpu, ours = opened(turned), opened(turned, keeping(Memory()))
    frames = read_all(ours)
    assert (frames[0].width, frames[0].height) == (98, 162)
    assert [frame.on_device for frame in frames] == [False] * 12 + [True] * 38
    same(frames, read_all(cpu))
    for pts_s in (0.2, 1.0, 0.2):
        for source in (cpu, ours):
            source.seek(pts_s)
        same([ours.read()], [cpu.read()])
    ours.close()
    cpu.close()


@pytest.mark.parametrize(
    "error", [ImportError("no module"), OSError("libcudart.so.13"), RuntimeError("CUDA error: 3")]
)
def test_where_pytorch_does_not_start_pictures_come_to_the_host(monkeypatch, caplog, error):
    from rfviewer.config import EngineConfig
    from rfviewer.engine import factory

    def fail(config):
        raise error

    monkeypatch.setattr(factory, "gpu_obstacle", fail)
    caplog.set_level("INFO")
    assert factory.picture_memory(EngineConfig()) is None
    assert f"PyTorch does not start ({error})" in caplog.text


@pytest.mark.parametrize("config", [{"model": "none"}, {"backend": "onnxruntime"}])
def test_engines_that_read_the_host_keep_nothing(config):
    from rfviewer.config import EngineConfig
    from rfviewer.engine.factory import picture_memory

    assert picture_memory(EngineConfig(**config)) is None


def test_the_memory_is_asked_for_only_where_the_gpu_decodes(clip, monkeypatch):
    monkeypatch.setattr(nvdec, "_CUDA", "libno-such-driver.so")
    asked = []
    for decode in Decode:
        source = open_source(str(clip), decode, lambda: asked.append(1))
        assert len(read_all(source)) == 50
        source.close()
    assert not asked
