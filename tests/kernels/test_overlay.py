"""The overlay against its reference; tests/engine_cuda compares it with the host renderer."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rfviewer_kernels import reference, reference_overlay  # noqa: E402
from rfviewer_kernels.overlay import overlay  # noqa: E402
from rfviewer_kernels.overlay_plan import (  # noqa: E402
    PAINT_WORDS,
    SHOW_BOXES,
    SHOW_MASKS,
    SHOW_OUTLINES,
    ViewTable,
    overlay_plan,
)
from rfviewer_kernels.pixels import Layout  # noqa: E402
from rfviewer_kernels.records import Results, decode  # noqa: E402

cuda = pytest.mark.needs_cuda
SIZES = [
    ((38, 22), 0, 1),
    ((35, 19), 1, 2),
    ((20, 40), 2, 7),
    pytest.param((312, 176), 0, 1, marks=cuda),
    pytest.param((1920, 1080), 1, 2, marks=cuda),
    pytest.param((3840, 2160), 2, 3, marks=cuda),
]
FILLS, LINES = [0xFF8000, 0x10E0A0, -1, 0x3050FF], [0xFFC080, 0x90F0D0, 0x0, 0x90A0FF]
MAX_RECORDS = 9


def _scene(frame_wh, device, rng, count=6):
    """Results with `count` overlapping objects, two of them on one plane, and their planes."""
    width, height = frame_wh
    numbers = np.random.default_rng(2)
    results = Results.allocate(MAX_RECORDS, device)
    planes = torch.zeros(MAX_RECORDS, height, width, dtype=torch.bool, device=device)
    for row in range(count):
        x0, y0 = numbers.integers(0, width - 8), numbers.integers(0, height - 8)
        x1, y1 = numbers.integers(x0 + 4, width + 1), numbers.integers(y0 + 4, height + 1)
        noise = torch.rand(y1 - y0, x1 - x0, device=device, generator=rng)
        planes[row, y0:y1, x0:x1] = noise > 0.2
        box = torch.tensor([x0, y0, x1, y1], dtype=torch.float32) + 0.3 * row
        box = torch.minimum(box, torch.tensor([width, height] * 2, dtype=torch.float32))
        score = torch.tensor(0.9 - 0.1 * row)
        words = torch.cat((score[None], box)).view(torch.int32).tolist()
        plane = 0 if row == 1 else row
        record = [words[0], row % 4, row, *words[1:], plane]
        results.records[row] = torch.tensor(record, dtype=torch.int32)
    results.counts[0] = count
    results.regions[:] = reference.regions(planes)
    return results, planes


def _frame(frame_wh, layout, device, rng):
    width, height = frame_wh
    shape = (height * 3 // 2, width) if layout is Layout.NV12 else (height, width, 3)
    return torch.randint(0, 256, shape, dtype=torch.uint8, device=device, generator=rng)


def _view(show, threshold, device, fill_share=115):
    table = ViewTable.allocate(len(FILLS), device)
    bits = (SHOW_MASKS, SHOW_OUTLINES, SHOW_BOXES)
    table.flags[0] = sum(bit for bit, on in zip(bits, show, strict=True) if on)
    table.fill_share[0] = fill_share
    table.threshold[0] = threshold
    table.fill_colors[:] = torch.tensor(FILLS, dtype=torch.int32)
    table.line_colors[:] = torch.tensor(LINES, dtype=torch.int32)
    return table


def _shares(reach, device):
    """Any table will do: the kernel only looks up."""
    entries = 2 * ((2 * reach + 1) ** 2 + 1)
    shares = np.random.default_rng(reach).integers(0, 257, entries, np.int32)
    shares[0] = 0
    return torch.from_numpy(shares).to(device)


def _run(frame, results, packed, view, frame_wh, *, layout, box_reach, outline_reach, **options):
    device = frame.device
    rows = 1 + results.max_records
    paint = torch.full((rows, PAINT_WORDS), -3, dtype=torch.int32, device=device)
    overlay_plan(results, view, paint, frame_wh=frame_wh)
    out = torch.zeros(frame_wh[1], frame_wh[0], dtype=torch.int32, device=device)
    overlay(
        frame,
        results,
        paint,
        packed,
        view,
        _shares(outline_reach, device),
        out,
        layout=layout,
        box_reach=box_reach,
        outline_reach=outline_reach,
        **options,
    )
    return out.view(torch.uint8).view(*out.shape, 4)


def _expected(frame, results, planes, view, *, outline_reach, fill_share=115, **options):
    return reference_overlay.overlay(
        frame,
        decode(results),
        planes,
        view.fill_colors,
        view.line_colors,
        fill_share,
        _shares(outline_reach, frame.device),
        outline_reach=outline_reach,
        **options,
    )


@pytest.mark.parametrize("layout", [Layout.BGR, Layout.NV12])
@pytest.mark.parametrize("show", [(True, True, True), (True, False, False), (False, True, True)])
@pytest.mark.parametrize(("frame_wh", "box_reach", "outline_reach"), SIZES)
def test_equals_its_reference(frame_wh, box_reach, outline_reach, show, layout, device, rng):
    if layout is Layout.NV12 and frame_wh[0] % 2:
        frame_wh = (frame_wh[0] + 1, frame_wh[1] + 1)
    results, planes = _scene(frame_wh, device, rng)
    frame = _frame(frame_wh, layout, device, rng)
    view = _view(show, 0.45, device)
    packed = reference.pack(planes)
    sizes = {"layout": layout, "box_reach": box_reach, "outline_reach": outline_reach}
    got = _run(frame, results, packed, view, frame_wh, **sizes)
    expected = _expected(frame, results, planes, view, threshold=0.45, show=show, **sizes)
    assert (got == expected).all()


def test_bytes_outside_the_regions_are_never_looked_at(device, rng):
    frame_wh = (38, 22)
    results, planes = _scene(frame_wh, device, rng)
    frame = _frame(frame_wh, Layout.BGR, device, rng)
    view = _view((True, True, True), 0.0, device)
    packed = reference.pack(planes)
    sizes = {"layout": Layout.BGR, "box_reach": 0, "outline_reach": 3}
    clean = _run(frame, results, packed, view, frame_wh, **sizes)
    for plane, (x0, y0, x1, y1) in enumerate(results.regions.tolist()):
        kept = packed[plane, y0:y1, x0 >> 3 : (x1 + 7) >> 3].clone()
        packed[plane] = 255
        packed[plane, y0:y1, x0 >> 3 : (x1 + 7) >> 3] = kept
    assert (_run(frame, results, packed, view, frame_wh, **sizes) == clean).all()


def test_more_objects_than_one_group_and_none_at_all(device, rng):
    frame_wh, many = (20, 9), 71
    results = Results.allocate(many, device)
    planes = torch.rand(many, 9, 20, device=device, generator=rng) > 0.9
    for row in range(many):
        box = torch.tensor([row * 0.2, row * 0.1, 18.0, 8.0]).view(torch.int32).tolist()
        score = int(torch.tensor([0.9]).view(torch.int32))
        results.records[row] = torch.tensor([score, row % 4, row, *box, row], dtype=torch.int32)
    results.regions[:] = reference.regions(planes)
    frame = _frame(frame_wh, Layout.BGR, device, rng)
    view = _view((True, True, True), 0.0, device)
    for count in (many, 0):
        results.counts[0] = count
        sizes = {"layout": Layout.BGR, "box_reach": 0, "outline_reach": 1}
        packed = reference.pack(planes)
        got = _run(frame, results, packed, view, frame_wh, **sizes)
        expected = _expected(frame, results, planes, view, **sizes)
        assert (got == expected).all()


def test_a_detector_without_masks_gets_its_boxes(device, rng):
    frame_wh = (38, 22)
    results, _ = _scene(frame_wh, device, rng)
    results.regions.zero_()
    frame = _frame(frame_wh, Layout.BGR, device, rng)
    view = _view((True, True, True), 0.0, device)
    sizes = {"layout": Layout.BGR, "box_reach": 1, "outline_reach": 1}
    got = _run(frame, results, None, view, frame_wh, **sizes)
    nothing = torch.zeros(MAX_RECORDS, 22, 38, dtype=torch.bool, device=device)
    expected = _expected(frame, results, nothing, view, fill_share=0, **sizes)
    assert (got == expected).all()
