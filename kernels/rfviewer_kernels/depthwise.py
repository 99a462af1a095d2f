"""A depthwise 3x3 convolution and the LayerNorm behind it in one launch, channels last.

torch's own depthwise kernel runs channels-first and needs transposes around it; a compiler that
unrolls the nine taps recomputes what feeds them nine times. Here a program takes `_PIXELS` pixels
with all channels; sums in fp32. Registered as an opaque operator.
Source of the block: rfdetr 1.11.2 models/heads/segmentation.py, DepthwiseConvBlock.
"""

import torch
import triton
import triton.language as tl

_PIXELS, _WARPS = 8, 4


@triton.jit
def _depthwise_norm_kernel(
    x,
    weight,
    bias,
    norm_weight,
    norm_bias,
    out,
    height,
    width,
    epsilon,
    CHANNELS: tl.constexpr,
    LANES: tl.constexpr,
    PIXELS: tl.constexpr,
):
    image = tl.program_id(1) * height * width * CHANNELS
    x += image
    out += image
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    channel = tl.arange(0, LANES)
    used = channel < CHANNELS
    y = pixel // width
    column = pixel % width
    total = tl.zeros((PIXELS, LANES), tl.float32)
    total += tl.load(bias + channel, mask=used, other=0.0).to(tl.float32)[None, :]
    for tap in tl.static_range(9):
        source_y = y + (tap // 3 - 1)
        source_x = column + (tap % 3 - 1)
        inside = (source_y >= 0) & (source_y < height) & (source_x >= 0) & (source_x < width)
        inside &= y < height
        at = x + (source_y * width + source_x)[:, None] * CHANNELS + channel[None, :]
        value = tl.load(at, mask=inside[:, None] & used[None, :], other=0.0).to(tl.float32)
        factor = tl.load(weight + tap * CHANNELS + channel, mask=used, other=0.0).to(tl.float32)
        total += value * factor[None, :]
    # torch rounds the convolution to the tensor's type before the norm.
    total = total.to(x.dtype.element_ty).to(tl.float32)
    mean = tl.sum(total, axis=1) / CHANNELS
    centred = tl.where(used[None, :], total - mean[:, None], 0.0)
    variance = tl.sum(centred * centred, axis=1) / CHANNELS
    result = centred * (1.0 / tl.sqrt(variance + epsilon))[:, None]
    result *= tl.load(norm_weight + channel, mask=used, other=0.0).to(tl.float32)[None, :]
    result += tl.load(norm_bias + channel, mask=used, other=0.0).to(tl.float32)[None, :]
    at_out = out + pixel[:, None] * CHANNELS + channel[None, :]
    tl.store(at_out, result.to(out.dtype.element_ty), mask=(y < height)[:, None] & used[None, :])


@torch.library.custom_op("rfviewer::depthwise_norm", mutates_args=())
def depthwise_norm(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    norm_weight: torch.Tensor,
    norm_bias: torch.Tensor,
    epsilon: float,
) -> torch.Tensor:
    """Return LayerNorm(depthwise 3x3(x)) over the channels, zero padding 1.

    Args:
        x: (N, H, W, C) fp16 or fp32, contiguous.
        weight: (3, 3, C), contiguous.
        bias: (C,).
        norm_weight: (C,).
        norm_bias: (C,).
        epsilon: of the LayerNorm.

    Returns:
        A new (N, H, W, C) tensor.
    """
    if not (x.is_contiguous() and weight.is_contiguous()):
        raise ValueError(f"x must be contiguous (N, H, W, C), got {x.shape} {x.stride()}")
    images, height, width, channels = x.shape
    out = torch.empty_like(x)
    _depthwise_norm_kernel[(triton.cdiv(height * width, _PIXELS), images)](
        x,
        weight,
        bias,
        norm_weight,
        norm_bias,
        out,
        height,
        width,
        epsilon,
        CHANNELS=channels,
        LANES=triton.next_power_of_2(channels),
        PIXELS=_PIXELS,
        num_warps=_WARPS,
    )
    return out


@depthwise_norm.register_fake
def _(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    norm_weight: torch.Tensor,
    norm_bias: torch.Tensor,
    epsilon: float,
) -> torch.Tensor:
    return x.new_empty(x.shape)
