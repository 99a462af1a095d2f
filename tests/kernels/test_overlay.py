"""The overlay against its reference, and the reference against OpenCV's drawing."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
cv2 = pytest.importorskip("cv2")

from rfviewer_kernels import reference, reference_overlay  # noqa: E402
from rfviewer_kernels.overlay import SHOW_BOXES, SHOW_MASKS, SHOW_OUTLINES, overlay  # noqa: E402
from rfviewer_kernels.overlay_plan import overlay_plan  # noqa: E402
from rfviewer_kernels.pixels import Layout  # noqa: E402
from rfviewer_kernels.records import Decoded, Results, decode  # noqa: E402

cuda = pytest.mark.needs_cuda
SIZES = [
    ((38, 22), 1, 1),
    ((34, 18), 2, 2),
    pytest.param((312, 176), 1, 1, marks=cuda),
    pytest.param((1920, 1080), 2, 2, marks=cuda),
    pytest.param((3840, 2160), 3, 4, marks=cuda),
]
FILLS, LINES = [0xFF8000, 0x10E0A0, -1, 0x3050FF], [0xFFC080, 0x90F0D0, 0x0, 0x90A0FF]


def _scene(frame_wh, device, rng, count=6, max_records=9):
    """Results with `count` overlapping objects, two of them on one plane, and their planes."""
    width, height = frame_wh
    numbers = np.random.default_rng(2)
    results = Results.allocate(max_records, device)
    planes = torch.zeros(max_records, height, width, dtype=torch.bool, device=device)
    for row in range(count):
        x0, y0 = numbers.integers(0, width - 8), numbers.integers(0, height - 8)
        x1, y1 = numbers.integers(x0 + 4, width + 1), numbers.integers(y0 + 4, height + 1)
        noise = torch.rand(y1 - y0, x1 - x0, device=device, generator=rng)
        planes[row, y0:y1, x0:x1] = noise > 0.2
        box = torch.tensor([x0, y0, x1, y1], dtype=torch.float32) + 0.3 * row
        words = box.clamp(max=float(min(frame_wh))).view(torch.int32).tolist()
        plane = 0 if row == 1 else row
        results.records[row] = torch.tensor([0, row % 4, row, *words, plane], dtype=torch.int32)
    results.counts[0] = count
    tight = reference.regions(planes[:max_records])
    results.regions[:] = tight
    return results, planes


def _frame(frame_wh, layout, device, rng):
    width, height = frame_wh
    shape = (height * 3 // 2, width) if layout is Layout.NV12 else (height, width, 3)
    return torch.randint(0, 256, shape, dtype=torch.uint8, device=device, generator=rng)


@pytest.mark.parametrize("layout", [Layout.BGR, Layout.NV12])
@pytest.mark.parametrize("show", [(True, True, True), (True, False, False), (False, True, True)])
@pytest.mark.parametrize(("frame_wh", "box_px", "outline_px"), SIZES)
def test_equals_its_reference(frame_wh, box_px, outline_px, show, layout, device, rng):
    results, planes = _scene(frame_wh, device, rng)
    frame = _frame(frame_wh, layout, device, rng)
    fills = torch.tensor(FILLS, dtype=torch.int32, device=device)
    lines = torch.tensor(LINES, dtype=torch.int32, device=device)
    paint = torch.full((9, 12), -3, dtype=torch.int32, device=device)
    overlay_plan(results, fills, lines, paint, frame_wh=frame_wh)
    bits = sum(b for b, on in zip((SHOW_MASKS, SHOW_OUTLINES, SHOW_BOXES), show) if on)  # noqa: B905
    out = torch.zeros(frame_wh[1], frame_wh[0], dtype=torch.int32, device=device)
    overlay(
        frame,
        results,
        paint,
        reference.pack(planes),
        torch.tensor([0.45], device=device),
        torch.tensor([bits], dtype=torch.int32, device=device),
        out,
        layout=layout,
        box_px=box_px,
        outline_px=outline_px,
    )
    expected = reference_overlay.overlay(
        frame,
        decode(results),
        planes,
        fills,
        lines,
        0.45,
        layout=layout,
        box_px=box_px,
        outline_px=outline_px,
        show=show,
    )
    got = out.view(torch.uint8).view(*out.shape, 4)
    assert int((got.int() - expected.int()).abs().max()) == 0


@pytest.mark.parametrize("box_px", [1, 2, 3])
def test_boxes_and_fills_are_the_hosts(box_px, device, rng):
    width, height = 48, 36
    frame = _frame((width, height), Layout.BGR, torch.device("cpu"), None)
    mask = torch.zeros(1, height, width, dtype=torch.bool)
    mask[0, 8:20, 10:30] = True
    box = torch.tensor([[9.5, 8.4, 30.6, 20.5]])
    row = Decoded(
        torch.ones(1), torch.zeros(1).int(), torch.zeros(1).int(), box, torch.zeros(1).int()
    )
    table = torch.tensor([0x20C0FF], dtype=torch.int32)
    got = reference_overlay.overlay(
        frame,
        row,
        mask,
        table,
        table,
        0.45,
        layout=Layout.BGR,
        box_px=box_px,
        outline_px=1,
        show=(True, False, True),
    ).numpy()
    # The host's own arithmetic: rounded blend in float64, then cv2.rectangle on rounded corners.
    color = np.array([0xFF, 0xC0, 0x20, 255])
    wanted = np.dstack([frame.numpy(), np.full((height, width), 255, np.uint8)])
    blended = np.rint(wanted + (color - wanted.astype(float)) * 0.45).astype(np.uint8)
    wanted = np.where(mask[0].numpy()[..., None], blended, wanted)
    x0, y0, x1, y1 = np.rint(box[0].numpy()).astype(int)
    wanted = np.ascontiguousarray(wanted)
    cv2.rectangle(wanted, (x0, y0), (x1 - 1, y1 - 1), color.tolist(), box_px)
    assert np.abs(got.astype(int) - wanted.astype(int)).max() <= 1
