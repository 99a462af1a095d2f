"""LayerNorms with what stands beside them: residual sums, position tables, an activation.

One program normalises one row, in fp32 (Ba et al., arXiv 1607.06450). The residual stream is fp32
whatever the products compute in: twelve blocks of fp16 sums would lose more than the products do.
"""

from collections.abc import Sequence

import torch
import triton
import triton.language as tl

from rfviewer_kernels.network.dependent import after_previous, launch_options, let_next_in

_WARPS = 2
_MAX_STAGES = 4


@triton.jit
def _normalized(value, used, weight, bias, column, epsilon, WIDTH: tl.constexpr):
    """Return LayerNorm of one row in fp32; lanes beyond WIDTH are 0 in `value`."""
    mean = tl.sum(value, axis=0) / WIDTH
    centred = tl.where(used, value - mean, 0.0)
    variance = tl.sum(centred * centred, axis=0) / WIDTH
    scale = tl.load(weight + column, mask=used, other=0.0).to(tl.float32)
    shift = tl.load(bias + column, mask=used, other=0.0).to(tl.float32)
    return centred * (1.0 / tl.sqrt(variance + epsilon)) * scale + shift


@triton.jit
def _add_norm_kernel(
    branch,
    residual,
    weight,
    bias,
    stream,
    normed,
    epsilon,
    WIDTH: tl.constexpr,
    LANES: tl.constexpr,
    POST: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    after_previous(DEPENDENT)
    row = tl.program_id(0).to(tl.int64) * WIDTH
    column = tl.arange(0, LANES)
    used = column < WIDTH
    value = tl.load(branch + row + column, mask=used, other=0.0).to(tl.float32)
    value += tl.load(residual + row + column, mask=used, other=0.0)
    result = _normalized(value, used, weight, bias, column, epsilon, WIDTH)
    let_next_in(DEPENDENT)
    tl.store(stream + row + column, result if POST else value, mask=used)
    tl.store(normed + row + column, result.to(normed.dtype.element_ty), mask=used)


def add_norm(
    branch: torch.Tensor, residual: torch.Tensor, norm: torch.nn.LayerNorm, *, post: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Add a branch to the residual stream and normalise.

    Args:
        branch: (..., C), contiguous; what a product gave.
        residual: (..., C) fp32, contiguous.
        norm: LayerNorm over C.
        post: the stream goes on with the normalised values (as in the decoder), not with the sum.

    Returns:
        (stream, normed): fp32, and the normalised values in the type of `branch`.
    """
    width = branch.shape[-1]
    stream, normed = torch.empty_like(residual), torch.empty_like(branch)
    _add_norm_kernel[(branch.numel() // width,)](
        branch,
        residual,
        norm.weight,
        norm.bias,
        stream,
        normed,
        norm.eps,
        WIDTH=width,
        LANES=triton.next_power_of_2(width),
        POST=post,
        num_warps=_WARPS,
        **launch_options(),
    )
    return stream, normed


@triton.jit
def _embed_norm_kernel(
    patches,
    table,
    weight,
    bias,
    stream,
    normed,
    tokens,
    table_rows,
    epsilon,
    WIDTH: tl.constexpr,
    LANES: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    after_previous(DEPENDENT)
    row = tl.program_id(0).to(tl.int64)
    window, token = row // tokens, row % tokens
    column = tl.arange(0, LANES)
    used = column < WIDTH
    value = tl.load(table + (row % table_rows) * WIDTH + column, mask=used, other=0.0)
    patch = window * (tokens - 1) + token - 1
    is_patch = used & (token > 0)
    value += tl.load(patches + patch * WIDTH + column, mask=is_patch, other=0.0).to(tl.float32)
    result = _normalized(value, used, weight, bias, column, epsilon, WIDTH)
    let_next_in(DEPENDENT)
    tl.store(stream + row * WIDTH + column, value, mask=used)
    tl.store(normed + row * WIDTH + column, result.to(normed.dtype.element_ty), mask=used)


def embed_norm(
    patches: torch.Tensor, table: torch.Tensor, norm: torch.nn.LayerNorm
) -> tuple[torch.Tensor, torch.Tensor]:
    """Put a class token before the patches, add positions, and normalise for the first block.

    Args:
        patches: (B * W, T - 1, C) patch embeddings of W windows an image, contiguous.
        table: (W * T, C) fp32: a window's first row is class token plus its position, the others
            are the positions of its patches.
        norm: LayerNorm over C.

    Returns:
        (stream, normed): (B * W, T, C) fp32 and the type of `patches`.
    """
    batch, patch_count, width = patches.shape
    tokens = patch_count + 1
    stream = torch.empty(batch, tokens, width, dtype=torch.float32, device=patches.device)
    normed = torch.empty(batch, tokens, width, dtype=patches.dtype, device=patches.device)
    _embed_norm_kernel[(batch * tokens,)](
        patches,
        table,
        norm.weight,
        norm.bias,
        stream,
        normed,
        tokens,
        table.shape[0],
        norm.eps,
        WIDTH=width,
        LANES=triton.next_power_of_2(width),
        num_warps=_WARPS,
        **launch_options(),
    )
    return stream, normed


@triton.jit
def _stacked_norm_kernel(
    first,
    second,
    third,
    fourth,
    weight,
    bias,
    out,
    rows,
    columns,
    windows,
    epsilon,
    WIDTH: tl.constexpr,
    LANES: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    after_previous(DEPENDENT)
    row, stage = tl.program_id(0).to(tl.int64), tl.program_id(1)
    image, place = row // (rows * columns), row % (rows * columns)
    y, x = place // columns, place % columns
    high, wide = rows // windows, columns // windows
    window = (image * windows + y // high) * windows + x // wide
    token = window * (high * wide + 1) + 1 + (y % high) * wide + x % wide
    source = first
    if stage == 1:
        source = second
    elif stage == 2:
        source = third
    elif stage == 3:
        source = fourth
    column = tl.arange(0, LANES)
    used = column < WIDTH
    value = tl.load(source + token * WIDTH + column, mask=used, other=0.0)
    result = _normalized(value, used, weight, bias, column, epsilon, WIDTH)
    target = out + (row * tl.num_programs(1) + stage) * WIDTH
    let_next_in(DEPENDENT)
    tl.store(target + column, result.to(out.dtype.element_ty), mask=used)


def stacked_norm(
    stages: Sequence[torch.Tensor],
    norm: torch.nn.LayerNorm,
    dtype: torch.dtype,
    grid_hw: tuple[int, int],
    windows: int = 1,
) -> torch.Tensor:
    """Normalise the patch tokens of several blocks and lay them side by side, windows undone.

    Args:
        stages: one to four residual streams (B * windows^2, T, C) fp32; token 0 is left out.
        norm: LayerNorm over C, the same for all.
        dtype: of the result.
        grid_hw: patches of the image, h and w.
        windows: windows a side; each holds h / windows x w / windows patches, row by row.

    Returns:
        (B, h * w, stages * C).
    """
    if not 1 <= len(stages) <= _MAX_STAGES:
        raise ValueError(f"one to {_MAX_STAGES} stages can be stacked, got {len(stages)}")
    batch, width = stages[0].shape[0] // windows**2, stages[0].shape[2]
    patches = grid_hw[0] * grid_hw[1]
    out = torch.empty(batch, patches, len(stages) * width, dtype=dtype, device=stages[0].device)
    pointers = [*stages, *[stages[0]] * (_MAX_STAGES - len(stages))]
    _stacked_norm_kernel[(batch * patches, len(stages))](
        *pointers,
        norm.weight,
        norm.bias,
        out,
        *grid_hw,
        windows,
        norm.eps,
        WIDTH=width,
        LANES=triton.next_power_of_2(width),
        num_warps=_WARPS,
        **launch_options(),
    )
    return out


@triton.jit
def _norm_kernel(
    x,
    x_row,
    weight,
    bias,
    out,
    out_row,
    epsilon,
    WIDTH: tl.constexpr,
    LANES: tl.constexpr,
    SILU: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    after_previous(DEPENDENT)
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, LANES)
    used = column < WIDTH
    value = tl.load(x + row * x_row + column, mask=used, other=0.0).to(tl.float32)
    result = _normalized(value, used, weight, bias, column, epsilon, WIDTH)
    if SILU:
        result = result / (1.0 + tl.exp(-result))
    let_next_in(DEPENDENT)
    tl.store(out + row * out_row + column, result.to(out.dtype.element_ty), mask=used)


def norm_rows(
    x: torch.Tensor,
    norm: torch.nn.Module,
    *,
    silu: bool = False,
    out: torch.Tensor | None = None,
    dtype: torch.dtype | None = None,
) -> torch.Tensor:
    """Return LayerNorm, with `silu` also SiLU, of the rows of `x`.

    Args:
        x: (rows, C), columns side by side; rows may lie apart.
        norm: has `weight`, `bias` and `eps`.
        silu: apply x * sigmoid(x) to the result.
        out: (rows, C) to write to, rows may lie apart; None allocates.
        dtype: of a new result; that of `x` by default.
    """
    rows, width = x.shape
    if out is None:
        out = torch.empty(rows, width, dtype=dtype or x.dtype, device=x.device)
    _norm_kernel[(rows,)](
        x,
        x.stride(0),
        norm.weight,
        norm.bias,
        out,
        out.stride(0),
        norm.eps,
        WIDTH=width,
        LANES=triton.next_power_of_2(width),
        SILU=silu,
        num_warps=_WARPS,
        **launch_options(),
    )
    return out
