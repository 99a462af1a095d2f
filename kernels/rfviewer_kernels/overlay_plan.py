"""What the overlay paints, in paint order: one small launch turns records into a paint table.

Big boxes first, so that small objects lie on top; equal areas keep their order by score. Threshold,
visibility and colours come from a view table on the device, so a captured graph follows a change of
the view.

Row 0 of the paint table holds in word 0 how many objects are painted; row 1 + i is object i:

| word | what |
|------|------|
| 0    | mask plane |
| 1-4  | x0 y0 x1 y1 of the tight mask region, px; empty when x1 <= x0 |
| 5-8  | left, top, right, bottom pixel of the box, inclusive |
| 9    | colour of fill and box 0xRRGGBB |
| 10   | colour of the outline 0xRRGGBB |
"""

from dataclasses import dataclass

import torch
import triton
import triton.language as tl

from rfviewer_kernels.checks import check
from rfviewer_kernels.records import Results

PAINT_WORDS = 12
VIEW_WORDS = 4
SHOW_MASKS, SHOW_OUTLINES, SHOW_BOXES = 1, 2, 4
"""Bits of `ViewTable.flags`."""

_CHUNK = tl.constexpr(32)
_WORDS = tl.constexpr(PAINT_WORDS)
_VIEW_WORDS = tl.constexpr(VIEW_WORDS)


@dataclass(frozen=True)
class ViewTable:
    """How to draw, in one int32 buffer: one small copy brings a changed view to the device."""

    flat: torch.Tensor
    """(4 + 2 C,) int32."""
    classes: int
    """C."""

    @classmethod
    def allocate(cls, classes: int, device: torch.device, *, pinned: bool = False) -> "ViewTable":
        """Return a zeroed table for C classes."""
        words = VIEW_WORDS + 2 * classes
        return cls(torch.zeros(words, dtype=torch.int32, device=device, pin_memory=pinned), classes)

    @property
    def flags(self) -> torch.Tensor:
        """(1,) int32: SHOW_MASKS, SHOW_OUTLINES, SHOW_BOXES."""
        return self.flat[:1]

    @property
    def fill_share(self) -> torch.Tensor:
        """(1,) int32, 0..256: opacity of the fills."""
        return self.flat[1:2]

    @property
    def threshold(self) -> torch.Tensor:
        """(1,) float32: objects with a score above it are painted."""
        return self.flat[2:3].view(torch.float32)

    @property
    def fill_colors(self) -> torch.Tensor:
        """(C,) int32 0xRRGGBB of fill and box by class id, -1 for a hidden class."""
        return self.flat[VIEW_WORDS : VIEW_WORDS + self.classes]

    @property
    def line_colors(self) -> torch.Tensor:
        """(C,) int32 0xRRGGBB of the outline by class id."""
        return self.flat[VIEW_WORDS + self.classes :]


@triton.jit
def _round_even(value):
    """Return float32 values >= 0 rounded to int32, halves to even, as numpy.rint does."""
    whole = value.to(tl.int32)
    rest = value - whole.to(tl.float32)
    up = (rest > 0.5) | ((rest == 0.5) & ((whole & 1) == 1))
    return whole + up.to(tl.int32)


@triton.jit
def _shown(records, view, row, count, threshold):
    """Return whether the records `row` are painted."""
    valid = row < count
    score = tl.load(records + row * 8, mask=valid, other=0).to(tl.float32, bitcast=True)
    class_id = tl.load(records + row * 8 + 1, mask=valid, other=0)
    fill = tl.load(view + _VIEW_WORDS + class_id, mask=valid, other=-1)
    return valid & (score > threshold) & (fill >= 0)


@triton.jit
def _box(records, row, mask):
    x1 = tl.load(records + row * 8 + 3, mask=mask, other=0).to(tl.float32, bitcast=True)
    y1 = tl.load(records + row * 8 + 4, mask=mask, other=0).to(tl.float32, bitcast=True)
    x2 = tl.load(records + row * 8 + 5, mask=mask, other=0).to(tl.float32, bitcast=True)
    y2 = tl.load(records + row * 8 + 6, mask=mask, other=0).to(tl.float32, bitcast=True)
    return x1, y1, x2, y2


@triton.jit
def _overlay_plan_kernel(
    counts, records, regions, view, paint, width, height, classes, ROWS: tl.constexpr
):
    count = tl.load(counts)
    threshold = tl.load(view + 2).to(tl.float32, bitcast=True)
    row = tl.arange(0, ROWS)
    shown = _shown(records, view, row, count, threshold)
    x1, y1, x2, y2 = _box(records, row, shown)
    area = (x2 - x1) * (y2 - y1)
    rank = tl.zeros((ROWS,), tl.int32)
    for start in range(0, count, _CHUNK):
        other_row = start + tl.arange(0, _CHUNK)
        other_shown = _shown(records, view, other_row, count, threshold)
        left, top, right, bottom = _box(records, other_row, other_shown)
        other = (right - left) * (bottom - top)
        bigger = other[None, :] > area[:, None]
        earlier = (other[None, :] == area[:, None]) & (other_row[None, :] < row[:, None])
        rank += tl.sum(((bigger | earlier) & other_shown[None, :]).to(tl.int32), axis=1)
    tl.store(paint, tl.sum(shown.to(tl.int32), axis=0))
    at = paint + (1 + rank) * _WORDS
    class_id = tl.load(records + row * 8 + 1, mask=shown, other=0)
    plane = tl.load(records + row * 8 + 7, mask=shown, other=0)
    left = tl.minimum(_round_even(x1), width - 1)
    top = tl.minimum(_round_even(y1), height - 1)
    tl.store(at, plane, mask=shown)
    for word in tl.static_range(4):
        edge = tl.load(regions + plane * 4 + word, mask=shown, other=0)
        tl.store(at + 1 + word, edge, mask=shown)
    tl.store(at + 5, left, mask=shown)
    tl.store(at + 6, top, mask=shown)
    # A box (x1, y1, x2, y2) covers the pixels up to x2 - 1.
    tl.store(at + 7, tl.maximum(_round_even(x2) - 1, left), mask=shown)
    tl.store(at + 8, tl.maximum(_round_even(y2) - 1, top), mask=shown)
    color = view + _VIEW_WORDS + class_id
    tl.store(at + 9, tl.load(color, mask=shown, other=0), mask=shown)
    tl.store(at + 10, tl.load(color + classes, mask=shown, other=0), mask=shown)


def overlay_plan(
    results: Results, view: ViewTable, paint: torch.Tensor, *, frame_wh: tuple[int, int]
) -> None:
    """Enqueue the paint table on the current stream. No allocation, no sync.

    Args:
        results: after `masks`; every class id lies below `view.classes`.
        view: on the results' device.
        paint: (1 + K, 12) int32, overwritten as far as it is used.
        frame_wh: frame width and height in pixels.

    Raises:
        ValueError: for a wrong shape, type, stride or device.
    """
    device = results.flat.device
    check("paint", paint, (1 + results.max_records, PAINT_WORDS), (torch.int32,), device=device)
    check("view", view.flat, (VIEW_WORDS + 2 * view.classes,), (torch.int32,), device=device)
    _overlay_plan_kernel[(1,)](
        results.counts,
        results.records,
        results.regions,
        view.flat,
        paint,
        *frame_wh,
        view.classes,
        ROWS=triton.next_power_of_2(results.max_records),
        num_warps=8,
        enable_fp_fusion=False,
    )
