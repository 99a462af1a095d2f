"""How a kernel reads one pixel of a uint8 frame as R, G, B: packed RGB or BGR, or NV12."""

from dataclasses import dataclass
from enum import IntEnum

import torch
import triton
import triton.language as tl

from rfviewer_kernels.checks import check


class Layout(IntEnum):
    """Memory layout of a frame; the value is the kernels' constexpr."""

    RGB = 0
    """(H, W, 3), red first."""
    BGR = 1
    """(H, W, 3), blue first."""
    NV12 = 2
    """(H * 3 / 2, W): luma, then U and V side by side at half size; limited range."""


@dataclass(frozen=True)
class YuvMatrix:
    """Limited-range YUV to RGB in fixed point with `YUV_BITS` fraction bits."""

    luma: int
    red_v: int
    green_u: int
    green_v: int
    blue_u: int


YUV_BITS = 20


def yuv_matrix(kr: float, kb: float) -> YuvMatrix:
    """Return the integers of a standard given by its luma weights (ITU-R BT.601-7, BT.709-6)."""
    chroma = 255 / 224 * 2**YUV_BITS
    kg = 1 - kr - kb
    return YuvMatrix(
        luma=round(255 / 219 * 2**YUV_BITS),
        red_v=round(2 * (1 - kr) * chroma),
        green_u=round(-2 * (1 - kb) * kb / kg * chroma),
        green_v=round(-2 * (1 - kr) * kr / kg * chroma),
        blue_u=round(2 * (1 - kb) * chroma),
    )


BT601 = yuv_matrix(0.299, 0.114)
BT709 = yuv_matrix(0.2126, 0.0722)

_RGB = tl.constexpr(int(Layout.RGB))
_NV12 = tl.constexpr(int(Layout.NV12))
_YUV_BITS = tl.constexpr(YUV_BITS)
_YUV_HALF = tl.constexpr(1 << (YUV_BITS - 1))


@triton.jit
def _from_yuv(total):
    return tl.minimum(tl.maximum((total + _YUV_HALF) >> _YUV_BITS, 0), 255)


@triton.jit
def load_rgb(  # noqa: ANN201 - Triton types it
    frame,
    y,
    x,
    inside,
    in_h,
    in_w,
    LAYOUT: tl.constexpr,
    LUMA: tl.constexpr,
    RED_V: tl.constexpr,
    GREEN_U: tl.constexpr,
    GREEN_V: tl.constexpr,
    BLUE_U: tl.constexpr,
):
    """Return R, G, B as int32 0..255 of the pixels (y, x); 0 where not `inside`.

    NV12 chroma is replicated over its 2x2 luma block, as OpenCV and swscale's default do.
    """
    if LAYOUT == _NV12:
        luma = tl.load(frame + y * in_w + x, mask=inside, other=16).to(tl.int32)
        at = frame + (in_h + (y >> 1)) * in_w + (x >> 1) * 2
        u = tl.load(at, mask=inside, other=128).to(tl.int32) - 128
        v = tl.load(at + 1, mask=inside, other=128).to(tl.int32) - 128
        base = tl.maximum(luma - 16, 0) * LUMA
        red = _from_yuv(base + v * RED_V)
        green = _from_yuv(base + u * GREEN_U + v * GREEN_V)
        blue = _from_yuv(base + u * BLUE_U)
    else:
        at = frame + (y * in_w + x) * 3
        first = tl.load(at, mask=inside, other=0).to(tl.int32)
        green = tl.load(at + 1, mask=inside, other=0).to(tl.int32)
        third = tl.load(at + 2, mask=inside, other=0).to(tl.int32)
        if LAYOUT == _RGB:
            red = first
            blue = third
        else:
            red = third
            blue = first
    return red, green, blue


def check_frame(frame: torch.Tensor, layout: Layout, height: int, width: int) -> None:
    """Raise ValueError unless `frame` is a contiguous uint8 frame of that size and layout."""
    if layout is Layout.NV12:
        if height % 2 or width % 2:
            raise ValueError(f"NV12 needs even sizes, got {width}x{height}")
        check("frame", frame, (height * 3 // 2, width), (torch.uint8,))
    else:
        check("frame", frame, (height, width, 3), (torch.uint8,))


def yuv_arguments(matrix: YuvMatrix) -> dict[str, int]:
    """Return the constexpr arguments of `load_rgb` for `matrix`."""
    return {
        "LUMA": matrix.luma,
        "RED_V": matrix.red_v,
        "GREEN_U": matrix.green_u,
        "GREEN_V": matrix.green_v,
        "BLUE_U": matrix.blue_u,
    }
