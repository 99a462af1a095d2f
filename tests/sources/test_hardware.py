"""The GPU decoder's place is taken by FFmpeg's CPU decoder, which fails when it is told to."""

import os
import weakref

import av
import numpy as np
import pytest

from rfviewer.decode import Decode, DecodeState
from rfviewer.frame import SourceKind
from rfviewer.sources import decode_choice, nvdec
from rfviewer.sources.factory import open_source
from rfviewer.sources.hardware import ON_CPU, Decoding, HardwareRefusedError
from rfviewer.sources.media import Target
from rfviewer.sources.nvdec import NvdecDecoder
from rfviewer.sources.pyav_source import PyAvSource
from rfviewer.sources.reader import MediaReader
from tests.sources.makers import make_clip, read_all

LONG = 10**9


class FakeGpu:
    """Decodes `good` packets, then refuses all others."""

    def __init__(self, software, live, good=LONG, pictures=None):
        del live, pictures
        self.context = av.CodecContext.create(software.codec, "r")
        self.context.extradata = software.extradata
        self.context.reorder_depth = software.reorder_depth
        self.reorder_depth = software.reorder_depth
        self.left = good
        self.given = 0

    def decode(self, packet):
        self.left -= 1
        if self.left < 0:
            raise av.error.ExternalError(-1, "CUDA_ERROR_UNKNOWN")
        frames = self.context.decode(packet)
        self.given += len(frames)
        return frames

    def flush_buffers(self):
        if self.context.is_open:
            self.context.reorder_depth = self.reorder_depth
            self.context.flush_buffers()


def gpu(good=LONG, made=None):
    def make(software, live):
        fake = FakeGpu(software, live, good)
        if made is not None:
            made.append(fake)
        return fake

    return make


def opened(path, hardware=None):
    decoding = ON_CPU if hardware is None else Decoding(Decode.GPU, hardware)
    return PyAvSource(Target(f"file:{path}", str(path), path.name, SourceKind.FILE), decoding)


def same(ours, theirs):
    assert [(f.frame_index, f.pts_s, f.duration_s) for f in ours] == [
        (f.frame_index, f.pts_s, f.duration_s) for f in theirs
    ]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(ours, theirs, strict=True))


@pytest.fixture(scope="module", params=["0", "1"], ids=["closed", "open-gop"])
def clip(request, tmp_path_factory):
    options = {"bf": "3", "g": "12", "x264-params": f"open-gop={request.param}"}
    return make_clip(tmp_path_factory.mktemp("gpu") / "a.mp4", 50, options=options)


@pytest.mark.parametrize("good", [0, 1, 2, 7, 12, 13, 14, 25, 49, 50, LONG])
@pytest.mark.parametrize("cores", [1, 16])  # with 16 the CPU holds frames back, one a thread
def test_a_gpu_that_fails_after_any_packet_costs_no_frame_and_repeats_none(
    clip, monkeypatch, good, cores
):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    cpu, ours = opened(clip), opened(clip, gpu(good))
    same(read_all(ours), read_all(cpu))
    assert ours.damaged == 0
    assert ("NVDEC" in ours.info.codec) == (good == LONG)
    assert ("decoded on the CPU: NVDEC failed" in ours.info.notice) == (good != LONG)
    ours.close()
    cpu.close()


@pytest.mark.parametrize("good", [0, 20, 31, 45, LONG])
def test_seeking_and_stepping_are_exact_on_the_gpu_and_across_its_failure(clip, good):
    made = []
    cpu, ours = opened(clip), opened(clip, gpu(good, made))
    for pts_s, before in ((1.0, False), (0.52, False), (0.52, True), (1.9, True), (0.0, False)):
        for source in (cpu, ours):
            (source.seek_before if before else source.seek)(pts_s)
        same([ours.read() for _ in range(3)], [cpu.read() for _ in range(3)])
    assert bool(made[0].given) == bool(good)
    ours.close()
    cpu.close()


def reader_of(path, hardware):
    target = Target(f"file:{path}", str(path), path.name, SourceKind.FILE)
    return MediaReader(target, lambda: False, None, Decoding(Decode.GPU, hardware))


def planes_left(reader):
    frames = []
    while (stamped := reader.next()) is not None:
        frames.append((stamped.pts_s, stamped.frame.to_ndarray().tobytes()))
    return frames


def test_starting_over_takes_the_same_decoder_with_the_same_frames(clip):
    made = []
    reader = reader_of(clip, gpu(made=made))
    whole = planes_left(reader)
    assert len(whole) == 50
    for read in (0, 1, 20, 50):
        reader.start_over()
        for _ in range(read):
            reader.next()
        reader.start_over()
        assert planes_left(reader) == whole
    assert len(made) == 1
    reader.close()


def test_a_decoder_that_cannot_start_over_is_opened_anew(clip):
    made = []

    class Stubborn(FakeGpu):
        def flush_buffers(self):
            raise av.error.ExternalError(-1, "CUDA_ERROR_UNKNOWN")

    def make(software, live):
        made.append(Stubborn(software, live))
        return made[-1]

    reader = reader_of(clip, make)
    whole = planes_left(reader)
    reader.start_over()
    assert planes_left(reader) == whole
    assert reader.decode.effective is Decode.GPU
    assert len(made) == 2
    reader.close()


def test_closing_lets_go_of_the_decoder(clip):
    made = []
    ours = opened(clip, gpu(made=made))
    ours.read()
    gone = weakref.ref(made.pop())
    ours.close()
    assert gone() is None


def test_without_a_gpu_the_cpu_decodes_and_says_so(clip):
    def refuse(software, live):
        raise HardwareRefusedError("no NVIDIA driver with NVDEC answers here")

    ours = opened(clip, refuse)
    assert len(read_all(ours)) == 50
    assert (
        ours.info.notice == "a.mp4 is decoded on the CPU: no NVIDIA driver with NVDEC answers here."
    )
    ours.close()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"pix_fmt": "yuv444p"}, "yuv444p pictures"),
        ({"pix_fmt": "yuv420p10le"}, "yuv420p10le pictures"),
        ({"codec": "mpeg4"}, "not used for mpeg4"),
        ({"rotation": (90, False, False)}, "rotated video"),
    ],
)
def test_what_nvdec_would_not_give_exactly_is_refused_before_a_driver_is_asked(
    tmp_path, options, reason
):
    source = opened(make_clip(tmp_path / "a.mp4", 3, **options), NvdecDecoder)
    assert reason in source.info.notice
    assert len(read_all(source)) == 3
    source.close()


@pytest.fixture
def no_driver(monkeypatch):
    monkeypatch.setattr(nvdec, "_CUDA", "libno-such-driver.so")


def test_asked_for_by_name_it_plays_on_the_cpu_and_says_why(clip, no_driver):
    source = open_source(str(clip), Decode.GPU)
    reason = "there is no NVIDIA driver here"
    assert source.info.decode == DecodeState(Decode.GPU, Decode.CPU, reason)
    assert source.info.notice == f"a.mp4 is decoded on the CPU: {reason}."
    assert len(read_all(source)) == 50
    source.close()


def test_the_automatic_choice_keeps_to_the_cpu_in_silence(clip):
    source = open_source(str(clip), Decode.AUTO)
    reason = "the automatic choice keeps to it"
    assert source.info.decode == DecodeState(Decode.AUTO, Decode.CPU, reason)
    assert source.info.notice == ""
    source.close()


@pytest.mark.parametrize(("from_pixels", "effective"), [(160 * 96, "gpu"), (160 * 96 + 1, "cpu")])
def test_the_automatic_choice_goes_by_size(clip, monkeypatch, from_pixels, effective):
    monkeypatch.setattr(decode_choice, "AUTO_FROM_PIXELS", from_pixels)
    monkeypatch.setattr(decode_choice, "NvdecDecoder", FakeGpu)
    source = open_source(str(clip), Decode.AUTO)
    assert source.info.decode.effective == effective
    assert len(read_all(source)) == 50
    source.close()


def test_nobody_asked_for_the_gpu(clip):
    source = open_source(str(clip))
    assert source.info.decode == DecodeState(Decode.CPU, Decode.CPU)
    source.close()


def test_packets_without_time_stamps_stay_on_the_cpu(tmp_path):
    source = opened(make_clip(tmp_path / "raw.h264", 10), gpu())
    assert len(read_all(source)) == 10
    assert "without time stamps" in source.info.notice
    source.close()


def test_nv12_from_the_device_becomes_the_same_picture(clip):
    """The bytes of NV12 are only moved, so colours are those of the CPU's decoder."""
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            moved = frame.reformat(format="nv12").reformat(format="yuv420p")
            assert np.array_equal(moved.to_ndarray(), frame.to_ndarray())
            assert (moved.pts, moved.color_range) == (frame.pts, frame.color_range)
