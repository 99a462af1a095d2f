"""Rewrites of the exported RF-DETR module that keep its function and shrink its launches.

Each changes the module in place; weights are only rearranged, or multiplied by constants.
docs/OPTIMIZATION_LOG.md tells what each was expected to bring and what it brought.
"""

import types
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from rfviewer_kernels.depthwise import depthwise_norm


def rewrite(module: nn.Module) -> dict[str, int]:
    """Apply all rewrites; return how many places each found. 0 is normal for some models."""
    return {
        "fused qkv": _each(module, "Dinov2WithRegistersSdpaSelfAttention", _fuse_qkv),
        "folded scale": _each(module, "WindowedDinov2WithRegistersLayer", _fold_layer_scale),
        "patches": _each(module, "Dinov2WithRegistersPatchEmbeddings", _patches_as_product),
        "mask head": _each(module, "SegmentationHead", _mask_head_channels_last),
    }


def _each(module: nn.Module, class_name: str, change: Callable[[nn.Module], None]) -> int:
    found = [part for part in module.modules() if type(part).__name__ == class_name]
    for part in found:
        change(part)
    return len(found)


def _fuse_qkv(block: nn.Module) -> None:
    """Compute query, key and value of a backbone block by one product."""
    parts = (block.query, block.key, block.value)
    fused = nn.Linear(parts[0].in_features, 3 * parts[0].out_features)
    fused.weight = nn.Parameter(torch.cat([p.weight for p in parts]), requires_grad=False)
    fused.bias = nn.Parameter(torch.cat([p.bias for p in parts]), requires_grad=False)
    block.qkv = fused
    block.forward = types.MethodType(_fused_attention, block)


def _fused_attention(
    self: nn.Module,
    hidden_states: Tensor,
    output_attentions: bool = False,  # noqa: FBT001, FBT002 - rfdetr's signature
) -> tuple[Tensor, None]:
    batch, tokens, _ = hidden_states.shape
    heads, depth = self.num_attention_heads, self.attention_head_size
    qkv = self.qkv(hidden_states).view(batch, tokens, 3, heads, depth).permute(2, 0, 3, 1, 4)
    context = functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
    return context.transpose(1, 2).reshape(batch, tokens, heads * depth), None


def _fold_layer_scale(block: nn.Module) -> None:
    """Multiply a block's layer scales into the products before them."""
    for scale, linear in (
        ("layer_scale1", block.attention.output.dense),
        ("layer_scale2", block.mlp.fc2),
    ):
        factor = getattr(block, scale).lambda1
        linear.weight.data = linear.weight * factor[:, None]
        linear.bias.data = linear.bias * factor
        setattr(block, scale, nn.Identity())


def _patches_as_product(block: nn.Module) -> None:
    """Compute patch embeddings as one matrix product: the patches do not overlap."""
    block.forward = types.MethodType(_patch_product, block)


def _patch_product(self: nn.Module, pixels: Tensor) -> Tensor:
    kernel, bias = self.projection.weight, self.projection.bias
    _, channels, size, _ = kernel.shape
    batch, _, height, width = pixels.shape
    rows, columns = height // size, width // size
    patches = pixels.view(batch, channels, rows, size, columns, size).permute(0, 2, 4, 1, 3, 5)
    return functional.linear(
        patches.reshape(batch, rows * columns, channels * size * size), kernel.flatten(1), bias
    )


def _mask_head_channels_last(head: nn.Module) -> None:
    """Run the mask head in (H, W, C): depthwise 3x3 and norm as our kernel, 1x1 as a product."""
    for block in head.blocks:
        taps = block.dwconv.weight.squeeze(1).permute(1, 2, 0).contiguous()
        block.taps = nn.Parameter(taps, requires_grad=False)
    head.forward = types.MethodType(_mask_head, head)


def _mask_head(
    self: nn.Module,
    spatial_features: Tensor,
    query_features: list[Tensor],
    image_size: tuple[int, int],
    skip_blocks: bool = False,  # noqa: FBT001, FBT002 - rfdetr's signature
) -> list[Tensor]:
    size = (image_size[0] // self.downsample_ratio, image_size[1] // self.downsample_ratio)
    x = functional.interpolate(spatial_features, size=size, mode="bilinear", align_corners=False)
    x = x.permute(0, 2, 3, 1).contiguous()
    for block in self.blocks:
        norm = block.norm
        y = depthwise_norm(x, block.taps, block.dwconv.bias, norm.weight, norm.bias, norm.eps)
        y = block.act(block.pwconv1(y))
        x = x + (y if block.gamma is None else block.gamma * y)
    projection = self.spatial_features_proj
    pixels = functional.linear(x, projection.weight.flatten(1), projection.bias).flatten(1, 2)
    queries = self.query_features_proj(self.query_features_block(query_features[0]))
    logits = torch.matmul(queries, pixels.transpose(1, 2))
    return [logits.view(logits.shape[0], logits.shape[1], *size) + self.bias]
