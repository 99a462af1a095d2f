"""Masks, outlines and boxes composited onto the frame, BGRA out, one launch over its tiles.

All fills first, then outlines, then boxes, each in paint order (overlay_plan.py), in the host
renderer's whole-number arithmetic: the same bytes. A tile visits only the objects that reach into
it, and works on packed bytes: the eight window counts of a byte's pixels that tell where the
outline runs are summed side by side in one 64-bit word. Labels stay on the host.
"""

import torch
import triton
import triton.language as tl

from rfviewer_kernels.bit_windows import MAX_REACH, lowest, window
from rfviewer_kernels.checks import check
from rfviewer_kernels.overlay_plan import PAINT_WORDS, ViewTable
from rfviewer_kernels.pixels import (
    BT601,
    Layout,
    YuvMatrix,
    check_frame,
    load_rgb,
    yuv_arguments,
)
from rfviewer_kernels.records import Results

_SMALL_TILE, _LARGE_TILE = (8, 4), (4, 16)
_LARGE_COLUMNS = 80
"""From 640 pixels on the wide tile: small frames need more programs (docs/OPTIMIZATION_LOG.md)."""

_WORDS = tl.constexpr(PAINT_WORDS)
_GROUP = tl.constexpr(64)
_PAIR = tl.constexpr(0x00FF00FF)
_OPAQUE = tl.constexpr(0x00FF0000)
_HALVES = tl.constexpr(0x00800080)


@triton.jit
def _reaching(
    paint, start, count, first_x, first_y, last_x, last_y, LAYER: tl.constexpr, REACH: tl.constexpr
):
    """Return the bit set of the group's objects that, REACH pixels wider, meet the tile."""
    # The mask's region is half-open, the box inclusive.
    corner: tl.constexpr = 5 if LAYER == 2 else 1
    open_end: tl.constexpr = 0 if LAYER == 2 else 1
    lane = tl.arange(0, _GROUP)
    live = start + lane < count
    at = paint + (1 + start + lane) * _WORDS + corner
    x0 = tl.load(at, mask=live, other=0)
    y0 = tl.load(at + 1, mask=live, other=0)
    x1 = tl.load(at + 2, mask=live, other=0) - open_end
    y1 = tl.load(at + 3, mask=live, other=0) - open_end
    meets = live & (x1 >= x0) & (x0 - REACH <= last_x) & (x1 + REACH >= first_x)
    meets &= (y0 - REACH <= last_y) & (y1 + REACH >= first_y)
    bit = tl.full((_GROUP,), 1, tl.int64) << lane.to(tl.int64)
    return tl.sum(tl.where(meets, bit, 0), axis=0)


@triton.jit
def _blend(pair, color, share):
    """Return two channels, 16 bits each, as (old * (256 - share) + new * share + 128) >> 8."""
    keep = (256 - share).to(tl.uint32)
    return ((pair * keep + color * share.to(tl.uint32) + _HALVES) >> 8) & _PAIR


@triton.jit
def _paint(
    even,
    odd,
    paint,
    count,
    first_group,
    tile_xyxy,
    planes,
    shares,
    fill_share,
    height,
    columns,
    LAYER: tl.constexpr,
    REACH: tl.constexpr,
):
    """Return the tile's pixels with fills (0), outlines (1) or boxes (2) of all objects on them."""
    first_x, first_y, last_x, last_y = tile_xyxy
    tile_h: tl.constexpr = even.shape[0]
    tile_b: tl.constexpr = even.shape[1]
    side: tl.constexpr = 2 * REACH + 1
    y = first_y + tl.arange(0, tile_h)[:, None]
    column = (first_x >> 3) + tl.arange(0, tile_b)[None, :]
    bit = tl.arange(0, 8)[None, None, :]
    corner: tl.constexpr = 5 if LAYER == 2 else 1
    tone: tl.constexpr = 10 if LAYER == 1 else 9
    for start in range(0, count, _GROUP):
        todo = first_group
        if start > 0:
            todo = _reaching(paint, start, count, first_x, first_y, last_x, last_y, LAYER, REACH)
        while todo != 0:
            at = paint + (1 + start + lowest(todo)) * _WORDS
            todo = todo & (todo - 1)
            color = tl.load(at + tone)
            x0 = tl.load(at + corner)
            y0 = tl.load(at + corner + 1)
            x1 = tl.load(at + corner + 2)
            y1 = tl.load(at + corner + 3)
            if LAYER == 2:
                x = column[:, :, None] * 8 + bit
                away_y = tl.maximum(y0 - y, y - y1)[:, :, None]
                away = tl.maximum(tl.maximum(x0 - x, x - x1), away_y)  # 0 on the edge itself
                share = ((away <= REACH) & (away >= -REACH)).to(tl.int32) * 256
            else:
                at_plane = tl.load(at).to(tl.int64) * height * columns
                byte, around = window(planes, at_plane, y, column, x0, y0, x1, y1, columns, REACH)
                member = (byte[:, :, None] >> bit) & 1
                if LAYER == 0:
                    share = member * fill_share
                else:
                    near = ((around[:, :, None] >> (8 * bit).to(tl.uint64)) & 255).to(tl.int32)
                    share = tl.load(shares + near + member * (side * side + 1))
            even = _blend(even, (color & _PAIR).to(tl.uint32), share)
            odd = _blend(odd, (((color >> 8) & 255) | _OPAQUE).to(tl.uint32), share)
    return even, odd


@triton.jit
def _overlay_kernel(
    frame,
    paint,
    planes,
    view,
    shares,
    out,
    height,
    width,
    columns,
    tiles_x,
    LAYOUT: tl.constexpr,
    LUMA: tl.constexpr,
    BLACK: tl.constexpr,
    RED_V: tl.constexpr,
    GREEN_U: tl.constexpr,
    GREEN_V: tl.constexpr,
    BLUE_U: tl.constexpr,
    BOX_REACH: tl.constexpr,
    LINE_REACH: tl.constexpr,
    TILE_H: tl.constexpr,
    TILE_B: tl.constexpr,
):
    tile = tl.program_id(0)
    first_y = (tile // tiles_x) * TILE_H
    first_column = (tile % tiles_x) * TILE_B
    y2 = first_y + tl.arange(0, TILE_H)[:, None]
    column2 = first_column + tl.arange(0, TILE_B)[None, :]
    bit = tl.arange(0, 8)[None, None, :]
    y = y2[:, :, None]
    x = column2[:, :, None] * 8 + bit
    inside = (y < height) & (x < width)
    red, green, blue = load_rgb(
        frame, y, x, inside, height, width, LAYOUT, LUMA, BLACK, RED_V, GREEN_U, GREEN_V, BLUE_U
    )
    even = (blue | (red << 16)).to(tl.uint32)  # blue and red
    odd = (green | _OPAQUE).to(tl.uint32)  # green and alpha
    count = tl.load(paint)
    flags = tl.load(view)
    fill_share = tl.load(view + 1)
    first_x = first_column * 8
    last_y = first_y + TILE_H - 1
    last_x = first_x + TILE_B * 8 - 1
    tile_xyxy = first_x, first_y, last_x, last_y
    # The first group of masks is found once for fills and outlines: most frames have no other.
    masks = _reaching(paint, 0, count, first_x, first_y, last_x, last_y, 1, LINE_REACH)
    frames = _reaching(paint, 0, count, first_x, first_y, last_x, last_y, 2, BOX_REACH)
    shown = count * (flags & 1)
    even, odd = _paint(
        even, odd, paint, shown, masks, tile_xyxy, planes, shares, fill_share, height, columns, 0, 0
    )
    shown = count * ((flags >> 1) & 1)
    even, odd = _paint(
        even,
        odd,
        paint,
        shown,
        masks,
        tile_xyxy,
        planes,
        shares,
        fill_share,
        height,
        columns,
        1,
        LINE_REACH,
    )
    shown = count * ((flags >> 2) & 1)
    even, odd = _paint(
        even,
        odd,
        paint,
        shown,
        frames,
        tile_xyxy,
        planes,
        shares,
        fill_share,
        height,
        columns,
        2,
        BOX_REACH,
    )
    pixel = even | (odd << 8)
    tl.store(out + y * width + x, pixel.to(tl.int32, bitcast=True), mask=inside)


def overlay(
    frame: torch.Tensor,
    results: Results,
    paint: torch.Tensor,
    planes: torch.Tensor | None,
    view: ViewTable,
    shares: torch.Tensor,
    out: torch.Tensor,
    *,
    layout: Layout,
    box_reach: int,
    outline_reach: int,
    matrix: YuvMatrix = BT601,
    tile: tuple[int, int] | None = None,
    warps: int = 2,
) -> None:
    """Enqueue the composition on the current stream. No allocation, no sync.

    Args:
        frame: uint8, contiguous, as `layout` says, H x W pixels.
        results: what `paint` was made of.
        paint: of `overlay_plan`.
        planes: (K, H, ceil(W / 8)) uint8 packed; only regions are read. None without masks.
        view: on the device: flags and opacity are read.
        shares: (2 * (side**2 + 1),) int32, 0..256: how much of the outline shows on an unset pixel
            with n set ones in its window, then on a set one; side is 2 * outline_reach + 1.
        out: (H, W) int32: each word is one BGRA pixel, alpha 255; in memory (H, W, 4) uint8.
        layout: layout of `frame`.
        box_reach: pixels of a box's line on each side of the edge pixels.
        outline_reach: pixels from the middle of the outline's window to its side, at most 7.
        matrix: colour matrix, NV12 only.
        tile: rows, and columns of 8 pixels, of one program; None fits the frame.
        warps: warps of one program.

    Raises:
        ValueError: for a wrong shape, type, stride or device.
    """
    height, width = out.shape
    columns = -(-width // 8)
    device = frame.device
    if not 1 <= outline_reach <= MAX_REACH:
        raise ValueError(f"outline_reach must be 1 to {MAX_REACH}, got {outline_reach}")
    check_frame(frame, layout, height, width)
    check("out", out, (height, width), (torch.int32,), device=device)
    check("paint", paint, (1 + results.max_records, PAINT_WORDS), (torch.int32,), device=device)
    if planes is not None:
        check("planes", planes, (results.max_records, height, columns), (torch.uint8,))
    side = 2 * outline_reach + 1
    check("shares", shares, (2 * (side * side + 1),), (torch.int32,), device=device)
    tile_h, tile_b = tile or (_LARGE_TILE if columns >= _LARGE_COLUMNS else _SMALL_TILE)
    tiles_x = triton.cdiv(columns, tile_b)
    _overlay_kernel[(tiles_x * triton.cdiv(height, tile_h),)](
        frame,
        paint,
        frame if planes is None else planes,  # without masks every region is empty
        view.flat,
        shares,
        out,
        height,
        width,
        columns,
        tiles_x,
        LAYOUT=int(layout),
        **yuv_arguments(matrix),
        BOX_REACH=box_reach,
        LINE_REACH=outline_reach,
        TILE_H=tile_h,
        TILE_B=tile_b,
        num_warps=warps,
        enable_fp_fusion=False,
    )
