"""Resize mode A in one kernel: uint8 frame to normalised network input, no antialiasing.

Per output pixel four taps of the two `LinearTable`s, interpolated in fp32 in the order of
REFERENCE: (1-ly)*((1-lx)*p00 + lx*p01) + ly*((1-lx)*p10 + lx*p11), then one multiply-add.
Built without contraction into fma, so it equals `reference.preprocess_a` bit for bit.
Source of the formula: rfdetr 1.11.2 detr.py::predict, torch bilinear without antialias.
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
from rfviewer_kernels.tables import LinearTable
from rfviewer_kernels.timestamps import check_stamp, stamp_beginning


@triton.jit
def _lerp(top_left, top_right, bottom_left, bottom_right, lx, ly):
    top = (1.0 - lx) * top_left.to(tl.float32) + lx * top_right.to(tl.float32)
    bottom = (1.0 - lx) * bottom_left.to(tl.float32) + lx * bottom_right.to(tl.float32)
    return (1.0 - ly) * top + ly * bottom


@triton.jit
def _preprocess_a_kernel(
    frame,
    out,
    x_first,
    x_second,
    x_weight,
    y_first,
    y_second,
    y_weight,
    stamp,
    in_h,
    in_w,
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
    LAYOUT: tl.constexpr,
    LUMA: tl.constexpr,
    BLACK: tl.constexpr,
    RED_V: tl.constexpr,
    GREEN_U: tl.constexpr,
    GREEN_V: tl.constexpr,
    BLUE_U: tl.constexpr,
    STAMPED: tl.constexpr,
    BLOCK: tl.constexpr,
):
    stamp_beginning(stamp, STAMPED)
    index = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = index < pixels
    y = index // out_w
    x = index % out_w
    x0 = tl.load(x_first + x, mask=inside, other=0)
    x1 = tl.load(x_second + x, mask=inside, other=0)
    lx = tl.load(x_weight + x, mask=inside, other=0.0)
    y0 = tl.load(y_first + y, mask=inside, other=0)
    y1 = tl.load(y_second + y, mask=inside, other=0)
    ly = tl.load(y_weight + y, mask=inside, other=0.0)
    r00, g00, b00 = load_rgb(
        frame, y0, x0, inside, in_h, in_w, LAYOUT, LUMA, BLACK, RED_V, GREEN_U, GREEN_V, BLUE_U
    )
    r01, g01, b01 = load_rgb(
        frame, y0, x1, inside, in_h, in_w, LAYOUT, LUMA, BLACK, RED_V, GREEN_U, GREEN_V, BLUE_U
    )
    r10, g10, b10 = load_rgb(
        frame, y1, x0, inside, in_h, in_w, LAYOUT, LUMA, BLACK, RED_V, GREEN_U, GREEN_V, BLUE_U
    )
    r11, g11, b11 = load_rgb(
        frame, y1, x1, inside, in_h, in_w, LAYOUT, LUMA, BLACK, RED_V, GREEN_U, GREEN_V, BLUE_U
    )
    red = _lerp(r00, r01, r10, r11, lx, ly) * scale_r + offset_r
    green = _lerp(g00, g01, g10, g11, lx, ly) * scale_g + offset_g
    blue = _lerp(b00, b01, b10, b11, lx, ly) * scale_b + offset_b
    at = out + y * stride_y + x * stride_x
    tl.store(at, red.to(out.dtype.element_ty), mask=inside)
    tl.store(at + stride_c, green.to(out.dtype.element_ty), mask=inside)
    tl.store(at + 2 * stride_c, blue.to(out.dtype.element_ty), mask=inside)


def preprocess_a(
    frame: torch.Tensor,
    out: torch.Tensor,
    table_y: LinearTable,
    table_x: LinearTable,
    constants: Affine,
    *,
    layout: Layout,
    matrix: YuvMatrix = BT601,
    stamp: torch.Tensor | None = None,
    block: int = 128,
) -> None:
    """Enqueue mode A on the current stream. No allocation, no sync.

    Args:
        frame: uint8, contiguous, as `layout` says; H and W are the tables' source lengths.
        out: (1, 3, h, w) fp16 or fp32, any strides (channels-last too); overwritten.
        table_y: rows, on the frame's device.
        table_x: columns, on the frame's device.
        constants: normalisation.
        layout: layout of `frame`.
        matrix: colour matrix, NV12 only.
        stamp: (1,) int64 on the device or in pinned host memory: written with the device's time, in
            ns, when the first program begins (timestamps.py).
        block: output pixels of one program.

    Raises:
        ValueError: for a wrong shape, type, stride or device.
    """
    in_h, in_w = table_y.n_in, table_x.n_in
    out_h, out_w = table_y.n_out, table_x.n_out
    check_frame(frame, layout, in_h, in_w)
    types = (torch.float16, torch.float32)
    check("out", out, (1, 3, out_h, out_w), types, contiguous=False, device=frame.device)
    check("table", table_x.first, (out_w,), (torch.int32,), device=frame.device)
    check_stamp(stamp, frame.device)
    _preprocess_a_kernel[(triton.cdiv(out_h * out_w, block),)](
        frame,
        out,
        table_x.first,
        table_x.second,
        table_x.weight,
        table_y.first,
        table_y.second,
        table_y.weight,
        table_y.first if stamp is None else stamp,
        in_h,
        in_w,
        out_w,
        out_h * out_w,
        out.stride(1),
        out.stride(2),
        out.stride(3),
        *constants.scale,
        *constants.offset,
        LAYOUT=int(layout),
        **yuv_arguments(matrix),
        STAMPED=stamp is not None,
        BLOCK=block,
        enable_fp_fusion=False,
    )
