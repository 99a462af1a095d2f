"""Torch twins of the network's kernels: same arguments, same results up to rounding. Any device."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def _layer_norm(value: Tensor, norm: torch.nn.Module) -> Tensor:
    width = value.shape[-1:]
    return functional.layer_norm(
        value.float(), width, norm.weight.float(), norm.bias.float(), norm.eps
    )


def add_norm(
    branch: Tensor, residual: Tensor, norm: torch.nn.Module, *, post: bool
) -> tuple[Tensor, Tensor]:
    """See norms.add_norm."""
    total = branch.float() + residual
    result = _layer_norm(total, norm)
    return (result if post else total), result.to(branch.dtype)


def embed_norm(patches: Tensor, table: Tensor, norm: torch.nn.Module) -> tuple[Tensor, Tensor]:
    """See norms.embed_norm."""
    count, patch_count, width = patches.shape
    windows = table.view(-1, patch_count + 1, width)
    tokens = functional.pad(patches.float(), (0, 0, 1, 0))
    stream = tokens + windows.repeat(count // len(windows), 1, 1)
    return stream, _layer_norm(stream, norm).to(patches.dtype)


def stacked_norm(
    stages: Sequence[Tensor],
    norm: torch.nn.Module,
    dtype: torch.dtype,
    grid_hw: tuple[int, int],
    windows: int = 1,
) -> Tensor:
    """See norms.stacked_norm."""
    high, wide = grid_hw[0] // windows, grid_hw[1] // windows
    found = torch.cat([_layer_norm(stage[:, 1:], norm) for stage in stages], 2)
    image = found.view(-1, windows, windows, high, wide, found.shape[2]).transpose(2, 3)
    return image.reshape(-1, grid_hw[0] * grid_hw[1], found.shape[2]).to(dtype)


def norm_rows(
    x: Tensor,
    norm: torch.nn.Module,
    *,
    silu: bool = False,
    out: Tensor | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """See norms.norm_rows."""
    result = _layer_norm(x, norm)
    result = functional.silu(result) if silu else result
    if out is None:
        return result.to(dtype or x.dtype)
    return out.copy_(result)


def linear(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    activation: str = "none",
    add: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """See products.linear."""
    found = x.float() @ weight.float().t()
    if bias is not None:
        found += bias.float()
    if activation != "none":
        found = {"relu": functional.relu, "gelu": functional.gelu}[activation](found)
    if add is not None:
        found = found + add.float()
    return found.to(x.dtype) if out is None else out.copy_(found)


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """See attention.attention."""
    found = functional.scaled_dot_product_attention(q.float(), k.float(), v.float())
    return found.transpose(1, 2).flatten(2).to(q.dtype)


def query_pixels(queries: Tensor, pixels: Tensor) -> Tensor:
    """See products.query_pixels."""
    depth = pixels.shape[2]
    factors, shift = queries[:, :, :depth].float(), queries[:, :, depth : depth + 1].float()
    return (factors @ pixels.float().transpose(1, 2) + shift).to(pixels.dtype)


def conv_norm_silu(
    x: Tensor, weight: Tensor, norm: torch.nn.Module, size_hw: tuple[int, int], out: Tensor
) -> Tensor:
    """See convolutions.conv_norm_silu."""
    _, depth, channels = weight.shape
    image = x.float().reshape(-1, *size_hw, depth).permute(0, 3, 1, 2)
    kernel = weight.float().view(3, 3, depth, channels).permute(3, 2, 0, 1)
    found = functional.conv2d(image, kernel, padding=1).permute(0, 2, 3, 1)
    return out.copy_(functional.silu(_layer_norm(found, norm)).reshape(-1, channels))


def depthwise_norm(
    x: Tensor, taps: Tensor, taps_bias: Tensor, norm: torch.nn.Module, size_hw: tuple[int, int]
) -> Tensor:
    """See convolutions.depthwise_norm."""
    channels = x.shape[1]
    image = x.float().view(-1, *size_hw, channels).permute(0, 3, 1, 2)
    kernel = taps.float().t().reshape(channels, 1, 3, 3)
    found = functional.conv2d(image, kernel, taps_bias.float(), padding=1, groups=channels)
    return _layer_norm(found.permute(0, 2, 3, 1), norm).to(x.dtype).view(-1, channels)


def enlarge(x: Tensor, size_hw: tuple[int, int], out_hw: tuple[int, int]) -> Tensor:
    """See convolutions.enlarge."""
    channels = x.shape[1]
    image = x.float().view(-1, *size_hw, channels).permute(0, 3, 1, 2)
    found = functional.interpolate(image, size=out_hw, mode="bilinear", align_corners=False)
    return found.permute(0, 2, 3, 1).reshape(-1, channels).to(x.dtype)


def top_tokens(scores: Tensor, keep: int) -> Tensor:
    """See decoder.top_tokens."""
    ranked = scores.nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
    return ranked.argsort(dim=1, descending=True, stable=True)[:, :keep]


def refine_boxes(delta: Tensor, anchors: Tensor, chosen: Tensor | None = None) -> Tensor:
    """See decoder.refine_boxes."""
    change = delta[..., :4].float()
    anchors = anchors if chosen is None else anchors[chosen]
    centre = change[..., :2] * anchors[..., 2:] + anchors[..., :2]
    return torch.cat([centre, change[..., 2:].exp() * anchors[..., 2:]], -1)


def anchor_boxes(
    delta: Tensor, proposals: Tensor, chosen: Tensor, learned: Tensor, half: int
) -> tuple[Tensor, Tensor]:
    """See decoder.anchor_boxes."""
    boxes = refine_boxes(learned.expand(*chosen.shape, -1), refine_boxes(delta, proposals, chosen))
    lane = torch.arange(half, device=delta.device)
    rate = 2 * torch.pi / 10000.0 ** (2 * (lane // 2) / half)
    angle = boxes[:, :, [1, 0, 2, 3], None] * rate
    waves = torch.where(lane % 2 == 0, angle.sin(), angle.cos())
    return boxes, waves.flatten(2).to(delta.dtype)


def sample_values(
    values: Tensor,
    steering: Tensor,
    boxes: Tensor,
    size_hw: tuple[int, int],
    *,
    heads: int,
    points: int,
) -> Tensor:
    """See sampling.sample_values."""
    batch, queries, _ = boxes.shape
    channels = values.shape[2]
    offsets = steering[:, : heads * points * 2].float().view(batch, queries, heads, points, 2)
    weights = steering[:, heads * points * 2 :].float().view(batch, queries, heads, points)
    reach = boxes[:, :, None, None, 2:] * (0.5 / points)
    places = 2 * (boxes[:, :, None, None, :2] + offsets * reach) - 1
    grid = places.transpose(1, 2).reshape(batch * heads, queries, points, 2)
    image = values.float().transpose(1, 2).reshape(batch * heads, channels // heads, *size_hw)
    found = functional.grid_sample(image, grid, padding_mode="zeros", align_corners=False)
    shares = weights.softmax(-1).transpose(1, 2).reshape(batch * heads, 1, queries, points)
    result = (found * shares).sum(-1).view(batch, channels, queries)
    return result.transpose(1, 2).to(steering.dtype).contiguous()
