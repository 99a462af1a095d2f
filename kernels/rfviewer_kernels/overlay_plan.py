"""What the overlay paints, in paint order: one small launch turns records into a paint table.

Big boxes first, so that small objects lie on top; equal areas keep their order by score. A class's
colour, outline colour and visibility come from a table on the device, so a captured graph follows a
change of the view.

| word | what |
|------|------|
| 0    | mask plane |
| 1-4  | x0 y0 x1 y1 of the tight mask region, px; empty when x1 <= x0 |
| 5-8  | left, top, right, bottom pixel of the box, inclusive |
| 9    | fill colour 0xRRGGBB |
| 10   | outline colour 0xRRGGBB |
| 11   | 1 when the object is painted |
"""

import torch
import triton
import triton.language as tl

from rfviewer_kernels.checks import check
from rfviewer_kernels.records import Results

PAINT_WORDS = 12

_CHUNK = tl.constexpr(32)
_WORDS = tl.constexpr(PAINT_WORDS)


@triton.jit
def _round_even(value):
    """Return float32 values >= 0 rounded to int32, halves to even, as numpy.rint does."""
    whole = value.to(tl.int32)
    rest = value - whole.to(tl.float32)
    up = (rest > 0.5) | ((rest == 0.5) & ((whole & 1) == 1))
    return whole + up.to(tl.int32)


@triton.jit
def _area(records, row, mask):
    x1 = tl.load(records + row * 8 + 3, mask=mask, other=0).to(tl.float32, bitcast=True)
    y1 = tl.load(records + row * 8 + 4, mask=mask, other=0).to(tl.float32, bitcast=True)
    x2 = tl.load(records + row * 8 + 5, mask=mask, other=0).to(tl.float32, bitcast=True)
    y2 = tl.load(records + row * 8 + 6, mask=mask, other=0).to(tl.float32, bitcast=True)
    return (x2 - x1) * (y2 - y1), x1, y1, x2, y2


@triton.jit
def _overlay_plan_kernel(
    counts,
    records,
    regions,
    fill_colors,
    line_colors,
    paint,
    width,
    height,
    ROWS: tl.constexpr,
):
    count = tl.load(counts)
    row = tl.arange(0, ROWS)
    valid = row < count
    area, x1, y1, x2, y2 = _area(records, row, valid)
    rank = tl.zeros((ROWS,), tl.int32)
    for start in range(0, count, _CHUNK):
        other_row = start + tl.arange(0, _CHUNK)
        other_valid = other_row < count
        other, _a, _b, _c, _d = _area(records, other_row, other_valid)
        bigger = other[None, :] > area[:, None]
        earlier = (other[None, :] == area[:, None]) & (other_row[None, :] < row[:, None])
        rank += tl.sum(((bigger | earlier) & other_valid[None, :]).to(tl.int32), axis=1)
    at = paint + rank * _WORDS
    class_id = tl.load(records + row * 8 + 1, mask=valid, other=0)
    plane = tl.load(records + row * 8 + 7, mask=valid, other=0)
    fill = tl.load(fill_colors + class_id, mask=valid, other=-1)
    line = tl.load(line_colors + class_id, mask=valid, other=0)
    left = tl.minimum(_round_even(x1), width - 1)
    top = tl.minimum(_round_even(y1), height - 1)
    tl.store(at, plane, mask=valid)
    for word in tl.static_range(4):
        edge = tl.load(regions + plane * 4 + word, mask=valid, other=0)
        tl.store(at + 1 + word, edge, mask=valid)
    tl.store(at + 5, left, mask=valid)
    tl.store(at + 6, top, mask=valid)
    # A box (x1, y1, x2, y2) covers the pixels up to x2 - 1.
    tl.store(at + 7, tl.maximum(_round_even(x2) - 1, left), mask=valid)
    tl.store(at + 8, tl.maximum(_round_even(y2) - 1, top), mask=valid)
    tl.store(at + 9, fill, mask=valid)
    tl.store(at + 10, line, mask=valid)
    tl.store(at + 11, (fill >= 0).to(tl.int32), mask=valid)


def overlay_plan(
    results: Results,
    fill_colors: torch.Tensor,
    line_colors: torch.Tensor,
    paint: torch.Tensor,
    *,
    frame_wh: tuple[int, int],
) -> None:
    """Enqueue the paint table on the current stream. No allocation, no sync.

    Args:
        results: after `masks`.
        fill_colors: (C,) int32 0xRRGGBB by class id, -1 for a hidden class.
        line_colors: (C,) int32 0xRRGGBB of the outline by class id.
        paint: (K, 12) int32, overwritten up to the count.
        frame_wh: frame width and height in pixels.

    Raises:
        ValueError: for a wrong shape, type, stride or device.
    """
    device = results.flat.device
    check("paint", paint, (results.max_records, PAINT_WORDS), (torch.int32,), device=device)
    check("fill_colors", fill_colors, (None,), (torch.int32,), device=device)
    check("line_colors", line_colors, fill_colors.shape, (torch.int32,), device=device)
    _overlay_plan_kernel[(1,)](
        results.counts,
        results.records,
        results.regions,
        fill_colors,
        line_colors,
        paint,
        *frame_wh,
        ROWS=triton.next_power_of_2(results.max_records),
        num_warps=8,
        enable_fp_fusion=False,
    )
