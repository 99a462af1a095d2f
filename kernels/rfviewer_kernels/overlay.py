"""Masks, outlines and boxes composited onto the frame, BGRA out, one launch over its tiles.

All fills first, then outlines, then boxes, each in paint order (overlay_plan.py), like the host
renderer. A tile visits only the objects that reach into it. Labels stay on the host. Fills and
boxes follow the host's arithmetic; the outline is the mask's own edge pixels, opaque, where the
host draws an antialiased polygon along them.
"""

import torch
import triton
import triton.language as tl

from rfviewer_kernels.checks import check
from rfviewer_kernels.overlay_plan import PAINT_WORDS
from rfviewer_kernels.pixels import (
    BT601,
    Layout,
    YuvMatrix,
    check_frame,
    load_rgb,
    yuv_arguments,
)
from rfviewer_kernels.records import Results

SHOW_MASKS, SHOW_OUTLINES, SHOW_BOXES = 1, 2, 4
"""Bits of the `flags` tensor."""

_WORDS = tl.constexpr(PAINT_WORDS)
_MASKS = tl.constexpr(SHOW_MASKS)
_OUTLINES = tl.constexpr(SHOW_OUTLINES)
_BOXES = tl.constexpr(SHOW_BOXES)
_GROUP = tl.constexpr(32)


@triton.jit
def _bits(planes, plane, y, x, x0, y0, x1, y1, height, columns):
    """Return whether the mask is set at (y, x); False outside its region."""
    inside = (y >= y0) & (y < y1) & (x >= x0) & (x < x1)
    at = planes + plane.to(tl.int64) * height * columns + y * columns + (x >> 3)
    byte = tl.load(at, mask=inside, other=0).to(tl.int32)
    return ((byte >> (x & 7)) & 1) > 0


@triton.jit
def _edge(planes, plane, y, x, x0, y0, x1, y1, height, columns):
    """Return whether (y, x) is set and one of its four neighbours is not."""
    here = _bits(planes, plane, y, x, x0, y0, x1, y1, height, columns)
    up = _bits(planes, plane, y - 1, x, x0, y0, x1, y1, height, columns)
    down = _bits(planes, plane, y + 1, x, x0, y0, x1, y1, height, columns)
    left = _bits(planes, plane, y, x - 1, x0, y0, x1, y1, height, columns)
    right = _bits(planes, plane, y, x + 1, x0, y0, x1, y1, height, columns)
    return here & ~(up & down & left & right)


@triton.jit
def _reaching(paint, start, count, first_x, first_y, last_x, last_y, reach_mask, reach_box):
    """Return bit sets of the group's objects whose region, and whose box, meets the tile."""
    lane = tl.arange(0, _GROUP)
    at = paint + (start + lane) * _WORDS
    live = start + lane < count
    shown = tl.load(at + 11, mask=live, other=0) > 0
    x0 = tl.load(at + 1, mask=live, other=0)
    y0 = tl.load(at + 2, mask=live, other=0)
    x1 = tl.load(at + 3, mask=live, other=0)
    y1 = tl.load(at + 4, mask=live, other=0)
    mask_meets = shown & (x1 > x0) & (x0 - reach_mask <= last_x) & (x1 + reach_mask > first_x)
    mask_meets &= (y0 - reach_mask <= last_y) & (y1 + reach_mask > first_y)
    left = tl.load(at + 5, mask=live, other=0)
    top = tl.load(at + 6, mask=live, other=0)
    right = tl.load(at + 7, mask=live, other=0)
    bottom = tl.load(at + 8, mask=live, other=0)
    box_meets = shown & (left - reach_box <= last_x) & (right + reach_box >= first_x)
    box_meets &= (top - reach_box <= last_y) & (bottom + reach_box >= first_y)
    bit = tl.full((_GROUP,), 1, tl.int64) << lane.to(tl.int64)
    return tl.sum(tl.where(mask_meets, bit, 0), axis=0), tl.sum(tl.where(box_meets, bit, 0), axis=0)


@triton.jit
def _mix(value, color, opacity):
    """Return one channel after blending, rounded: value + (color - value) * opacity."""
    blended = value.to(tl.float32) + (color - value).to(tl.float32) * opacity
    return (blended + 0.5).to(tl.int32)


@triton.jit
def _overlay_kernel(
    frame,
    counts,
    paint,
    planes,
    opacity_at,
    flags_at,
    out,
    height,
    width,
    columns,
    tiles_x,
    LAYOUT: tl.constexpr,
    LUMA: tl.constexpr,
    RED_V: tl.constexpr,
    GREEN_U: tl.constexpr,
    GREEN_V: tl.constexpr,
    BLUE_U: tl.constexpr,
    BOX_REACH: tl.constexpr,
    LINE_REACH: tl.constexpr,
    TILE_H: tl.constexpr,
    TILE_W: tl.constexpr,
):
    tile = tl.program_id(0)
    first_y = (tile // tiles_x) * TILE_H
    first_x = (tile % tiles_x) * TILE_W
    y = first_y + tl.arange(0, TILE_H)[:, None]
    x = first_x + tl.arange(0, TILE_W)[None, :]
    inside = (y < height) & (x < width)
    red, green, blue = load_rgb(
        frame, y, x, inside, height, width, LAYOUT, LUMA, RED_V, GREEN_U, GREEN_V, BLUE_U
    )
    count = tl.load(counts)
    flags = tl.load(flags_at)
    opacity = tl.load(opacity_at)
    last_y = first_y + TILE_H - 1
    last_x = first_x + TILE_W - 1
    for layer in tl.static_range(3):  # fills, outlines, boxes
        wanted = (flags >> layer) & 1
        for start in range(0, count * wanted, _GROUP):
            with_mask, with_box = _reaching(
                paint, start, count, first_x, first_y, last_x, last_y, LINE_REACH, BOX_REACH
            )
            todo = with_box if layer == 2 else with_mask
            for index in range(_GROUP):
                if ((todo >> index) & 1) == 1:
                    at = paint + (start + index) * _WORDS
                    if layer == 2:
                        left = tl.load(at + 5)
                        top = tl.load(at + 6)
                        right = tl.load(at + 7)
                        bottom = tl.load(at + 8)
                        away_x = tl.maximum(tl.maximum(left - x, x - right), 0)
                        away_y = tl.maximum(tl.maximum(top - y, y - bottom), 0)
                        away = away_x + away_y
                        within = tl.minimum(
                            tl.minimum(x - left, right - x), tl.minimum(y - top, bottom - y)
                        )
                        hit = (away <= BOX_REACH) & (within <= BOX_REACH)
                        color = tl.load(at + 9)
                    else:
                        plane = tl.load(at)
                        x0 = tl.load(at + 1)
                        y0 = tl.load(at + 2)
                        x1 = tl.load(at + 3)
                        y1 = tl.load(at + 4)
                        if layer == 0:
                            hit = _bits(planes, plane, y, x, x0, y0, x1, y1, height, columns)
                            color = tl.load(at + 9)
                        else:
                            hit = _edge(planes, plane, y, x, x0, y0, x1, y1, height, columns)
                            if LINE_REACH > 0:
                                hit |= _edge(
                                    planes, plane, y - 1, x, x0, y0, x1, y1, height, columns
                                )
                                hit |= _edge(
                                    planes, plane, y + 1, x, x0, y0, x1, y1, height, columns
                                )
                                hit |= _edge(
                                    planes, plane, y, x - 1, x0, y0, x1, y1, height, columns
                                )
                                hit |= _edge(
                                    planes, plane, y, x + 1, x0, y0, x1, y1, height, columns
                                )
                            color = tl.load(at + 10)
                    r = (color >> 16) & 255
                    g = (color >> 8) & 255
                    b = color & 255
                    if layer == 0:
                        red = tl.where(hit, _mix(red, r, opacity), red)
                        green = tl.where(hit, _mix(green, g, opacity), green)
                        blue = tl.where(hit, _mix(blue, b, opacity), blue)
                    else:
                        red = tl.where(hit, r, red)
                        green = tl.where(hit, g, green)
                        blue = tl.where(hit, b, blue)
    pixel = blue | (green << 8) | (red << 16) | (red * 0 - 16777216)
    tl.store(out + y * width + x, pixel, mask=inside)


def overlay(
    frame: torch.Tensor,
    results: Results,
    paint: torch.Tensor,
    planes: torch.Tensor,
    opacity: torch.Tensor,
    flags: torch.Tensor,
    out: torch.Tensor,
    *,
    layout: Layout,
    box_px: int,
    outline_px: int,
    matrix: YuvMatrix = BT601,
    tile: tuple[int, int] = (16, 32),
) -> None:
    """Enqueue the composition on the current stream. No allocation, no sync.

    Args:
        frame: uint8, contiguous, as `layout` says, H x W pixels.
        results: after `masks`; the count is read.
        paint: of `overlay_plan`.
        planes: (K, H, ceil(W / 8)) uint8 packed; only regions are read.
        opacity: (1,) float32 on the device, 0..1: of the fills.
        flags: (1,) int32 on the device: SHOW_MASKS, SHOW_OUTLINES, SHOW_BOXES.
        out: (H, W) int32: each word is one BGRA pixel, alpha 255; in memory (H, W, 4) uint8.
        layout: layout of `frame`.
        box_px: line width of boxes, as OpenCV means it: 1 is one pixel, 2 three, 3 five.
        outline_px: line width of outlines: 1 the edge pixels, more adds one pixel on each side.
        matrix: colour matrix, NV12 only.
        tile: rows and columns of one program.

    Raises:
        ValueError: for a wrong shape, type, stride or device.
    """
    height, width = out.shape
    columns = -(-width // 8)
    check_frame(frame, layout, height, width)
    check("out", out, (height, width), (torch.int32,), device=frame.device)
    check("planes", planes, (results.max_records, height, columns), (torch.uint8,))
    check("opacity", opacity, (1,), (torch.float32,), device=frame.device)
    check("flags", flags, (1,), (torch.int32,), device=frame.device)
    tiles_x = triton.cdiv(width, tile[1])
    _overlay_kernel[(tiles_x * triton.cdiv(height, tile[0]),)](
        frame,
        results.counts,
        paint,
        planes,
        opacity,
        flags,
        out,
        height,
        width,
        columns,
        tiles_x,
        LAYOUT=int(layout),
        **yuv_arguments(matrix),
        BOX_REACH=0 if box_px <= 1 else (box_px + 1) // 2,
        LINE_REACH=0 if outline_px <= 1 else 1,
        TILE_H=tile[0],
        TILE_W=tile[1],
        num_warps=4,
        enable_fp_fusion=False,
    )
