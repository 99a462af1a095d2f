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
    """(H * 3 / 2, W): luma, then U and V side by side at half size; a `YuvMatrix` says the rest."""


@dataclass(frozen=True)
class YuvMatrix:
    """YUV to RGB as FFmpeg's swscale does it on x86: upper halves of products of 16 bits.

    Bit for bit what a video becomes that is decoded to BGR first (libswscale/yuv2rgb.c for the
    integers, libswscale/x86/yuv_2_rgb.asm for the order), with each sum cut off and not rounded:
    up to three levels darker than the formula of the standard, one on average.
    """

    luma: int
    black: int
    """Eight times the luma of black."""
    red_v: int
    green_u: int
    green_v: int
    blue_u: int


_CHROMA_OFFSET = 128 << 3


def yuv_matrix(kr: float, kb: float, *, full_range: bool = False) -> YuvMatrix:
    """Return the integers of a standard given by its luma weights (ITU-R BT.601-7, BT.709-6)."""
    scale = 2**16 * 255 / 224
    kg = 1 - kr - kb
    chroma = [
        round(2 * (1 - kr) * scale),
        -round(2 * (1 - kb) * kb / kg * scale),
        -round(2 * (1 - kr) * kr / kg * scale),
        round(2 * (1 - kb) * scale),
    ]
    luma, black = 2**16 * 255 // 219, 16
    if full_range:
        chroma = [int(value * 224 / 255) for value in chroma]
        luma, black = 2**16, 0
    return YuvMatrix(_word(luma), black << 3, *(_word(value) for value in chroma))


def _word(value: int) -> int:
    """Return a factor of 16 fraction bits with 13 of them: it meets eight times a level."""
    return ((value << 13) + (1 << 15)) >> 16


BT601, BT601_FULL = (yuv_matrix(0.299, 0.114, full_range=full) for full in (False, True))
BT709, BT709_FULL = (yuv_matrix(0.2126, 0.0722, full_range=full) for full in (False, True))

_RGB = tl.constexpr(int(Layout.RGB))
_NV12 = tl.constexpr(int(Layout.NV12))
_CHROMA_MIDDLE = tl.constexpr(_CHROMA_OFFSET)


@triton.jit
def _level(total):
    return tl.minimum(tl.maximum(total, 0), 255)


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
    BLACK: tl.constexpr,
    RED_V: tl.constexpr,
    GREEN_U: tl.constexpr,
    GREEN_V: tl.constexpr,
    BLUE_U: tl.constexpr,
):
    """Return R, G, B as int32 0..255 of the pixels (y, x); 0 where not `inside`.

    NV12 chroma is replicated over its 2x2 luma block, as swscale does without scaling.
    """
    if LAYOUT == _NV12:
        luma = tl.load(frame + y * in_w + x, mask=inside, other=16).to(tl.int32)
        at = frame + (in_h + (y >> 1)) * in_w + (x >> 1) * 2
        u = (tl.load(at, mask=inside, other=128).to(tl.int32) << 3) - _CHROMA_MIDDLE
        v = (tl.load(at + 1, mask=inside, other=128).to(tl.int32) << 3) - _CHROMA_MIDDLE
        base = (((luma << 3) - BLACK) * LUMA) >> 16
        red = _level(base + ((v * RED_V) >> 16))
        green = _level(base + ((u * GREEN_U) >> 16) + ((v * GREEN_V) >> 16))
        blue = _level(base + ((u * BLUE_U) >> 16))
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
        "BLACK": matrix.black,
        "RED_V": matrix.red_v,
        "GREEN_U": matrix.green_u,
        "GREEN_V": matrix.green_v,
        "BLUE_U": matrix.blue_u,
    }
