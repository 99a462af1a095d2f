"""Resize mode B in two kernels: Pillow's antialiased bilinear, bit-exact on its uint8 result.

Horizontal pass to a uint8 scratch of all source rows, then vertical pass, normalise, store. The
sums are 22-bit fixed point in int32, which cannot overflow: weights sum to 2^22, values are <= 255.
Source of the arithmetic: Pillow src/libImaging/Resample.c.
"""

import torch
import triton
import triton.language as tl

from rfviewer_kernels.checks import check
from rfviewer_kernels.normalize import Affine
from rfviewer_kernels.pixels import (
    BT601,
    Layout,
    YuvMatrix,
    check_frame,
    load_rgb,
    yuv_arguments,
)
from rfviewer_kernels.tables import FIXED_POINT_BITS, AntialiasTable
from rfviewer_kernels.timestamps import check_stamp, stamp_beginning

_BITS = tl.constexpr(FIXED_POINT_BITS)
_HALF = tl.constexpr(1 << (FIXED_POINT_BITS - 1))


@triton.jit
def _round_shift(total):
    return tl.minimum(tl.maximum((total + _HALF) >> _BITS, 0), 255)


@triton.jit
def _horizontal_kernel(
    frame,
    scratch,
    start,
    weights,
    stamp,
    in_h,
    in_w,
    out_w,
    items,
    LAYOUT: tl.constexpr,
    LUMA: tl.constexpr,
    BLACK: tl.constexpr,
    RED_V: tl.constexpr,
    GREEN_U: tl.constexpr,
    GREEN_V: tl.constexpr,
    BLUE_U: tl.constexpr,
    TAPS: tl.constexpr,
    STAMPED: tl.constexpr,
    BLOCK: tl.constexpr,
):
    stamp_beginning(stamp, STAMPED)
    index = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = index < items
    y = index // out_w
    x = index % out_w
    first = tl.load(start + x, mask=inside, other=0)
    red = tl.zeros((BLOCK,), tl.int32)
    green = tl.zeros((BLOCK,), tl.int32)
    blue = tl.zeros((BLOCK,), tl.int32)
    for tap in tl.static_range(TAPS):
        weight = tl.load(weights + x * TAPS + tap, mask=inside, other=0)
        # Zero weights pad short runs; their index may lie outside the row.
        column = tl.minimum(first + tap, in_w - 1)
        r, g, b = load_rgb(
            frame,
            y,
            column,
            inside,
            in_h,
            in_w,
            LAYOUT,
            LUMA,
            BLACK,
            RED_V,
            GREEN_U,
            GREEN_V,
            BLUE_U,
        )
        red += weight * r
        green += weight * g
        blue += weight * b
    plane = in_h * out_w
    tl.store(scratch + index, _round_shift(red).to(tl.uint8), mask=inside)
    tl.store(scratch + plane + index, _round_shift(green).to(tl.uint8), mask=inside)
    tl.store(scratch + 2 * plane + index, _round_shift(blue).to(tl.uint8), mask=inside)


@triton.jit
def _vertical_kernel(
    scratch,
    out,
    start,
    weights,
    in_h,
    out_w,
    pixels,
    stride_c,
    stride_y,
    stride_x,
    scale_r,
    scale_g,
    scale_b,
    offset_r,
    offset_g,
    offset_b,
    TAPS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    channel = tl.program_id(1)
    scale = tl.where(channel == 0, scale_r, tl.where(channel == 1, scale_g, scale_b))
    offset = tl.where(channel == 0, offset_r, tl.where(channel == 1, offset_g, offset_b))
    index = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = index < pixels
    y = index // out_w
    x = index % out_w
    first = tl.load(start + y, mask=inside, other=0)
    total = tl.zeros((BLOCK,), tl.int32)
    for tap in tl.static_range(TAPS):
        weight = tl.load(weights + y * TAPS + tap, mask=inside, other=0)
        row = tl.minimum(first + tap, in_h - 1)
        value = tl.load(scratch + (channel * in_h + row) * out_w + x, mask=inside, other=0)
        total += weight * value.to(tl.int32)
    value = _round_shift(total).to(tl.float32) * scale + offset
    at = out + channel * stride_c + y * stride_y + x * stride_x
    tl.store(at, value.to(out.dtype.element_ty), mask=inside)


def preprocess_b(
    frame: torch.Tensor,
    scratch: torch.Tensor,
    out: torch.Tensor,
    table_y: AntialiasTable,
    table_x: AntialiasTable,
    constants: Affine,
    *,
    layout: Layout,
    matrix: YuvMatrix = BT601,
    stamp: torch.Tensor | None = None,
    block: int = 256,
) -> None:
    """Enqueue mode B on the current stream. No allocation, no sync.

    Args:
        frame: uint8, contiguous, as `layout` says; H and W are the tables' source lengths.
        scratch: (3, H, w) uint8, overwritten: the frame after the horizontal pass.
        out: (1, 3, h, w) fp16 or fp32, any strides (channels-last too); overwritten.
        table_y: rows, on the frame's device.
        table_x: columns, on the frame's device.
        constants: normalisation.
        layout: layout of `frame`.
        matrix: colour matrix, NV12 only.
        stamp: (1,) int64 on the device or in pinned host memory: written with the device's time, in
            ns, when the first program begins (timestamps.py).
        block: outputs of one program.

    Raises:
        ValueError: for a wrong shape, type, stride or device.
    """
    in_h, in_w = table_y.n_in, table_x.n_in
    out_h, out_w = table_y.n_out, table_x.n_out
    check_frame(frame, layout, in_h, in_w)
    check("scratch", scratch, (3, in_h, out_w), (torch.uint8,), device=frame.device)
    types = (torch.float16, torch.float32)
    check("out", out, (1, 3, out_h, out_w), types, contiguous=False, device=frame.device)
    check("table", table_x.start, (out_w,), (torch.int32,), device=frame.device)
    check_stamp(stamp, frame.device)
    _horizontal_kernel[(triton.cdiv(in_h * out_w, block),)](
        frame,
        scratch,
        table_x.start,
        table_x.weights,
        table_x.start if stamp is None else stamp,
        in_h,
        in_w,
        out_w,
        in_h * out_w,
        LAYOUT=int(layout),
        **yuv_arguments(matrix),
        TAPS=table_x.taps,
        STAMPED=stamp is not None,
        BLOCK=block,
    )
    _vertical_kernel[(triton.cdiv(out_h * out_w, block), 3)](
        scratch,
        out,
        table_y.start,
        table_y.weights,
        in_h,
        out_w,
        out_h * out_w,
        out.stride(1),
        out.stride(2),
        out.stride(3),
        *constants.scale,
        *constants.offset,
        TAPS=table_y.taps,
        BLOCK=block,
        enable_fp_fusion=False,
    )
