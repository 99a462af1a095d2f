"""The stream of region bytes: what the host rebuilds equals the planes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rfviewer_kernels import reference  # noqa: E402
from rfviewer_kernels.mask_stream import (  # noqa: E402
    mask_stream,
    planes_of_stream,
    stream_bytes,
    stream_layout,
)
from rfviewer_kernels.records import Results  # noqa: E402

cuda = pytest.mark.needs_cuda
SIZES = [
    (9, 5),
    (70, 33),
    pytest.param((312, 176), marks=cuda),
    pytest.param((1921, 1081), marks=cuda),
]


def _rectangles(frame_wh, count, rng, device):
    """Random masks, each set in a rectangle; the second is empty, the first is the whole frame."""
    width, height = frame_wh
    planes = torch.zeros(count, height, width, dtype=torch.bool, device=device)
    numbers = np.random.default_rng(5)
    for index in range(count):
        x0, y0 = numbers.integers(0, width), numbers.integers(0, height)
        x1, y1 = numbers.integers(x0, width) + 1, numbers.integers(y0, height) + 1
        noise = torch.rand(y1 - y0, x1 - x0, device=device, generator=rng)
        planes[index, y0:y1, x0:x1] = noise > 0.5
    planes[0], planes[1] = True, False
    return planes


@pytest.mark.parametrize("pinned", [False, pytest.param(True, marks=cuda)])
@pytest.mark.parametrize("frame_wh", SIZES)
def test_the_host_rebuilds_the_planes(frame_wh, pinned, device, rng):
    count, max_records = 5, 7
    dense = _rectangles(frame_wh, count, rng, device)
    packed = reference.pack(dense)
    # Dirt outside the regions and behind the count must not reach the stream.
    buffer = torch.full((max_records, *packed.shape[1:]), 0xFF, dtype=torch.uint8, device=device)
    buffer[:count] = packed
    results = Results.allocate(max_records, device)
    results.counts[2] = count
    tight = reference.regions(dense)
    tight[1] = torch.tensor([*frame_wh, 0, 0], device=device)
    results.regions[:count] = tight
    results.regions[count:] = 3
    words = stream_bytes(max_records, frame_wh[1], frame_wh[0]) // 4
    where = torch.device("cpu") if pinned else device
    stream = torch.full((words,), -1, dtype=torch.int32, device=where, pin_memory=pinned)
    copied = Results(
        torch.full_like(results.flat, -1, device=where, pin_memory=pinned), max_records
    )
    mask_stream(buffer, results, stream, copied=copied)
    if device.type == "cuda":
        torch.cuda.synchronize()
    layout = stream_layout(results.regions[:count].cpu().numpy())
    rebuilt = planes_of_stream(stream.cpu().numpy().view(np.uint8), layout, *frame_wh[::-1])
    assert np.array_equal(rebuilt, packed.cpu().numpy())
    used = int(layout.starts[-1]) // 4 + 128 * -(-int(layout.shapes[-1].prod()) // 512)
    assert (stream[used:] == -1).all(), "nothing is written behind the last plane"
    assert int(results.header[4]) == 4 * used
    assert torch.equal(copied.flat, results.flat.to(where))


@pytest.mark.parametrize("max_records", [1, 42, 100])  # less than a step of the copy, one, and more
def test_the_table_goes_with_an_empty_stream(max_records, device):
    planes = torch.zeros(max_records, 8, 2, dtype=torch.uint8, device=device)
    results = Results.allocate(max_records, device)
    results.flat.copy_(torch.arange(results.flat.numel()))
    results.counts[2] = 0
    copied = Results.allocate(max_records, device)
    stream = torch.full((max_records * 128,), -1, dtype=torch.int32, device=device)
    mask_stream(planes, results, stream, copied=copied)
    expected = torch.arange(results.flat.numel(), dtype=torch.int32, device=device)
    expected[2] = expected[4] = 0
    assert torch.equal(copied.flat, expected)
    assert (stream == -1).all()


def test_too_small_a_stream_is_refused(device):
    planes = torch.zeros(2, 64, 64, dtype=torch.uint8, device=device)
    stream = torch.zeros(100, dtype=torch.int32, device=device)
    with pytest.raises(ValueError, match="stream must hold"):
        mask_stream(planes, Results.allocate(2, device), stream)


def test_a_table_for_another_number_of_records_is_refused(device):
    planes = torch.zeros(2, 8, 2, dtype=torch.uint8, device=device)
    stream = torch.zeros(256, dtype=torch.int32, device=device)
    with pytest.raises(ValueError, match="copied must have shape"):
        mask_stream(planes, Results.allocate(2, device), stream, copied=Results.allocate(3, device))
