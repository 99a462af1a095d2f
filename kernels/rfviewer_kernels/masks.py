"""Mask planes of the survivors: resize raw logits to frame size, then threshold at 0, then pack.

One launch for all planes; the number of planes is read on the device, so the host never waits for
it. A persistent grid walks (plane, tile) items. A tile whose logits hold nothing positive is
cleared without arithmetic: an interpolated value is positive only if one of its taps is.
Order and formula: rfdetr 1.11.2 PostProcess (bilinear on logits, no antialias, then > 0); never
threshold first. Built without contraction, so bits equal those of `reference.masks`.
"""

import torch
import triton
import triton.language as tl

from rfviewer_kernels.checks import check
from rfviewer_kernels.programs import persistent_programs
from rfviewer_kernels.records import Results
from rfviewer_kernels.tables import LinearTable, widest_footprint

_FAR = tl.constexpr(0x7FFFFFFF)


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
    tiles_x,
    tiles_per_plane,
    PACKED: tl.constexpr,
    ROI: tl.constexpr,
    TILE_H: tl.constexpr,
    TILE_C: tl.constexpr,
    FOOT_H: tl.constexpr,
    FOOT_W: tl.constexpr,
):
    pixels_per_column: tl.constexpr = 8 if PACKED else 1
    planes = tl.load(counts + 2)
    for item in range(tl.program_id(0), planes * tiles_per_plane, tl.num_programs(0)):
        plane = item // tiles_per_plane
        tile = item % tiles_per_plane
        first_y = (tile // tiles_x) * TILE_H
        first_column = (tile % tiles_x) * TILE_C
        plane_logits = logits + tl.load(plane_queries + plane) * grid_size
        y = first_y + tl.arange(0, TILE_H)
        column = first_column + tl.arange(0, TILE_C)
        inside = (y < height)[:, None] & (column < columns)[None, :]
        result = tl.zeros((TILE_H, TILE_C), tl.int32)
        positive = True
        if ROI:
            first_x = first_column * pixels_per_column
            last_x = tl.minimum(first_x + TILE_C * pixels_per_column, width) - 1
            last_y = tl.minimum(first_y + TILE_H, height) - 1
            foot_y = tl.load(y_first + first_y) + tl.arange(0, FOOT_H)
            foot_x = tl.load(x_first + first_x) + tl.arange(0, FOOT_W)
            foot_inside = (foot_y <= tl.load(y_second + last_y))[:, None] & (
                foot_x <= tl.load(x_second + last_x)
            )[None, :]
            at = plane_logits + foot_y[:, None] * grid_w + foot_x[None, :]
            foot = tl.load(at, mask=foot_inside, other=0.0).to(tl.float32)
            positive = tl.max(tl.max(foot, axis=1), axis=0) > 0.0
        if positive:
            top_row = tl.load(y_first + y, mask=y < height, other=0)[:, None] * grid_w
            bottom_row = tl.load(y_second + y, mask=y < height, other=0)[:, None] * grid_w
            ly = tl.load(y_weight + y, mask=y < height, other=0.0)[:, None]
            left = tl.zeros((TILE_H, TILE_C), tl.int32) + _FAR
            right = tl.zeros((TILE_H, TILE_C), tl.int32)
            for bit in tl.static_range(pixels_per_column):
                x = column * pixels_per_column + bit
                here = inside & (x < width)[None, :]
                value = _interpolate(
                    plane_logits,
                    top_row,
                    bottom_row,
                    ly,
                    x,
                    here,
                    x_first,
                    x_second,
                    x_weight,
                    width,
                )
                is_set = here & (value > 0.0)
                result |= is_set.to(tl.int32) << bit
                left = tl.minimum(left, tl.where(is_set, x[None, :], _FAR))
                right = tl.maximum(right, tl.where(is_set, x[None, :] + 1, 0))
            leftmost = tl.min(tl.min(left, axis=1), axis=0)
            if leftmost < _FAR:
                row_set = tl.max(result, axis=1) > 0
                region = regions + plane * 4
                tl.atomic_min(region, leftmost)
                tl.atomic_min(region + 1, tl.min(tl.where(row_set, y, _FAR), axis=0))
                tl.atomic_max(region + 2, tl.max(tl.max(right, axis=1), axis=0))
                tl.atomic_max(region + 3, tl.max(tl.where(row_set, y + 1, 0), axis=0))
        at_out = out + plane.to(tl.int64) * height * columns
        at_out += y[:, None] * columns + column[None, :]
        tl.store(at_out, result.to(tl.uint8), mask=inside)


def masks(
    logits: torch.Tensor,
    results: Results,
    plane_queries: torch.Tensor,
    out: torch.Tensor,
    table_y: LinearTable,
    table_x: LinearTable,
    *,
    packed: bool,
    roi: bool = True,
    tile: tuple[int, int] | None = None,
    programs: int | None = None,
) -> None:
    """Enqueue the mask planes on the current stream. No allocation, no sync.

    Args:
        logits: (1, Q, h, w) fp16 or fp32 mask logits, contiguous.
        results: after `select`: its counts are read, the planes' regions are written, tight.
        plane_queries: (K,) int32 of `SelectWorkspace`.
        out: packed (K, H, ceil(W / 8)) uint8, bit x & 7 of byte x >> 3, padding bits 0; or dense
            (K, H, W) uint8 of 0 and 1. Planes below `results.counts[2]` are overwritten whole.
        table_y: h to H rows, on the logits' device.
        table_x: w to W columns, on the logits' device.
        packed: layout of `out`.
        roi: skip tiles without a positive logit.
        tile: rows and output columns of one item.
        programs: size of the persistent grid; None fits the device.

    Raises:
        ValueError: for a wrong shape, type, stride or device.
    """
    check(
        "logits",
        logits,
        (1, None, table_y.n_in, table_x.n_in),
        (torch.float16, torch.float32),
        device=out.device,
    )
    height, width = table_y.n_out, table_x.n_out
    columns = -(-width // 8) if packed else width
    check("out", out, (results.max_records, height, columns), (torch.uint8,))
    check("plane_queries", plane_queries, (results.max_records,), (torch.int32,), device=out.device)
    tile_h, tile_c = tile or ((16, 16) if packed else (16, 64))
    tiles_x = triton.cdiv(columns, tile_c)
    tiles_per_plane = tiles_x * triton.cdiv(height, tile_h)
    _masks_kernel[(programs or persistent_programs(out.device),)](
        logits,
        results.counts,
        plane_queries,
        out,
        results.regions,
        table_x.first,
        table_x.second,
        table_x.weight,
        table_y.first,
        table_y.second,
        table_y.weight,
        width,
        height,
        columns,
        table_x.n_in,
        table_y.n_in * table_x.n_in,
        tiles_x,
        tiles_per_plane,
        PACKED=packed,
        ROI=roi,
        TILE_H=tile_h,
        TILE_C=tile_c,
        FOOT_H=triton.next_power_of_2(_footprint(table_y, tile_h)),
        FOOT_W=triton.next_power_of_2(_footprint(table_x, tile_c * (8 if packed else 1))),
        enable_fp_fusion=False,
    )


_footprints: dict[tuple[int, int, int], int] = {}


def _footprint(table: LinearTable, tile: int) -> int:
    """Return `widest_footprint`, computed once per sizes: the table is a function of them."""
    key = (table.n_in, table.n_out, tile)
    if key not in _footprints:
        _footprints[key] = widest_footprint(table, tile)
    return _footprints[key]
