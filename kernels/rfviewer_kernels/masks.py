"""Mask planes of the survivors: resize raw logits to frame size, then threshold at 0, then pack.

Two launches for all planes; the number of planes is read on the device, so the host never waits for
it. The first finds the coarse regions (mask_regions.py); in the second a persistent grid walks the
tiles of the coarse regions only, and writes the tight regions too.
Order and formula: rfdetr 1.11.2 PostProcess (bilinear on logits, no antialias, then > 0); never
threshold first. Built without contraction, so bits equal those of `reference.masks`.
"""

from dataclasses import dataclass

import torch
import triton
import triton.language as tl

from rfviewer_kernels.checks import check
from rfviewer_kernels.mask_regions import PixelRuns, launch_mask_regions
from rfviewer_kernels.programs import persistent_programs
from rfviewer_kernels.records import Results
from rfviewer_kernels.tables import LinearTable, linear_table

_FAR = tl.constexpr(0x7FFFFFFF)


@dataclass(frozen=True)
class MaskLaunch:
    """How the pixels of the planes are divided among programs."""

    packed_tile: tuple[int, int]
    """Rows and bytes of one item, bit-packed."""
    dense_tile: tuple[int, int]
    """Rows and pixels of one item, one byte per pixel."""
    warps: int
    """Warps of one program."""


TUNED = MaskLaunch((32, 4), (32, 16), 2)
"""Measured fastest at 312x176 to 1080p on an H100 (docs/OPTIMIZATION_LOG.md, K4)."""
LINEAR = MaskLaunch((1, 128), (1, 1024), 4)
"""The plain launch: 1024 pixels of one row, Triton's default warps."""


@dataclass(frozen=True)
class MaskTables:
    """Everything that depends only on the grid size and the frame size; any slot may share it."""

    y: LinearTable
    x: LinearTable
    runs_y: PixelRuns
    runs_x: PixelRuns

    @classmethod
    def make(
        cls, grid_wh: tuple[int, int], frame_wh: tuple[int, int], device: torch.device
    ) -> "MaskTables":
        """Return the tables for logits of `grid_wh` on frames of `frame_wh`."""
        y = linear_table(grid_wh[1], frame_wh[1]).to(device)
        x = linear_table(grid_wh[0], frame_wh[0]).to(device)
        return cls(y, x, PixelRuns(y), PixelRuns(x))


@triton.jit
def _interpolate(
    plane_logits, top_row, bottom_row, ly, x, inside, x_first, x_second, x_weight, width
):
    """Return the logits at columns `x` (C,) of the rows given by their taps (R, 1): (R, C)."""
    column_inside = x < width
    x0 = tl.load(x_first + x, mask=column_inside, other=0)[None, :]
    x1 = tl.load(x_second + x, mask=column_inside, other=0)[None, :]
    lx = tl.load(x_weight + x, mask=column_inside, other=0.0)[None, :]
    p00 = tl.load(plane_logits + top_row + x0, mask=inside, other=0.0).to(tl.float32)
    p01 = tl.load(plane_logits + top_row + x1, mask=inside, other=0.0).to(tl.float32)
    p10 = tl.load(plane_logits + bottom_row + x0, mask=inside, other=0.0).to(tl.float32)
    p11 = tl.load(plane_logits + bottom_row + x1, mask=inside, other=0.0).to(tl.float32)
    top = (1.0 - lx) * p00 + lx * p01
    bottom = (1.0 - lx) * p10 + lx * p11
    return (1.0 - ly) * top + ly * bottom


@triton.jit
def _masks_kernel(
    logits,
    counts,
    plane_queries,
    coarse,
    out,
    regions,
    x_first,
    x_second,
    x_weight,
    y_first,
    y_second,
    y_weight,
    width,
    height,
    columns,
    grid_w,
    grid_size,
    PACKED: tl.constexpr,
    TILE_H: tl.constexpr,
    TILE_C: tl.constexpr,
    ROWS: tl.constexpr,
):
    per_column: tl.constexpr = 8 if PACKED else 1
    planes = tl.load(counts + 2)
    row = tl.arange(0, ROWS)
    live = row < planes
    first_column = tl.load(coarse + row * 4, mask=live, other=0) // per_column
    end_column = (
        tl.load(coarse + row * 4 + 2, mask=live, other=0) + (per_column - 1)
    ) // per_column
    top = tl.load(coarse + row * 4 + 1, mask=live, other=0)
    bottom = tl.load(coarse + row * 4 + 3, mask=live, other=0)
    tiles_x = (tl.maximum(end_column - first_column, 0) + (TILE_C - 1)) // TILE_C
    tiles = tiles_x * ((tl.maximum(bottom - top, 0) + (TILE_H - 1)) // TILE_H)
    end = tl.cumsum(tiles, axis=0)
    total = tl.sum(tiles, axis=0)
    for item in range(tl.program_id(0), total, tl.num_programs(0)):
        plane = tl.sum((live & (end <= item)).to(tl.int32), axis=0)
        mine = row == plane
        tile = item - tl.sum(tl.where(mine, end - tiles, 0), axis=0)
        across = tl.sum(tl.where(mine, tiles_x, 0), axis=0)
        y = tl.load(coarse + plane * 4 + 1) + (tile // across) * TILE_H + tl.arange(0, TILE_H)
        column = tl.load(coarse + plane * 4) // per_column + (tile % across) * TILE_C
        column += tl.arange(0, TILE_C)
        y_inside = y < height
        inside = y_inside[:, None] & (column < columns)[None, :]
        plane_logits = logits + tl.load(plane_queries + plane) * grid_size
        top_row = tl.load(y_first + y, mask=y_inside, other=0)[:, None] * grid_w
        bottom_row = tl.load(y_second + y, mask=y_inside, other=0)[:, None] * grid_w
        ly = tl.load(y_weight + y, mask=y_inside, other=0.0)[:, None]
        result = tl.zeros((TILE_H, TILE_C), tl.int32)
        for bit in tl.static_range(per_column):
            x = column * per_column + bit
            here = inside & (x < width)[None, :]
            value = _interpolate(
                plane_logits, top_row, bottom_row, ly, x, here, x_first, x_second, x_weight, width
            )
            result |= (here & (value > 0.0)).to(tl.int32) << bit
        at_out = out + plane.to(tl.int64) * height * columns
        at_out += y[:, None] * columns + column[None, :]
        tl.store(at_out, result.to(tl.uint8), mask=inside)

        row_bits = tl.max(result, axis=1)
        column_bits = tl.reduce(result, 0, _or)
        last_row = tl.max(tl.where(row_bits > 0, y + 1, 0), axis=0)
        if last_row > 0:
            # The outermost set bits of a byte, without a loop: bit pattern to position.
            low_bit = column_bits & (-column_bits)
            left = column * per_column + _position(low_bit)
            right = column * per_column + _highest(column_bits) + 1
            region = regions + plane * 4
            tl.atomic_min(region, tl.min(tl.where(column_bits > 0, left, _FAR), axis=0))
            tl.atomic_min(region + 1, tl.min(tl.where(row_bits > 0, y, _FAR), axis=0))
            tl.atomic_max(region + 2, tl.max(tl.where(column_bits > 0, right, 0), axis=0))
            tl.atomic_max(region + 3, last_row)


@triton.jit
def _or(a, b):
    return a | b


@triton.jit
def _position(bit):
    """Return the index of the only set bit of a byte."""
    odd = ((bit & 0xAA) != 0).to(tl.int32)
    pair = ((bit & 0xCC) != 0).to(tl.int32)
    high = ((bit & 0xF0) != 0).to(tl.int32)
    return odd + pair * 2 + high * 4


@triton.jit
def _highest(byte):
    """Return the index of the highest set bit of a byte; 0 for 0."""
    high = (byte > 15).to(tl.int32)
    rest = byte >> (high * 4)
    pair = (rest > 3).to(tl.int32)
    rest = rest >> (pair * 2)
    return high * 4 + pair * 2 + (rest > 1).to(tl.int32)


def masks(
    logits: torch.Tensor,
    results: Results,
    plane_queries: torch.Tensor,
    coarse: torch.Tensor,
    out: torch.Tensor,
    tables: MaskTables,
    *,
    packed: bool,
    roi: bool = True,
    clear: bool = True,
    launch: MaskLaunch = TUNED,
    programs: int | None = None,
) -> None:
    """Enqueue the mask planes on the current stream. No allocation, no sync.

    Args:
        logits: (1, Q, h, w) fp16 or fp32 mask logits, contiguous.
        results: after `select`: its counts are read, the planes' regions are written, tight.
        plane_queries: (K,) int32 of `SelectWorkspace`.
        coarse: (K, 4) int32 scratch: the coarse regions.
        out: packed (K, H, ceil(W / 8)) uint8, bit x & 7 of byte x >> 3, padding bits 0; or dense
            (K, H, W) uint8 of 0 and 1. Planes from `results.counts[2]` on are not touched.
        tables: for these sizes, on the logits' device.
        packed: layout of `out`.
        roi: compute inside the coarse region only; otherwise the whole frame.
        clear: zero the planes outside their regions. A consumer that reads regions only, as
            `mask_stream` and `overlay` do, can save that.
        launch: how the work is divided; the same bits whichever.
        programs: size of the persistent grid; None fits the device.

    Raises:
        ValueError: for a wrong shape, type, stride or device.
    """
    grid = (1, None, tables.y.n_in, tables.x.n_in)
    check("logits", logits, grid, (torch.float16, torch.float32), device=out.device)
    height, width = tables.y.n_out, tables.x.n_out
    columns = -(-width // 8) if packed else width
    rows = results.max_records
    check("out", out, (rows, height, columns), (torch.uint8,), device=tables.x.first.device)
    check("plane_queries", plane_queries, (rows,), (torch.int32,), device=out.device)
    check("coarse", coarse, (rows, 4), (torch.int32,), device=out.device)
    launch_mask_regions(
        logits,
        results.counts,
        plane_queries,
        coarse,
        results.regions,
        out,
        tables.runs_y,
        tables.runs_x,
        (width, height),
        roi=roi,
        clear=clear and roi,
    )
    tile_h, tile_c = launch.packed_tile if packed else launch.dense_tile
    _masks_kernel[(programs or persistent_programs(out.device, 16),)](
        logits,
        results.counts,
        plane_queries,
        coarse,
        out,
        results.regions,
        tables.x.first,
        tables.x.second,
        tables.x.weight,
        tables.y.first,
        tables.y.second,
        tables.y.weight,
        width,
        height,
        columns,
        tables.x.n_in,
        tables.y.n_in * tables.x.n_in,
        PACKED=packed,
        TILE_H=tile_h,
        TILE_C=tile_c,
        ROWS=triton.next_power_of_2(rows),
        num_warps=launch.warps,
        enable_fp_fusion=False,
    )
