"""Pictures in the GPU's memory: taken over from a decoder, lent to frames, read by the engine."""

import gc
from dataclasses import replace

import numpy as np
import pytest
import torch

from rfviewer.config import ResizeMode, View
from rfviewer.engine.cuda.pictures import PictureMemory
from rfviewer.errors import EngineError
from rfviewer.frame import Frame, YuvColors, YuvStandard
from rfviewer.optimizations import Optimizations
from rfviewer_kernels.reference import to_rgb
from tests.engine_cuda.fake_network import FRAMES, digests, run_all

cuda = pytest.mark.needs_cuda
ALL_COLORS = [YuvColors(standard, full) for standard in YuvStandard for full in (False, True)]
LIMITED_601 = ALL_COLORS[0]


def noise(seed, width=20, height=14):
    return np.random.default_rng(seed).integers(0, 256, (height * 3 // 2, width), np.uint8)


def planes_of(nv12, device="cpu"):
    """As a decoder has them: rows lie apart."""
    height = len(nv12) * 2 // 3
    apart = torch.zeros(len(nv12), nv12.shape[1] + 12, dtype=torch.uint8, device=device)
    apart[:, : nv12.shape[1]] = torch.from_numpy(nv12)
    rows = apart[:, : nv12.shape[1]]
    return rows[:height], rows[height:].unflatten(1, (-1, 2))


def reversed_bytes(nv12):
    """What stands for BGR where no engine looks."""
    return np.ascontiguousarray(nv12[::-1])


@pytest.fixture
def memory():
    return PictureMemory(torch.device("cpu"))


def test_a_picture_is_a_copy_that_comes_to_the_host_once(memory):
    made = []
    nv12 = noise(0)
    luma, chroma = planes_of(nv12)
    picture = memory.keep(
        luma, chroma, LIMITED_601, lambda pixels: made.append(1) or pixels + np.uint8(1)
    )
    luma.zero_()
    chroma.zero_()
    assert not made
    assert np.array_equal(picture.to_host(), nv12 + np.uint8(1))
    assert picture.to_host() is picture.to_host()
    assert made == [1]
    assert picture.address == picture.pixels.data_ptr()
    assert picture.address % 16 == 0


def test_frames_of_ffmpeg_are_taken_over_with_their_padding(memory):
    av = pytest.importorskip("av")
    frame = av.VideoFrame.from_ndarray(noise(1, 34, 10), format="nv12")
    assert frame.planes[0].line_size > 34
    picture = memory.keep(*frame.planes, LIMITED_601, reversed_bytes)
    assert np.array_equal(picture.pixels.numpy(), noise(1, 34, 10))


def test_memory_is_lent_again_when_the_last_frame_lets_go(memory):
    def keep(seed, **size):
        return memory.keep(*planes_of(noise(seed, **size)), LIMITED_601, reversed_bytes)

    first, second = keep(1), keep(2)
    addresses = {first.address, second.address}
    assert len(addresses) == 2
    frame = Frame(first, 20, 14, 0, 0.0, 0)
    shown = replace(frame, epoch=3)
    del first, frame
    assert keep(3).address not in addresses, "a copy of the frame still shows it"
    assert np.array_equal(shown.image, reversed_bytes(noise(1)))
    del shown
    gc.collect()
    again = [keep(4), keep(5)]
    assert addresses & {picture.address for picture in again}
    large = keep(6, width=64, height=48)
    del second, again
    gc.collect()
    assert np.array_equal(large.to_host(), reversed_bytes(noise(6, 64, 48)))


def test_an_image_moves_once(memory):
    picture = memory.keep(*planes_of(noise(1)), LIMITED_601, reversed_bytes)
    moved = []

    def move(image):
        moved.append(image.copy())
        return moved[-1]

    picture.move_image(lambda image: None)
    picture.move_image(move)
    picture.move_image(move)
    assert len(moved) == 1
    assert picture.to_host() is moved[0]


def test_without_a_gpu_it_says_so(memory):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(EngineError, match="finds no GPU"):
        PictureMemory(torch.device("cuda", 0)).enter()


def bgr_of(nv12, colors):
    from rfviewer.engine.cuda.frame_format import FrameFormat
    from rfviewer_kernels.pixels import Layout

    matrix = FrameFormat(1, 1, colors=colors).matrix
    rgb = to_rgb(torch.from_numpy(nv12), Layout.NV12, matrix)
    return rgb.permute(1, 2, 0).flip(2).contiguous().numpy()


def pairs(count=8, colors=LIMITED_601, size=(20, 14)):
    """Frames on the device, and the same on the host."""
    memory = PictureMemory(torch.device("cuda", torch.cuda.current_device()))
    memory.enter()
    on_device, on_host = [], []
    for index in range(count):
        nv12 = noise(index, *size)
        picture = memory.keep(
            *planes_of(nv12, "cuda"), colors, lambda pixels: bgr_of(pixels, colors)
        )
        on_device.append(Frame(picture, *size, index, index / 30, 0))
        on_host.append(Frame(bgr_of(nv12, colors), *size, index, index / 30, 0))
    return on_device, on_host


@cuda
@pytest.mark.parametrize("colors", ALL_COLORS)
@pytest.mark.parametrize("resize", list(ResizeMode))
def test_frames_on_the_device_give_what_their_images_give(make, colors, resize):
    on_device, on_host = pairs(colors=colors)
    wanted = digests(run_all(make(resize=resize), on_host))
    engine = make(Optimizations(depth=3), resize=resize)
    results = run_all(engine, [engine.home(frame) for frame in on_device])
    assert digests(results) == wanted
    assert [result.frame for result in results] == on_device


@cuda
@pytest.mark.parametrize(
    "changes",
    [
        {"device_frames": False},
        {"pinned_input": False},
        {"cuda_graph": False},
        {"fused_preprocess": False},
        {"fused_constants": False},
        {"planar_stores": False},
        {"micro_batch": 4},
    ],
    ids=str,
)
def test_whatever_is_off_the_result_is_that_of_the_host(make, changes):
    on_device, on_host = pairs()
    wanted = replace(Optimizations(depth=2), **changes)
    assert digests(run_all(make(wanted), on_device)) == digests(run_all(make(wanted), on_host))


@cuda
def test_nobody_looks_at_a_frame_that_stays(make):
    def refuse(pixels):
        raise AssertionError("came to the host")

    memory = PictureMemory(torch.device("cuda", torch.cuda.current_device()))
    engine = make(Optimizations(depth=2))
    for index in range(6):
        picture = memory.keep(*planes_of(noise(index), "cuda"), LIMITED_601, refuse)
        frame = engine.home(Frame(picture, 20, 14, index, 0.0, 0))
        assert len(run_all(engine, [frame])) == 1
    engine.configure(replace(Optimizations(depth=2), device_frames=False))
    with pytest.raises(AssertionError, match="came to the host"):
        engine.submit(frame, 0.5)


@cuda
def test_the_switch_acts_on_frames_that_are_there_already(make):
    on_device, on_host = pairs()
    wanted = digests(run_all(make(), on_host))
    engine = make(Optimizations(depth=2))
    for value in (True, False, True, False):
        engine.configure(replace(Optimizations(depth=2), device_frames=value))
        assert digests(run_all(engine, on_device)) == wanted


@cuda
def test_frames_of_both_places_take_turns(make):
    """As when the CPU takes over in the middle of a file."""
    on_device, on_host = pairs()
    wanted = digests(run_all(make(), on_host))
    mixed = [*on_device[:3], *on_host[3:5], on_device[5], *on_host[6:]]
    assert digests(run_all(make(Optimizations(depth=3)), mixed)) == wanted


@cuda
def test_they_are_drawn_as_they_are_on_the_host(make):
    on_device, on_host = pairs(4, size=(64, 48))
    images = []
    for frames in (on_device, on_host):
        engine = make(Optimizations(depth=2))
        drawn = []
        for frame in frames:
            engine.submit(frame, 0.5, View())
            drawn.append(engine.collect().composited)
        images.append(drawn)
    for ours, theirs in zip(*images, strict=True):
        assert np.array_equal(ours, theirs)


@cuda
def test_parts_are_replayed_on_them(make):
    from rfviewer.experiment import ReplayPart

    on_device, _ = pairs(1)
    engine = make(Optimizations(depth=2))
    run_all(engine, on_device)
    assert len(engine.replay_part(ReplayPart.COPY_IN, on_device[0], 5)) == 5


@cuda
def test_no_memory_is_taken_after_the_first_frames(make):
    memory = PictureMemory(torch.device("cuda", torch.cuda.current_device()))
    engine = make(Optimizations(depth=2))
    addresses = []
    for index in range(24):
        planes = planes_of(noise(index), "cuda")
        picture = memory.keep(*planes, LIMITED_601, lambda nv12: bgr_of(nv12, LIMITED_601))
        addresses.append(picture.address)
        run_all(engine, [Frame(picture, 20, 14, index, 0.0, 0)])
    assert set(addresses[4:]) <= set(addresses[:4])


def test_where_the_switch_goes_off_slots_are_made_for_images():
    from rfviewer.engine.cuda.frame_format import FrameFormat
    from rfviewer.frame import PixelFormat

    nv12 = FrameFormat(20, 14, PixelFormat.NV12, LIMITED_601)
    assert nv12.where(on_device=True) is nv12
    assert nv12.where(on_device=False) == FrameFormat(20, 14)
    of_camera = FrameFormat(20, 14, PixelFormat.NV12)
    assert of_camera.where(on_device=False) is of_camera


def test_frames_of_the_host_keep_the_format_they_had():
    from rfviewer.engine.cuda.frame_format import FrameFormat

    frame_format = FrameFormat.of(FRAMES[0])
    assert frame_format.colors is None
    assert frame_format.fits(FRAMES[0], on_device=True)
    assert frame_format.fits(FRAMES[0], on_device=False)
    assert not replace(frame_format, colors=LIMITED_601).fits(FRAMES[0])


@cuda
def test_a_switch_that_cannot_go_off_leaves_frames_of_both_places_right(make, monkeypatch):
    on_device, on_host = pairs()
    wanted = digests(run_all(make(), on_host))
    engine = make(Optimizations(depth=2))
    run_all(engine, on_device)

    def fail(*arguments):
        raise EngineError("No memory for slots.")

    with monkeypatch.context() as patch:
        patch.setattr(engine._sets, "slots", fail)
        with pytest.raises(EngineError, match="No memory"):
            engine.configure(replace(Optimizations(depth=2), device_frames=False))
    assert digests(run_all(engine, [*on_host[:2], *on_device[2:5], *on_host[5:]])) == wanted
