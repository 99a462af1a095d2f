"""The segmentation head: features of the patches enlarged and convolved, then met by the queries.

The projection of the pixels is a constant matrix between them and the queries, so it is multiplied
into the queries' own projection: 100 rows instead of thousands of pixels.
"""

from typing import Any

import torch
from torch import Tensor

from rfviewer.engine.backends.fused.products import product
from rfviewer.engine.backends.fused.support import linear_of, need, padded
from rfviewer_kernels.network.convolutions import depthwise_norm, enlarge
from rfviewer_kernels.network.norms import norm_rows
from rfviewer_kernels.network.products import query_pixels


class MaskHead:
    """Maps features of the patches and of the queries to mask logits."""

    def __init__(self, head: Any, patches_hw: tuple[int, int], input_hw: tuple[int, int]) -> None:  # noqa: ANN401 - rfdetr's SegmentationHead
        self._patches_hw = patches_hw
        self.size_hw = (input_hw[0] // head.downsample_ratio, input_hw[1] // head.downsample_ratio)
        need(all(block.gamma is None for block in head.blocks), "layer scales in the mask head")
        self._blocks = [
            (
                block.dwconv.weight.flatten(1).t().contiguous(),
                block.dwconv.bias,
                block.norm,
                block.pwconv1,
            )
            for block in head.blocks
        ]
        queries = head.query_features_block
        need(queries.gamma is None, "layer scales in the mask head")
        self._norm, self._expand = queries.norm_in, queries.layers[0]
        self._shrink = queries.layers[2].weight
        self._meet = _meeting(head)

    def pixels(self, features: Tensor) -> Tensor:
        """Return what the pixels bring, (B, H * W, C), of features (B, h * w, C)."""
        batch, _, width = features.shape
        x = enlarge(features.flatten(0, 1), self._patches_hw, self.size_hw)
        for taps, taps_bias, norm, mixing in self._blocks:
            found = depthwise_norm(x, taps, taps_bias, norm, self.size_hw)
            x = product(found, mixing.weight, mixing.bias, activation="gelu", add=x)
        return x.view(batch, -1, width)

    def __call__(self, pixels: Tensor, queries: Tensor) -> Tensor:
        """Return mask logits (B, Q, H, W)."""
        batch, count, _ = queries.shape
        rows = queries.flatten(0, 1)
        x = norm_rows(rows, self._norm)
        x = product(x, self._expand.weight, self._expand.bias, activation="gelu")
        x = product(x, self._shrink, add=rows)
        x = product(x, self._meet.weight, self._meet.bias)
        found = query_pixels(x.view(batch, count, -1), pixels)
        return found.view(batch, count, *self.size_hw)


def _meeting(head: Any) -> Any:  # noqa: ANN401 - an nn.Linear; rfdetr is untyped
    """Return the product that makes factors and shift of a query: (C factors, 1 shift, padding).

    With q = Wq f + bq and p = Wp x + bp: q . p + b = (Wp^T q) . x + (bp . q + b). The bias of the
    product before it, which makes f, is moved here too.
    """
    query, pixel = head.query_features_proj, head.spatial_features_proj
    need(hasattr(query, "weight") and hasattr(pixel, "weight"), "a mask head without projections")
    wide = torch.float64
    wq, before = query.weight.to(wide), head.query_features_block.layers[2].bias.to(wide)
    bq = query.bias.to(wide) + wq @ before
    wp, bp = pixel.weight.flatten(1).to(wide), pixel.bias.to(wide)
    weight = torch.cat([wp.t() @ wq, (bp @ wq)[None]])
    bias = torch.cat([wp.t() @ bq, (bp @ bq + head.bias.to(wide)[0])[None]])
    return padded(linear_of(weight.to(query.weight.dtype), bias.to(query.weight.dtype)))
