"""Matrix products with an epilogue, in tiles for the few rows of a single frame.

fp16 and bf16 operands with fp32 sums; fp32 operands are multiplied in full precision unless tf32 is
allowed. A program keeps a few tiles in flight and leaves most of a multiprocessor to others: alone
such a product takes as long as the library's, which give each program a multiprocessor of its own,
and several streams at once get more done (docs/OPTIMIZATION_LOG.md, N10).
"""

from typing import Literal

import torch
import triton
import triton.language as tl

from rfviewer_kernels.fitting import launch_fitting
from rfviewer_kernels.network.dependent import after_previous, launch_options, let_next_in

_FEW_ROWS, _MANY_ROWS = 256, 2048
_WIDE, _DEEP = 1024, 1024
_SQRT_HALF = tl.constexpr(0.7071067811865476)

Activation = Literal["none", "relu", "gelu"]


@triton.jit
def _gelu(value):
    """Return the exact GELU, x * Phi(x) (Hendrycks and Gimpel, arXiv 1606.08415)."""
    return 0.5 * value * (1.0 + tl.erf(value * _SQRT_HALF))


def input_precision(dtype: torch.dtype) -> str:
    """Return how Triton multiplies operands of that type, by torch's own setting for products."""
    if dtype is torch.float32 and not torch.backends.cuda.matmul.allow_tf32:
        return "ieee"
    return "tf32"


@triton.jit
def _linear_kernel(
    x,
    weight,
    bias,
    residual,
    out,
    rows,
    columns,
    x_stride,
    residual_stride,
    out_stride,
    DEPTH: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    STEP: tl.constexpr,
    BIAS: tl.constexpr,
    ACTIVATION: tl.constexpr,
    ADD: tl.constexpr,
    PRECISION: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    after_previous(DEPENDENT)
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    k = tl.arange(0, STEP)
    row_inside = (row < rows)[:, None]
    column_inside = column < columns
    at_x = x + row[:, None] * x_stride + k[None, :]
    at_weight = weight + column[None, :] * DEPTH + k[:, None]
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for start in range(0, DEPTH, STEP):
        left_inside, right_inside = row_inside, column_inside[None, :]
        if DEPTH % STEP:
            left_inside &= (start + k < DEPTH)[None, :]
            right_inside &= (start + k < DEPTH)[:, None]
        left = tl.load(at_x + start, mask=left_inside, other=0.0)
        right = tl.load(at_weight + start, mask=right_inside, other=0.0)
        total = tl.dot(left, right, total, input_precision=PRECISION)
    if BIAS:
        total += tl.load(bias + column, mask=column_inside, other=0.0).to(tl.float32)[None, :]
    if ACTIVATION == "relu":
        total = tl.maximum(total, 0.0)
    if ACTIVATION == "gelu":
        total = _gelu(total)
    inside = row_inside & column_inside[None, :]
    if ADD:
        at = residual + row[:, None] * residual_stride + column[None, :]
        total += tl.load(at, mask=inside, other=0.0).to(tl.float32)
    at = out + row[:, None] * out_stride + column[None, :]
    let_next_in(DEPENDENT)
    tl.store(at, total.to(out.dtype.element_ty), mask=inside)


def linear(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    *,
    activation: Activation = "none",
    add: torch.Tensor | None = None,
    out: torch.Tensor | None = None,
    tile: tuple[int, int, int, int, int] | None = None,
) -> torch.Tensor:
    """Return activation(x W^T + b), plus `add` if that is given.

    Args:
        x: (..., K), contiguous, or (M, K) with rows apart.
        weight: (N, K), contiguous, of the type of `x`.
        bias: (N,).
        activation: what comes between the bias and `add`.
        add: (M, N), rows may lie apart.
        out: (M, N) that receives the result, rows may lie apart; it may be `add`.
        tile: rows, columns and depth of a step, warps, stages; None chooses by the size.

    Returns:
        (..., N): `out`, or a new one.

    Raises:
        ValueError: for a wrong shape, type or stride.
    """
    columns, depth = weight.shape
    rows = x.numel() // depth
    folded = x.dim() == 2 or x.is_contiguous()
    if x.shape[-1] != depth or x.stride(-1) != 1 or not folded or not weight.is_contiguous():
        raise ValueError(f"x {tuple(x.shape)} and weight {tuple(weight.shape)} do not fit")
    if x.dtype != weight.dtype:
        raise ValueError(f"x is {x.dtype}, the weight {weight.dtype}")
    if out is None:
        out = torch.empty(*x.shape[:-1], columns, dtype=x.dtype, device=x.device)
    for other in (out, add):
        if other is not None and (other.shape[-1] != columns or other.stride(-1) != 1):
            raise ValueError(f"a result of {columns} columns does not fit {tuple(other.shape)}")
    block_rows, block_columns, step, warps, stages = tile or _tile(rows, columns, depth)
    grid = (triton.cdiv(rows, block_rows), triton.cdiv(columns, block_columns))
    launch_fitting(
        ("linear", x.device, x.dtype, block_rows, block_columns, step, warps),
        stages,
        lambda fitting: _linear_kernel[grid](
            x,
            weight,
            weight if bias is None else bias,
            weight if add is None else add,
            out,
            rows,
            columns,
            x.stride(0) if x.dim() == 2 else depth,
            columns if add is None else add.stride(-2),
            out.stride(-2),
            DEPTH=depth,
            ROWS=block_rows,
            COLUMNS=block_columns,
            STEP=step,
            BIAS=bias is not None,
            ACTIVATION=activation,
            ADD=add is not None,
            PRECISION=input_precision(x.dtype),
            num_warps=warps,
            num_stages=fitting,
            **launch_options(),
        ),
    )
    return out


def _tile(rows: int, columns: int, depth: int) -> tuple[int, int, int, int, int]:
    """Return the tile measured best alone and beside others (packaging/gpu/tune_products.py)."""
    if rows <= _FEW_ROWS:
        return (32, 64, 64, 4, 4) if columns >= _WIDE else (16, 32, 64, 2, 4)
    if columns >= _WIDE:
        return (64, 128, 64, 8, 3)
    if depth >= _DEEP:
        return (64, 32, 128, 4, 3)
    return (64, 64, 64, 4, 3) if rows >= _MANY_ROWS else (64, 32, 64, 4, 4)


@triton.jit
def _query_pixels_kernel(
    queries,
    query_row,
    pixels,
    out,
    count,
    size,
    DEPTH: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    STEP: tl.constexpr,
    PRECISION: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    after_previous(DEPENDENT)
    image = tl.program_id(1).to(tl.int64)
    row = tl.arange(0, ROWS)
    column = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    k = tl.arange(0, STEP)
    row_inside, column_inside = row < count, column < size
    at_query = queries + (image * count + row[:, None]) * query_row + k[None, :]
    at_pixel = pixels + (image * size + column[None, :]) * DEPTH + k[:, None]
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for start in range(0, DEPTH, STEP):
        left = tl.load(at_query + start, mask=row_inside[:, None], other=0.0)
        right = tl.load(at_pixel + start, mask=column_inside[None, :], other=0.0)
        total = tl.dot(left, right, total, input_precision=PRECISION)
    shift = tl.load(queries + (image * count + row) * query_row + DEPTH, mask=row_inside, other=0.0)
    total += shift.to(tl.float32)[:, None]
    at_out = out + (image * count + row[:, None]) * size + column[None, :]
    inside = row_inside[:, None] & column_inside[None, :]
    let_next_in(DEPENDENT)
    tl.store(at_out, total.to(out.dtype.element_ty), mask=inside)


def query_pixels(
    queries: torch.Tensor, pixels: torch.Tensor, *, tile: tuple[int, int, int, int] = (64, 64, 8, 3)
) -> torch.Tensor:
    """Return the product of every query with every pixel, plus a shift for each query.

    Args:
        queries: (B, Q, C + 1 or more), contiguous: C factors, then the shift; C a multiple of 64.
        pixels: (B, P, C), contiguous.
        tile: pixels of a program, depth of a step, warps, stages.

    Returns:
        (B, Q, P), new.
    """
    batch, count, query_row = queries.shape
    _, size, depth = pixels.shape
    columns, step, warps, stages = tile
    if depth % step or query_row <= depth:
        raise ValueError(f"queries of {query_row} columns do not fit pixels of {depth} channels")
    out = torch.empty(batch, count, size, dtype=pixels.dtype, device=pixels.device)
    rows = max(16, triton.next_power_of_2(count))
    launch_fitting(
        ("query_pixels", pixels.device, pixels.dtype, rows, columns, step, warps),
        stages,
        lambda fitting: _query_pixels_kernel[(triton.cdiv(size, columns), batch)](
            queries,
            query_row,
            pixels,
            out,
            count,
            size,
            DEPTH=depth,
            ROWS=rows,
            COLUMNS=columns,
            STEP=step,
            PRECISION=input_precision(pixels.dtype),
            num_warps=warps,
            num_stages=fitting,
            **launch_options(),
        ),
    )
    return out
