"""The backbone (DINOv2, in windows where the model has them) and the projector behind it.

Per block: one product for query, key and value, attention, and the two products of the MLP with
GELU inside the first; layer scales are folded into the weights, and each residual sum is one
launch with the LayerNorm that follows it.
"""

from typing import Any

import torch
from torch import Tensor, nn

from rfviewer.engine.backends.fused.products import product
from rfviewer.engine.backends.fused.support import (
    joined,
    linear_of,
    need,
    need_channels,
    scaled,
)
from rfviewer_kernels.network.attention import attention
from rfviewer_kernels.network.convolutions import conv_norm_silu
from rfviewer_kernels.network.norms import add_norm, embed_norm, norm_rows, stacked_norm


class Backbone:
    """Maps the network input to normalised features of each patch."""

    def __init__(self, joiner: Any, input_hw: tuple[int, int]) -> None:  # noqa: ANN401 - rfdetr's Joiner
        wrapper = joiner[0]
        need(wrapper.cross_attn_projector is None, "a second projector")
        dino = wrapper.encoder.encoder
        config = dino.config
        need(config.num_register_tokens == 0, "register tokens in the backbone")
        need(config.apply_layernorm and config.reshape_hidden_states, "features without norm")
        need(not config.use_swiglu_ffn and config.hidden_act == "gelu", config.hidden_act)
        embeddings = dino.embeddings
        projection = embeddings.patch_embeddings.projection
        self._patch = projection.kernel_size[0]
        need(projection.stride == projection.kernel_size, "patches that overlap")
        self._embed = linear_of(projection.weight.flatten(1), projection.bias)
        self._windows = config.num_windows
        self._grid_hw = (input_hw[0] // self._patch, input_hw[1] // self._patch)
        self._table = _position_table(embeddings, self._grid_hw, self._windows)
        names = list(dino.stage_names)
        self._taps = [names.index(name) for name in dino.out_features]
        need(self._taps[0] > 0 and len(self._taps) <= 4, f"features of {dino.out_features}")
        windowed = config.window_block_indexes
        self._blocks = [
            _Block(layer, 1 if index in windowed else self._windows**2)
            for index, layer in enumerate(dino.encoder.layer[: self._taps[-1]])
        ]
        self._norm = dino.layernorm
        self._projector = _Projector(wrapper.projector)

    def __call__(self, network_input: Tensor) -> Tensor:
        """Return features (B, h * w, C) of (B, 3, H, W)."""
        batch, channels, _, _ = network_input.shape
        size, windows, (rows, columns) = self._patch, self._windows, self._grid_hw
        high, wide = rows // windows, columns // windows
        patches = network_input.reshape(batch, channels, windows, high, size, windows, wide, size)
        patches = patches.permute(0, 2, 5, 3, 6, 1, 4, 7)
        patches = patches.reshape(batch * windows**2, high * wide, -1)
        patches = product(patches, self._embed.weight, self._embed.bias)
        stream, normed = embed_norm(patches, self._table, self._blocks[0].norm_in)
        kept = []
        for index, block in enumerate(self._blocks, start=1):
            # The norm behind the last block is another one, of stacked_norm.
            following = self._blocks[index].norm_in if index < len(self._blocks) else self._norm
            stream, normed = block(stream, normed, following)
            if index in self._taps:
                kept.append(stream)
        features = stacked_norm(kept, self._norm, network_input.dtype, self._grid_hw, windows)
        return self._projector(features, self._grid_hw)


def _position_table(embeddings: Any, grid_hw: tuple[int, int], windows: int) -> Tensor:  # noqa: ANN401 - rfdetr
    """Return what is added to the tokens of every window, class token first: (tokens, C) fp32."""
    positions = embeddings.position_embeddings[0].float()
    width = positions.shape[1]
    need(len(positions) == 1 + grid_hw[0] * grid_hw[1], "positions for another size")
    first = (positions[0] + embeddings.cls_token[0, 0].float()).expand(windows**2, 1, width)
    high, wide = grid_hw[0] // windows, grid_hw[1] // windows
    patches = positions[1:].view(windows, high, windows, wide, width).transpose(1, 2)
    return torch.cat([first, patches.reshape(windows**2, high * wide, width)], 1).flatten(0, 1)


class _Block:
    """One transformer block on normalised tokens; ends with the norm of the next."""

    def __init__(self, layer: Any, joined_windows: int) -> None:  # noqa: ANN401 - rfdetr's layer
        """`joined_windows` attend to each other; 1 keeps each window to itself."""
        self._joined_windows = joined_windows
        attention = layer.attention.attention
        self.norm_in: nn.LayerNorm = layer.norm1
        self._norm = layer.norm2
        self._qkv = joined(attention.query, attention.key, attention.value)
        self._heads = attention.num_attention_heads
        need_channels(attention.attention_head_size, 16, "backbone heads")
        self._out = scaled(layer.attention.output.dense, layer.layer_scale1.lambda1)
        self._expand = layer.mlp.fc1
        self._shrink = scaled(layer.mlp.fc2, layer.layer_scale2.lambda1)

    def __call__(self, stream: Tensor, x: Tensor, following: nn.LayerNorm) -> tuple[Tensor, Tensor]:
        windows, tokens, width = x.shape
        qkv = product(x, self._qkv.weight, self._qkv.bias)
        apart = (windows // self._joined_windows, self._joined_windows * tokens)
        qkv = qkv.view(*apart, 3, self._heads, width // self._heads).permute(2, 0, 3, 1, 4)
        found = attention(qkv[0], qkv[1], qkv[2]).view(windows, tokens, width)
        branch = product(found, self._out.weight, self._out.bias)
        stream, x = add_norm(branch, stream, self._norm, post=False)
        x = product(x, self._expand.weight, self._expand.bias, activation="gelu")
        branch = product(x, self._shrink.weight, self._shrink.bias)
        return add_norm(branch, stream, following, post=False)


class _Projector:
    """The C2f stage over the stacked features, channels last throughout."""

    def __init__(self, projector: Any) -> None:  # noqa: ANN401 - rfdetr's MultiScaleProjector
        need(len(projector.stages) == 1, "features of several sizes")
        need(not projector.use_extra_pool, "an extra pooled level")
        need(projector.force_drop_last_n_features == 0, "dropped features")
        need(all(len(s) == 0 for s in projector.stages_sampling[0]), "resampled features")
        stage, self._norm = projector.stages[0]
        need(type(stage.cv1.act) is nn.SiLU, f"activation {type(stage.cv1.act).__name__}")
        need_channels(stage.c, 64, "projector halves")
        self._half = stage.c
        self._first, self._first_norm = _pointwise(stage.cv1)
        self._last, self._last_norm = _pointwise(stage.cv2)
        self._chain = []
        for bottleneck in stage.m:
            need(not bottleneck.add, "shortcuts in the projector")
            self._chain.append((_taps(bottleneck.cv1), _taps(bottleneck.cv2)))

    def __call__(self, features: Tensor, size_hw: tuple[int, int]) -> Tensor:
        batch, tokens, _ = features.shape
        rows, half = batch * tokens, self._half
        x = product(features.view(rows, -1), self._first)
        parts = torch.empty(rows, (2 + len(self._chain)) * half, dtype=x.dtype, device=x.device)
        norm_rows(x, self._first_norm, silu=True, out=parts[:, : 2 * half])
        before = parts[:, half : 2 * half]
        between = torch.empty(rows, half, dtype=x.dtype, device=x.device)
        for index, ((taps1, norm1), (taps2, norm2)) in enumerate(self._chain, start=2):
            conv_norm_silu(before, taps1, norm1, size_hw, between)
            before = parts[:, index * half : (index + 1) * half]
            conv_norm_silu(between, taps2, norm2, size_hw, before)
        x = product(parts, self._last)
        x = norm_rows(x, self._last_norm, silu=True)
        return norm_rows(x, self._norm).view(batch, tokens, -1)


def _pointwise(convolution: Any) -> tuple[Tensor, nn.Module]:  # noqa: ANN401 - rfdetr's ConvX
    need(convolution.conv.kernel_size == (1, 1), "a wide convolution at the projector's ends")
    need(hasattr(convolution.bn, "normalized_shape"), "a projector without LayerNorm")
    return convolution.conv.weight.flatten(1).contiguous(), convolution.bn


def _taps(convolution: Any) -> tuple[Tensor, nn.Module]:  # noqa: ANN401 - rfdetr's ConvX
    weight = convolution.conv.weight
    need(weight.shape[2:] == (3, 3) and convolution.conv.groups == 1, "projector's convolutions")
    need(hasattr(convolution.bn, "normalized_shape"), "a projector without LayerNorm")
    return weight.permute(2, 3, 1, 0).flatten(0, 1).contiguous(), convolution.bn
