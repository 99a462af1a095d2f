"""Attention for short sequences at batch 1: softmax(q k^T / sqrt(d)) v in one launch.

A batch-1 network of 677 tokens and 6 heads gives library kernels too few blocks to fill a large
GPU (128 queries a block: 36 blocks for 132 multiprocessors). Here a program takes `BLOCK_M` queries
of one head. Running maximum and sum in fp32 (Dao et al., FlashAttention-2, arXiv 2307.08691).
Registered as an opaque operator, so that torch.export and inductor take it as it is.
"""

import torch
import triton
import triton.language as tl

_LOG2_E = 1.4426950408889634
_BLOCK_M, _BLOCK_N, _WARPS, _STAGES = 32, 64, 4, 3


@triton.jit
def _attention_kernel(
    q,
    k,
    v,
    out,
    tokens,
    scale,
    q_head,
    q_row,
    k_head,
    k_row,
    v_head,
    v_row,
    out_head,
    out_row,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    DIM: tl.constexpr,
):
    head = tl.program_id(1)
    row = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    depth = tl.arange(0, DIM)
    row_inside = (row < tokens)[:, None]
    queries = tl.load(
        q + head * q_head + row[:, None] * q_row + depth[None, :], mask=row_inside, other=0.0
    )
    best = tl.full((BLOCK_M,), -1e30, tl.float32)
    total = tl.zeros((BLOCK_M,), tl.float32)
    result = tl.zeros((BLOCK_M, DIM), tl.float32)
    for start in range(0, tokens, BLOCK_N):
        column = start + tl.arange(0, BLOCK_N)
        inside = column < tokens
        keys = tl.load(
            k + head * k_head + column[None, :] * k_row + depth[:, None],
            mask=inside[None, :],
            other=0.0,
        )
        scores = tl.dot(queries, keys) * scale  # in units of log2: exp2 below
        scores = tl.where(inside[None, :], scores, -1e30)
        new_best = tl.maximum(best, tl.max(scores, axis=1))
        weights = tl.exp2(scores - new_best[:, None])
        shrink = tl.exp2(best - new_best)
        total = total * shrink + tl.sum(weights, axis=1)
        values = tl.load(
            v + head * v_head + column[:, None] * v_row + depth[None, :],
            mask=inside[:, None],
            other=0.0,
        )
        result = result * shrink[:, None] + tl.dot(weights.to(values.dtype), values)
        best = new_best
    result = result / total[:, None]
    tl.store(
        out + head * out_head + row[:, None] * out_row + depth[None, :],
        result.to(out.dtype.element_ty),
        mask=row_inside,
    )


@torch.library.custom_op("rfviewer::short_attention", mutates_args=())
def short_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Return attention of one image, without a mask, heads side by side as the projection wants.

    Args:
        q: (1, heads, tokens, depth) fp16 or fp32; depth a power of two, its elements side by side.
            Heads and tokens may have any strides, as views of one fused q, k, v product do.
        k: like q.
        v: like q.

    Returns:
        A new (1, tokens, heads * depth) tensor.
    """
    _, heads, tokens, depth = q.shape
    out = torch.empty((1, tokens, heads * depth), dtype=q.dtype, device=q.device)
    _attention_kernel[(triton.cdiv(tokens, _BLOCK_M), heads)](
        q,
        k,
        v,
        out,
        tokens,
        depth**-0.5 * _LOG2_E,
        q.stride(1),
        q.stride(2),
        k.stride(1),
        k.stride(2),
        v.stride(1),
        v.stride(2),
        depth,
        heads * depth,
        BLOCK_M=_BLOCK_M,
        BLOCK_N=_BLOCK_N,
        DIM=depth,
        num_warps=_WARPS,
        num_stages=_STAGES,
    )
    return out


@short_attention.register_fake
def _(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    _, heads, tokens, depth = q.shape
    return q.new_empty((1, tokens, heads * depth))
