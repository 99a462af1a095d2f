"""Query selection and decoder: from features of the patches to boxes, logits and query features.

What depends on the queries' boxes alone (their position embedding times a weight) is computed once
for all layers, and so are the values that all layers sample from.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from rfviewer.engine.backends.fused.products import product
from rfviewer.engine.backends.fused.support import (
    joined,
    linear_of,
    need,
    need_channels,
    padded,
)
from rfviewer_kernels.network.attention import attention
from rfviewer_kernels.network.decoder import (
    anchor_boxes,
    refine_boxes,
    top_tokens,
)
from rfviewer_kernels.network.norms import add_norm, norm_rows
from rfviewer_kernels.network.sampling import sample_values

_PROPOSAL_SIZE = 0.05
_PROPOSAL_MARGIN = 0.01


class Transformer:
    """Maps features of the patches to what each query found."""

    def __init__(self, model: Any, size_hw: tuple[int, int]) -> None:  # noqa: ANN401 - LWDETR
        transformer, decoder = model.transformer, model.transformer.decoder
        need(transformer.two_stage and transformer.bbox_reparam, "queries not chosen from tokens")
        need(transformer.num_registers == 0, "register tokens in the decoder")
        need(not transformer.use_grouppose_keypoints, "keypoints")
        need(decoder.lite_refpoint_refine, "boxes refined layer by layer")
        self._size_hw = size_hw
        self._queries = model.num_queries
        self._proposals = _proposals(size_hw, model.refpoint_embed.weight.device)
        # The ranks of the tokens would leave the rest of the queries without any.
        patches = size_hw[0] * size_hw[1]
        need(model.num_queries <= patches, f"{model.num_queries} queries for {patches} patches")
        need_channels(transformer.d_model, 64, "features")
        need(isinstance(decoder.norm, nn.LayerNorm), "a decoder without norm")
        layers = list(decoder.layers)
        need(len(layers) > 0, "no decoder")
        # All layers sample from products with the same features: one product, with the selection's.
        self._memory = joined(transformer.enc_output[0], *[x.cross_attn.value_proj for x in layers])
        self._width = transformer.d_model
        self._select_norm = transformer.enc_output_norm[0]
        self._select_scores = _without_winners(transformer.enc_out_class_embed[0])
        self._select_boxes = _Head(transformer.enc_out_bbox_embed[0])
        self._learned = model.refpoint_embed.weight[: self._queries].float().contiguous()
        self._start = model.query_feat.weight[: self._queries].detach().contiguous()
        self._start_stream = self._start.float()
        self._position = decoder.ref_point_head.layers
        need(len(self._position) == 2, "the depth of the position head")
        self._layers = [_Layer(layer) for layer in layers]
        self._shifts = joined(*[part for layer in self._layers for part in layer.shifts])
        self._norm = decoder.norm
        self._boxes = _Head(model.bbox_embed)
        self._classes = model.class_embed.out_features
        self._logits = padded(model.class_embed)

    def __call__(
        self, features: Tensor, before_last_layer: Callable[[], None] | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return boxes (B, Q, 4) fp32, logits (B, Q, classes), query features (B, Q, C)."""
        batch, tokens, width = features.shape
        memory = product(features, self._memory.weight, self._memory.bias)
        found = norm_rows(memory.view(batch * tokens, -1)[:, :width], self._select_norm)
        scores = product(found, self._select_scores.weight, self._select_scores.bias)
        chosen = top_tokens(scores.view(batch, tokens, -1).amax(2), self._queries)
        index = chosen.unsqueeze(2).expand(-1, -1, width)
        best = found.view(batch, tokens, width).gather(1, index)
        boxes, waves = anchor_boxes(
            self._select_boxes(best), self._proposals, chosen, self._learned, self._width // 2
        )
        first, second = self._position
        position = product(waves.flatten(0, 1), first.weight, first.bias, activation="relu")
        position = product(position, second.weight, second.bias)
        shifts = product(position, self._shifts.weight, self._shifts.bias)
        x, stream = self._start, self._start_stream
        if batch > 1:
            x, stream = x.repeat(batch, 1), stream.repeat(batch, 1)
        at = 0
        for number, layer in enumerate(self._layers, start=1):
            values = memory[:, :, number * width : (number + 1) * width]
            shift = shifts[:, at : at + layer.shift_width]
            at += layer.shift_width
            if number == len(self._layers) and before_last_layer is not None:
                before_last_layer()
            stream, x = layer(stream, x, shift, values, boxes, self._size_hw)
        x = norm_rows(stream, self._norm, dtype=features.dtype).view(batch, self._queries, width)
        refined = refine_boxes(self._boxes(x), boxes)
        logits = product(x, self._logits.weight, self._logits.bias)
        return refined, logits[:, :, : self._classes], x


class _Layer:
    """One decoder layer, norms behind the sums."""

    def __init__(self, layer: Any) -> None:  # noqa: ANN401 - TransformerDecoderLayer
        attention, cross = layer.self_attn, layer.cross_attn
        need(attention.in_proj_weight is not None, "attention with separate weights")
        need(layer.activation is functional.relu, f"activation {layer.activation}")
        need(cross.n_levels == 1, f"{cross.n_levels} feature levels")
        self._heads, self._cross_heads, self._points = (
            attention.num_heads,
            cross.n_heads,
            cross.n_points,
        )
        width = attention.embed_dim
        need_channels(width // attention.num_heads, 16, "decoder heads")
        self._width = width
        self._qkv = attention.in_proj_weight
        self._out = attention.out_proj
        self._cross_out = cross.output_proj
        self._expand, self._shrink = layer.linear1, layer.linear2
        self._norms = (layer.norm1, layer.norm2, layer.norm3)
        # Queries and keys see the position, values do not.
        seen = self._qkv.clone()
        seen[2 * width :] = 0
        steering = joined(cross.sampling_offsets, cross.attention_weights)
        self._steering = steering.weight
        self.shifts = (linear_of(seen, attention.in_proj_bias), steering)
        """Products with the position embedding, biases included."""
        self.shift_width = 3 * width + steering.out_features

    def __call__(
        self,
        stream: Tensor,
        x: Tensor,
        shift: Tensor,
        values: Tensor,
        boxes: Tensor,
        size_hw: tuple[int, int],
    ) -> tuple[Tensor, Tensor]:
        """Return residual stream (fp32) and its normalised values, (B * Q, C) each.

        `shift` is used up: the products are added to it in place, which saves a copy each.
        """
        batch, queries = boxes.shape[:2]
        width, heads = self._width, self._heads
        qkv = shift[:, : 3 * width]
        product(x, self._qkv, add=qkv, out=qkv)
        qkv = qkv.view(batch, queries, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        found = attention(qkv[0], qkv[1], qkv[2]).view(batch * queries, width)
        branch = product(found, self._out.weight, self._out.bias)
        stream, x = add_norm(branch, stream, self._norms[0], post=True)
        steering = shift[:, 3 * width :]
        product(x, self._steering, add=steering, out=steering)
        found = sample_values(
            values,
            steering,
            boxes,
            size_hw,
            heads=self._cross_heads,
            points=self._points,
        )
        found = found.view(batch * queries, width)
        branch = product(found, self._cross_out.weight, self._cross_out.bias)
        stream, x = add_norm(branch, stream, self._norms[1], post=True)
        x = product(x, self._expand.weight, self._expand.bias, activation="relu")
        branch = product(x, self._shrink.weight, self._shrink.bias)
        return add_norm(branch, stream, self._norms[2], post=True)


class _Head:
    """The box MLP: two products with ReLU and one of four columns."""

    def __init__(self, head: Any) -> None:  # noqa: ANN401 - rfdetr's MLP
        need(len(head.layers) == 3, "the depth of a box head")
        self._first, self._second = head.layers[0], head.layers[1]
        self._last = padded(head.layers[2])

    def __call__(self, x: Tensor) -> Tensor:
        """Return (B, Q, 4 and padding) of (B, Q, C)."""
        rows = x.flatten(0, 1)
        for layer in (self._first, self._second):
            rows = product(rows, layer.weight, layer.bias, activation="relu")
        found = product(rows, self._last.weight, self._last.bias)
        return found.view(*x.shape[:2], -1)


def _without_winners(linear: nn.Linear) -> nn.Linear:
    """Return `linear`, padded by columns that never win."""
    made = padded(linear)
    made.bias[linear.out_features :] = torch.finfo(made.bias.dtype).min
    return made


def _proposals(size_hw: tuple[int, int], device: torch.device) -> Tensor:
    """Return the box proposed at each patch: (h * w, 4) fp32, centred, of one size."""
    height, width = size_hw
    y, x = torch.meshgrid(
        (torch.arange(height, dtype=torch.float32) + 0.5) / height,
        (torch.arange(width, dtype=torch.float32) + 0.5) / width,
        indexing="ij",
    )
    size = torch.full_like(x, _PROPOSAL_SIZE)
    boxes = torch.stack([x, y, size, size], -1).view(-1, 4)
    inside = ((boxes > _PROPOSAL_MARGIN) & (boxes < 1 - _PROPOSAL_MARGIN)).all()
    need(bool(inside), f"a grid of {width}x{height} patches, whose border is masked")
    return boxes.to(device)
