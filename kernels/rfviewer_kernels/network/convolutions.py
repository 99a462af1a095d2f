"""Convolutions of the projector and of the mask head, channels last, with norm and activation.

A program takes a few pixels with all their channels, so that the LayerNorm behind the convolution
needs no second pass. Blocks: rfdetr 1.11.2 models/backbone/projector.py (ConvX) and
models/heads/segmentation.py (DepthwiseConvBlock).
"""

import torch
import triton
import triton.language as tl

from rfviewer_kernels.fitting import launch_fitting
from rfviewer_kernels.network.dependent import after_previous, launch_options, let_next_in
from rfviewer_kernels.network.products import input_precision

_PIXELS = 16
_DEPTHWISE_PIXELS = 8


@triton.jit
def _row_norm(total, used, weight, bias, channel, epsilon, CHANNELS: tl.constexpr):
    """Return LayerNorm over the channels (axis 1) in fp32."""
    mean = tl.sum(total, axis=1) / CHANNELS
    centred = tl.where(used[None, :], total - mean[:, None], 0.0)
    variance = tl.sum(centred * centred, axis=1) / CHANNELS
    result = centred * (1.0 / tl.sqrt(variance + epsilon))[:, None]
    result *= tl.load(weight + channel, mask=used, other=0.0).to(tl.float32)[None, :]
    return result + tl.load(bias + channel, mask=used, other=0.0).to(tl.float32)[None, :]


@triton.jit
def _conv_norm_silu_kernel(
    x,
    x_pixel,
    weight,
    norm_weight,
    norm_bias,
    out,
    out_pixel,
    pixels,
    height,
    width,
    epsilon,
    DEPTH: tl.constexpr,
    CHANNELS: tl.constexpr,
    PIXELS: tl.constexpr,
    STEP: tl.constexpr,
    PRECISION: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    after_previous(DEPENDENT)
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    image, place = pixel // (height * width), pixel % (height * width)
    y, column = place // width, place % width
    channel = tl.arange(0, CHANNELS)
    k = tl.arange(0, STEP)
    total = tl.zeros((PIXELS, CHANNELS), tl.float32)
    for tap in range(9):
        source_y = y + (tap // 3 - 1)
        source_x = column + (tap % 3 - 1)
        inside = (source_y >= 0) & (source_y < height) & (source_x >= 0) & (source_x < width)
        inside = inside & (pixel < pixels)
        source = ((image * height + source_y) * width + source_x) * x_pixel
        for start in tl.static_range(0, DEPTH, STEP):
            left = tl.load(
                x + source[:, None] + start + k[None, :], mask=inside[:, None], other=0.0
            )
            right = tl.load(
                weight + (tap * DEPTH + start + k[:, None]) * CHANNELS + channel[None, :]
            )
            total = tl.dot(left, right, total, input_precision=PRECISION)
    used = channel < CHANNELS
    result = _row_norm(total, used, norm_weight, norm_bias, channel, epsilon, CHANNELS)
    result = result / (1.0 + tl.exp(-result))
    at_out = out + pixel[:, None] * out_pixel + channel[None, :]
    let_next_in(DEPENDENT)
    tl.store(at_out, result.to(out.dtype.element_ty), mask=(pixel < pixels)[:, None])


def conv_norm_silu(
    x: torch.Tensor,
    weight: torch.Tensor,
    norm: torch.nn.Module,
    size_hw: tuple[int, int],
    out: torch.Tensor,
    *,
    tile: tuple[int, int, int, int] = (_PIXELS, 64, 4, 4),
) -> torch.Tensor:
    """Write SiLU(LayerNorm(3x3 convolution of x)) to `out`; zero padding 1, no bias.

    Args:
        x: (B * H * W, C_in), channels side by side, pixels may lie apart; C_in a multiple of 64.
        weight: (9, C_in, C_out), contiguous, taps row by row; C_out a power of two.
        norm: has `weight`, `bias` and `eps`, over C_out.
        size_hw: H and W.
        out: (B * H * W, C_out), pixels may lie apart; must not overlap `x`.
        tile: pixels of a program, depth of a step, warps, stages.

    Returns:
        `out`.
    """
    _, depth, channels = weight.shape
    pixels_each, step, warps, stages = tile
    if depth % step or channels != triton.next_power_of_2(channels):
        raise ValueError(f"no kernel for a convolution of {depth} to {channels} channels")
    launch_fitting(
        ("conv_norm_silu", x.device, x.dtype, depth, channels, pixels_each, step, warps),
        stages,
        lambda fitting: _conv_norm_silu_kernel[(triton.cdiv(x.shape[0], pixels_each),)](
            x,
            x.stride(0),
            weight,
            norm.weight,
            norm.bias,
            out,
            out.stride(0),
            x.shape[0],
            *size_hw,
            norm.eps,
            DEPTH=depth,
            CHANNELS=channels,
            PIXELS=pixels_each,
            STEP=step,
            PRECISION=input_precision(x.dtype),
            num_warps=warps,
            num_stages=fitting,
            **launch_options(),
        ),
    )
    return out


@triton.jit
def _depthwise_norm_kernel(
    x,
    taps,
    taps_bias,
    norm_weight,
    norm_bias,
    out,
    pixels,
    height,
    width,
    epsilon,
    CHANNELS: tl.constexpr,
    LANES: tl.constexpr,
    PIXELS: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    after_previous(DEPENDENT)
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    image, place = pixel // (height * width), pixel % (height * width)
    y, column = place // width, place % width
    channel = tl.arange(0, LANES)
    used = channel < CHANNELS
    exists = pixel < pixels
    total = tl.zeros((PIXELS, LANES), tl.float32)
    total += tl.load(taps_bias + channel, mask=used, other=0.0).to(tl.float32)[None, :]
    for tap in tl.static_range(9):
        source_y = y + (tap // 3 - 1)
        source_x = column + (tap % 3 - 1)
        inside = (source_y >= 0) & (source_y < height) & (source_x >= 0) & (source_x < width)
        source = ((image * height + source_y) * width + source_x) * CHANNELS
        value = tl.load(
            x + source[:, None] + channel[None, :],
            mask=(inside & exists)[:, None] & used[None, :],
            other=0.0,
        )
        factor = tl.load(taps + tap * CHANNELS + channel, mask=used, other=0.0).to(tl.float32)
        total += value.to(tl.float32) * factor[None, :]
    result = _row_norm(total, used, norm_weight, norm_bias, channel, epsilon, CHANNELS)
    at_out = out + pixel[:, None] * CHANNELS + channel[None, :]
    let_next_in(DEPENDENT)
    tl.store(at_out, result.to(out.dtype.element_ty), mask=exists[:, None] & used[None, :])


def depthwise_norm(
    x: torch.Tensor,
    taps: torch.Tensor,
    taps_bias: torch.Tensor,
    norm: torch.nn.LayerNorm,
    size_hw: tuple[int, int],
) -> torch.Tensor:
    """Return LayerNorm(depthwise 3x3 convolution of x); zero padding 1.

    Args:
        x: (B * H * W, C), contiguous.
        taps: (9, C), contiguous, row by row.
        taps_bias: (C,).
        norm: LayerNorm over C.
        size_hw: H and W.
    """
    pixels, channels = x.shape
    out = torch.empty_like(x)
    _depthwise_norm_kernel[(triton.cdiv(pixels, _DEPTHWISE_PIXELS),)](
        x,
        taps,
        taps_bias,
        norm.weight,
        norm.bias,
        out,
        pixels,
        *size_hw,
        norm.eps,
        CHANNELS=channels,
        LANES=triton.next_power_of_2(channels),
        PIXELS=_DEPTHWISE_PIXELS,
        num_warps=4,
        **launch_options(),
    )
    return out


@triton.jit
def _enlarge_kernel(
    x,
    out,
    pixels,
    height,
    width,
    out_height,
    out_width,
    CHANNELS: tl.constexpr,
    PIXELS: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    after_previous(DEPENDENT)
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    exists = pixel < pixels
    image, place = pixel // (out_height * out_width), pixel % (out_height * out_width)
    y = tl.maximum((place // out_width + 0.5) * (height / out_height) - 0.5, 0.0)
    column = tl.maximum((place % out_width + 0.5) * (width / out_width) - 0.5, 0.0)
    y0, x0 = y.to(tl.int32), column.to(tl.int32)
    ly, lx = (y - y0)[:, None], (column - x0)[:, None]
    y1, x1 = tl.minimum(y0 + 1, height - 1), tl.minimum(x0 + 1, width - 1)
    channel = tl.arange(0, CHANNELS)[None, :]
    top, bottom = (image * height + y0) * width, (image * height + y1) * width
    used = exists[:, None]
    p00 = tl.load(x + ((top + x0) * CHANNELS)[:, None] + channel, mask=used, other=0.0)
    p01 = tl.load(x + ((top + x1) * CHANNELS)[:, None] + channel, mask=used, other=0.0)
    p10 = tl.load(x + ((bottom + x0) * CHANNELS)[:, None] + channel, mask=used, other=0.0)
    p11 = tl.load(x + ((bottom + x1) * CHANNELS)[:, None] + channel, mask=used, other=0.0)
    upper = (1.0 - lx) * p00.to(tl.float32) + lx * p01.to(tl.float32)
    lower = (1.0 - lx) * p10.to(tl.float32) + lx * p11.to(tl.float32)
    value = (1.0 - ly) * upper + ly * lower
    at_out = out + pixel[:, None] * CHANNELS + channel
    let_next_in(DEPENDENT)
    tl.store(at_out, value.to(out.dtype.element_ty), mask=used)


def enlarge(x: torch.Tensor, size_hw: tuple[int, int], out_hw: tuple[int, int]) -> torch.Tensor:
    """Return features resized bilinearly, half-pixel centres (torch's align_corners=False).

    Args:
        x: (B * h * w, C), contiguous; C a power of two.
        size_hw: h and w.
        out_hw: H and W.

    Returns:
        (B * H * W, C).
    """
    channels = x.shape[1]
    if channels != triton.next_power_of_2(channels):
        raise ValueError(f"no kernel for features of {channels} channels")
    batch = x.shape[0] // (size_hw[0] * size_hw[1])
    pixels = batch * out_hw[0] * out_hw[1]
    out = torch.empty(pixels, channels, dtype=x.dtype, device=x.device)
    _enlarge_kernel[(triton.cdiv(pixels, _PIXELS),)](
        x,
        out,
        pixels,
        *size_hw,
        *out_hw,
        CHANNELS=channels,
        PIXELS=_PIXELS,
        num_warps=4,
        **launch_options(),
    )
    return out
