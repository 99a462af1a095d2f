"""The network's matrix products: by a kernel of ours where they are small, else by the library."""

import torch
from torch import Tensor
from torch.nn import functional

from rfviewer_kernels.network.products import Activation, linear

_FEW_TILES = 200
"""Tiles of 64 by 64 results up to which the kernel is used: all products of one frame a pass on the
demo model, few of four."""
_DEEPEST = 2048
"""A sum of so many products takes the kernel more steps one after the other than the library."""
_TILE = 64
_SIXTEEN_BITS = (torch.float16, torch.bfloat16)


def product(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    activation: Activation = "none",
    add: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return activation(x W^T + b), plus `add` if that is given.

    Args:
        x: (..., K), contiguous.
        weight: (N, K), contiguous.
        bias: (N,).
        activation: what comes between the bias and `add`; "gelu" is always ours.
        add: (M, N) for `x` (M, K), rows may lie apart; alone, but with "gelu".
        out: `add`, to be overwritten, or None.

    Raises:
        ValueError: for what only one of the two could do.
    """
    if out is not None and out is not add:
        raise ValueError("a product overwrites nothing but what it adds to")
    if activation == "gelu" or _is_small(x, weight):
        return linear(x, weight, bias, activation=activation, add=add, out=out)
    if add is not None:
        if bias is not None or activation != "none":
            raise ValueError(f"no library product adds after a bias or {activation}")
        return torch.addmm(add, x, weight.t(), out=out)
    if activation == "relu" and bias is not None:
        # What torch.nn.TransformerEncoder's fast path calls: the activation inside the product.
        rows = x.flatten(0, -2)
        found = torch._addmm_activation(bias, rows, weight.t())  # noqa: SLF001
        return found.view(*x.shape[:-1], -1)
    found = functional.linear(x, weight, bias)
    return found.relu_() if activation == "relu" else found


def _is_small(x: Tensor, weight: Tensor) -> bool:
    """Whether the library would give a GPU too little to do."""
    columns, depth = weight.shape
    rows = x.numel() // depth
    tiles = -(-rows // _TILE) * -(-columns // _TILE)
    return x.dtype in _SIXTEEN_BITS and tiles <= _FEW_TILES and depth < _DEEPEST
