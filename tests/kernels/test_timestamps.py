"""The device's time, written by kernels; in the interpreter a stand-in for its clock."""

import itertools

import pytest
import torch

from rfviewer_kernels import timestamps
from rfviewer_kernels.fetch import ORDER_WORDS, fetch
from rfviewer_kernels.mask_stream import mask_stream, stream_bytes
from rfviewer_kernels.normalize import affine
from rfviewer_kernels.pixels import Layout
from rfviewer_kernels.preprocess_a import preprocess_a
from rfviewer_kernels.preprocess_b import preprocess_b
from rfviewer_kernels.records import Results
from rfviewer_kernels.select import select
from rfviewer_kernels.select_workspace import SelectWorkspace
from rfviewer_kernels.tables import antialias_table, linear_table
from rfviewer_kernels.timestamps import stamp

WIDTH, HEIGHT, SIDE, RECORDS = 64, 40, 24, 8
KERNELS = ("fetch", "preprocess A", "preprocess B", "select", "mask stream")


@pytest.fixture
def read_clock(device, monkeypatch):
    """Count how often the interpreter's stand-in for the clock is read."""
    ticks = itertools.count(1000)
    if device.type == "cpu":
        monkeypatch.setattr(timestamps, "globaltimer", lambda: next(ticks))
    return lambda: next(ticks) - 1000


def places(device, count=1):
    return torch.zeros(count, dtype=torch.int64, pin_memory=device.type == "cuda")


def ready(name, device, rng):
    """Return a launcher of the kernel and what it writes."""
    out = torch.zeros(1, 3, SIDE, SIDE, device=device)
    image = torch.randint(0, 256, (HEIGHT, WIDTH, 3), dtype=torch.uint8, device=device)
    if name == "fetch":
        words = torch.arange(4096, dtype=torch.int32)
        words = words.pin_memory() if device.type == "cuda" else words
        order = places(device, ORDER_WORDS)
        order[0] = words.data_ptr()
        there, threshold = (
            torch.zeros(4096, dtype=torch.int32, device=device),
            torch.zeros(1, device=device),
        )
        keep = words  # its memory is read by address
        return lambda **options: fetch(order, there, threshold, **options) or keep, there
    if name == "preprocess A":
        y, x = linear_table(HEIGHT, SIDE).to(device), linear_table(WIDTH, SIDE).to(device)
        return lambda **options: preprocess_a(
            image, out, y, x, affine(), layout=Layout.BGR, **options
        ), out
    if name == "preprocess B":
        y, x = antialias_table(HEIGHT, SIDE).to(device), antialias_table(WIDTH, SIDE).to(device)
        scratch = torch.zeros(3, HEIGHT, SIDE, dtype=torch.uint8, device=device)
        return lambda **options: preprocess_b(
            image, scratch, out, y, x, affine(), layout=Layout.BGR, **options
        ), out
    results = Results.allocate(RECORDS, device)
    if name == "select":
        logits = torch.randn(1, 12, 5, generator=rng, device=device)
        boxes = torch.rand(1, 12, 4, generator=rng, device=device)
        workspace = SelectWorkspace.allocate(12, 5, RECORDS, device)
        threshold = torch.full((1,), 0.5, device=device)
        return lambda **options: select(
            logits, boxes, threshold, results, workspace, frame_wh=(WIDTH, HEIGHT), **options
        ), results.flat
    planes = torch.full((RECORDS, HEIGHT, WIDTH // 8), 255, dtype=torch.uint8, device=device)
    results.counts[2] = 1
    results.regions[0] = torch.tensor([0, 0, WIDTH, HEIGHT], device=device)
    words = stream_bytes(RECORDS, HEIGHT, WIDTH) // 4
    stream = torch.zeros(words, dtype=torch.int32, device=device)
    return lambda **options: mask_stream(planes, results, stream, **options), stream


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_writes_the_time_once_and_works_as_without(device, rng, read_clock, name):
    launch, written = ready(name, device, rng)
    launch()
    plain = written.clone()
    assert plain.any()
    assert read_clock() == 0
    written.zero_()
    at = places(device, 3)
    launch(stamp=at[1:2])
    if device.type == "cuda":
        torch.cuda.synchronize()
    else:
        assert read_clock() == 2  # once by the kernel, with the two of this test
    assert torch.equal(written, plain)
    assert at[1] > 0
    assert at[0] == at[2] == 0


@pytest.mark.needs_cuda
@pytest.mark.parametrize("name", KERNELS)
def test_times_follow_the_order_on_the_stream(device, rng, name):
    launch, _ = ready(name, device, rng)
    at = places(device, 3)
    for _ in range(3):
        stamp(at[:1], device)
        launch(stamp=at[1:2])
        stamp(at[2:], device)
        torch.cuda.synchronize()
        assert at[0] <= at[1] <= at[2]
        assert at[0] > 0


@pytest.mark.needs_cuda
def test_stamps_and_events_tell_the_same_duration(device):
    """Between both lie two launches: within a tenth of a long stretch of work."""
    before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    at = places(device, 2)
    matrix = torch.randn(2048, 2048, device=device)
    for _ in range(2):
        torch.cuda._sleep(2_000_000)  # so that no pause of the host lies between the two
        before.record()
        stamp(at[:1], device)
        for _ in range(20):
            matrix = (matrix @ matrix).clamp(-1, 1)
        stamp(at[1:], device)
        after.record()
        torch.cuda.synchronize()
    by_events_ms = before.elapsed_time(after)
    by_stamps_ms = float(at[1] - at[0]) / 1e6
    assert by_stamps_ms == pytest.approx(by_events_ms, rel=0.1)


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (torch.zeros(2, dtype=torch.int64), "shape"),
        (torch.zeros(1, dtype=torch.int32), "int64"),
    ],
)
def test_a_wrong_place_is_refused(device, rng, at, told):
    for name in KERNELS:
        launch, _ = ready(name, device, rng)
        with pytest.raises(ValueError, match=told):
            launch(stamp=at)
    with pytest.raises(ValueError, match=told):
        stamp(at, device)


@pytest.mark.needs_cuda
def test_pageable_memory_is_refused(device):
    with pytest.raises(ValueError, match="pinned"):
        stamp(torch.zeros(1, dtype=torch.int64), device)
