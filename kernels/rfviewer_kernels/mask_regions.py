"""The coarse region of each mask plane: where its logits can make a pixel positive.

One program a plane finds the bounding rows and columns of its positive logits; the pixels that have
one of them as a tap form the coarse region. No pixel outside can be set: an interpolated value is
positive only if one of its taps is. The same launch flags NaN and infinity, empties the tight
regions and, where asked, clears the planes.
"""

import torch
import triton
import triton.language as tl

from rfviewer_kernels.records import INVALID_MASKS
from rfviewer_kernels.tables import LinearTable

_FAR = tl.constexpr(0x7FFFFFFF)
_CLEAR_BLOCK = tl.constexpr(4096)
_CLEAR_PROGRAMS = 4
_INFINITY = tl.constexpr(float("inf"))
_BAD_MASKS = tl.constexpr(INVALID_MASKS)


class PixelRuns:
    """For each logit of one axis: the pixels that have it as a tap, as a half-open run."""

    def __init__(self, table: LinearTable) -> None:
        first, second = table.first.cpu().long(), table.second.cpu().long()
        pixels = torch.arange(table.n_out)
        starts = torch.full((table.n_in,), table.n_out)
        ends = torch.zeros(table.n_in, dtype=torch.int64)
        for taps in (first, second):
            starts.scatter_reduce_(0, taps, pixels, "amin")
            ends.scatter_reduce_(0, taps, pixels + 1, "amax")
        # A logit that is no tap (shrinking) lets its neighbours decide.
        self.start = starts.flip(0).cummin(0).values.flip(0).int().to(table.first.device)
        """(n_in,) int32, the first pixel with this logit or a later one as a tap."""
        self.end = ends.cummax(0).values.int().to(table.first.device)
        """(n_in,) int32, one past the last pixel with this logit or an earlier one as a tap."""


@triton.jit
def _mask_regions_kernel(
    logits,
    counts,
    plane_queries,
    coarse,
    regions,
    planes,
    x_start,
    x_end,
    y_start,
    y_end,
    width,
    height,
    grid_w,
    grid_h,
    plane_bytes,
    GRID_W: tl.constexpr,
    GRID_H: tl.constexpr,
    ROI: tl.constexpr,
    CLEAR: tl.constexpr,
    CLEAR_PROGRAMS: tl.constexpr,
):
    plane = tl.program_id(0)
    part = tl.program_id(1)
    if plane >= tl.load(counts + 2):
        if part == 0:  # nothing of an earlier frame stays behind the last plane
            for word in tl.static_range(4):
                tl.store(regions + plane * 4 + word, 0)
    else:
        if part == 0:
            x0 = plane * 0
            y0 = plane * 0
            x1 = plane * 0 + width
            y1 = plane * 0 + height
            row = tl.arange(0, GRID_H)
            column = tl.arange(0, GRID_W)
            inside = (row < grid_h)[:, None] & (column < grid_w)[None, :]
            at = logits + tl.load(plane_queries + plane) * (grid_w * grid_h)
            at += row[:, None] * grid_w + column[None, :]
            logit = tl.load(at, mask=inside, other=0.0).to(tl.float32)
            bad = tl.sum((~(tl.abs(logit) < _INFINITY)).to(tl.int32), axis=1)
            if tl.sum(bad, axis=0) > 0:
                tl.atomic_or(counts + 3, _BAD_MASKS)
            if ROI:
                positive = logit > 0.0
                columns = tl.max(positive.to(tl.int32), axis=0)
                rows = tl.max(positive.to(tl.int32), axis=1)
                left = tl.min(tl.where(columns > 0, column, _FAR), axis=0)
                top = tl.min(tl.where(rows > 0, row, _FAR), axis=0)
                if left < _FAR:
                    x0 = tl.load(x_start + left)
                    y0 = tl.load(y_start + top)
                    x1 = tl.load(x_end + tl.max(tl.where(columns > 0, column, 0), axis=0))
                    y1 = tl.load(y_end + tl.max(tl.where(rows > 0, row, 0), axis=0))
                else:
                    x1 = x0
                    y1 = y0
            tl.store(coarse + plane * 4, x0)
            tl.store(coarse + plane * 4 + 1, y0)
            tl.store(coarse + plane * 4 + 2, x1)
            tl.store(coarse + plane * 4 + 3, y1)
            tl.store(regions + plane * 4, width)
            tl.store(regions + plane * 4 + 1, height)
            tl.store(regions + plane * 4 + 2, 0)
            tl.store(regions + plane * 4 + 3, 0)
        if CLEAR:
            target = planes + plane.to(tl.int64) * plane_bytes
            lane = tl.arange(0, _CLEAR_BLOCK)
            zero = tl.zeros((_CLEAR_BLOCK,), tl.uint8)
            for start in range(part * _CLEAR_BLOCK, plane_bytes, CLEAR_PROGRAMS * _CLEAR_BLOCK):
                tl.store(target + start + lane, zero, mask=start + lane < plane_bytes)


def launch_mask_regions(
    logits: torch.Tensor,
    counts: torch.Tensor,
    plane_queries: torch.Tensor,
    coarse: torch.Tensor,
    regions: torch.Tensor,
    planes: torch.Tensor,
    runs_y: PixelRuns,
    runs_x: PixelRuns,
    frame_wh: tuple[int, int],
    *,
    roi: bool,
    clear: bool,
) -> None:
    """Enqueue it on the current stream; `masks.masks` has checked the tensors."""
    grid_h, grid_w = logits.shape[2:]
    parts = _CLEAR_PROGRAMS if clear else 1
    _mask_regions_kernel[(len(planes), parts)](
        logits,
        counts,
        plane_queries,
        coarse,
        regions,
        planes,
        runs_x.start,
        runs_x.end,
        runs_y.start,
        runs_y.end,
        *frame_wh,
        grid_w,
        grid_h,
        planes.shape[1] * planes.shape[2],
        GRID_W=triton.next_power_of_2(grid_w),
        GRID_H=triton.next_power_of_2(grid_h),
        ROI=roi,
        CLEAR=clear,
        CLEAR_PROGRAMS=parts,
        num_warps=8,
    )
