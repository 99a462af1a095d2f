"""Attention for short sequences at small batches: softmax(q k^T / sqrt(d)) v in one launch.

A batch-1 network of 677 tokens and 6 heads gives library kernels too few blocks to fill a large
GPU (128 queries a block: 36 blocks for 132 multiprocessors). Here a program takes `_BLOCK_M`
queries of one head. Running maximum and sum in fp32 (Dao et al., FlashAttention-2, arXiv
2307.08691).
"""

import torch
import triton
import triton.language as tl

from rfviewer_kernels.network.dependent import after_previous, launch_options, let_next_in
from rfviewer_kernels.network.products import input_precision

_LOG2_E = 1.4426950408889634
_BLOCK_M, _BLOCK_N, _WARPS, _STAGES = 32, 64, 4, 3
_LEAST_DEPTH = 16
"""What a product of Triton's needs at least on every side."""


@triton.jit
def _attention_kernel(
    q,
    k,
    v,
    out,
    tokens,
    scale,
    image_stride,
    head_stride,
    row_stride,
    out_image,
    out_head,
    out_row,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    DIM: tl.constexpr,
    PRECISION: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    after_previous(DEPENDENT)
    head, image = tl.program_id(1), tl.program_id(2).to(tl.int64)
    base = image * image_stride + head * head_stride
    row = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    depth = tl.arange(0, DIM)
    row_inside = (row < tokens)[:, None]
    queries = tl.load(
        q + base + row[:, None] * row_stride + depth[None, :], mask=row_inside, other=0.0
    )
    best = tl.full((BLOCK_M,), -1e30, tl.float32)
    total = tl.zeros((BLOCK_M,), tl.float32)
    result = tl.zeros((BLOCK_M, DIM), tl.float32)
    for start in range(0, tokens, BLOCK_N):
        column = start + tl.arange(0, BLOCK_N)
        inside = column < tokens
        keys = tl.load(
            k + base + column[None, :] * row_stride + depth[:, None],
            mask=inside[None, :],
            other=0.0,
        )
        # In units of log2: exp2 below.
        scores = tl.dot(queries, keys, input_precision=PRECISION) * scale
        scores = tl.where(inside[None, :], scores, -1e30)
        new_best = tl.maximum(best, tl.max(scores, axis=1))
        weights = tl.exp2(scores - new_best[:, None])
        shrink = tl.exp2(best - new_best)
        total = total * shrink + tl.sum(weights, axis=1)
        values = tl.load(
            v + base + column[:, None] * row_stride + depth[None, :],
            mask=inside[:, None],
            other=0.0,
        )
        found = tl.dot(weights.to(values.dtype), values, input_precision=PRECISION)
        result = result * shrink[:, None] + found
        best = new_best
    result = result / total[:, None]
    let_next_in(DEPENDENT)
    tl.store(
        out + image * out_image + head * out_head + row[:, None] * out_row + depth[None, :],
        result.to(out.dtype.element_ty),
        mask=row_inside,
    )


def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Return attention without a mask, heads side by side as the projection behind it wants.

    Args:
        q: (B, heads, tokens, depth); depth a power of two of 16 or more, its elements side by side.
            Any other strides, as views of one fused q, k, v product have.
        k: like `q`, with its strides.
        v: like `q`, with its strides.

    Returns:
        A new (B, tokens, heads * depth) tensor.
    """
    batch, heads, tokens, depth = q.shape
    if not q.shape == k.shape == v.shape:
        raise ValueError(f"q, k and v must be alike: {q.shape}, {k.shape}, {v.shape}")
    if not q.stride() == k.stride() == v.stride() or q.stride(3) != 1:
        raise ValueError(f"q, k and v must be alike: {q.stride()}, {k.stride()}, {v.stride()}")
    if depth < _LEAST_DEPTH or depth != triton.next_power_of_2(depth):
        raise ValueError(f"no kernel for heads of {depth} channels")
    out = torch.empty(batch, tokens, heads * depth, dtype=q.dtype, device=q.device)
    _attention_kernel[(triton.cdiv(tokens, _BLOCK_M), heads, batch)](
        q,
        k,
        v,
        out,
        tokens,
        depth**-0.5 * _LOG2_E,
        *q.stride()[:3],
        out.stride(0),
        depth,
        heads * depth,
        BLOCK_M=_BLOCK_M,
        BLOCK_N=_BLOCK_N,
        DIM=depth,
        PRECISION=input_precision(q.dtype),
        num_warps=_WARPS,
        num_stages=_STAGES,
        **launch_options(),
    )
    return out
