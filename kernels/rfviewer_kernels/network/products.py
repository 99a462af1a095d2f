"""Matrix products with an epilogue that the libraries do not offer.

fp16 and bf16 operands with fp32 sums; fp32 operands are multiplied in full precision unless tf32 is
allowed. Small products (batch 1) fill a large GPU only with small tiles.
"""

import torch
import triton
import triton.language as tl

_FEW_ROWS, _WIDE = 256, 1024
_SQRT_HALF = tl.constexpr(0.7071067811865476)


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
def _linear_gelu_kernel(
    x,
    weight,
    bias,
    residual,
    out,
    rows,
    columns,
    DEPTH: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    STEP: tl.constexpr,
    ADD: tl.constexpr,
    PRECISION: tl.constexpr,
):
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    k = tl.arange(0, STEP)
    row_inside = (row < rows)[:, None]
    column_inside = column < columns
    at_x = x + row[:, None] * DEPTH + k[None, :]
    at_weight = weight + column[None, :] * DEPTH + k[:, None]
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for start in range(0, DEPTH, STEP):
        left = tl.load(at_x + start, mask=row_inside & (start + k < DEPTH)[None, :], other=0.0)
        right = tl.load(
            at_weight + start,
            mask=column_inside[None, :] & (start + k < DEPTH)[:, None],
            other=0.0,
        )
        total = tl.dot(left, right, total, input_precision=PRECISION)
    total += tl.load(bias + column, mask=column_inside, other=0.0).to(tl.float32)[None, :]
    at = row[:, None] * columns + column[None, :]
    inside = row_inside & column_inside[None, :]
    total = _gelu(total)
    if ADD:
        total += tl.load(residual + at, mask=inside, other=0.0).to(tl.float32)
    tl.store(out + at, total.to(out.dtype.element_ty), mask=inside)


def linear_gelu(
    x: torch.Tensor,
    linear: torch.nn.Linear,
    residual: torch.Tensor | None = None,
    *,
    tile: tuple[int, int, int, int, int] | None = None,
) -> torch.Tensor:
    """Return GELU(x W^T + b), plus `residual` if that is given.

    Args:
        x: (..., K), contiguous.
        linear: K to N.
        residual: (..., N), contiguous.
        tile: rows, columns and depth of a step, warps, stages; None chooses by the number of rows.

    Returns:
        (..., N), new.
    """
    depth, columns = x.shape[-1], linear.out_features
    rows = x.numel() // depth
    block_rows, block_columns, step, warps, stages = tile or _tile(rows, columns)
    out = torch.empty(*x.shape[:-1], columns, dtype=x.dtype, device=x.device)
    grid = (triton.cdiv(rows, block_rows), triton.cdiv(columns, block_columns))
    _linear_gelu_kernel[grid](
        x,
        linear.weight,
        linear.bias,
        x if residual is None else residual,
        out,
        rows,
        columns,
        DEPTH=depth,
        ROWS=block_rows,
        COLUMNS=block_columns,
        STEP=step,
        ADD=residual is not None,
        PRECISION=input_precision(x.dtype),
        num_warps=warps,
        num_stages=stages,
    )
    return out


def _tile(rows: int, columns: int) -> tuple[int, int, int, int, int]:
    """Return the tile measured fastest (packaging/gpu/tune.py, docs/OPTIMIZATION_LOG.md N9)."""
    if rows <= _FEW_ROWS:
        return (16, 64, 64, 4, 3)
    return (64, 128, 64, 8, 3) if columns >= _WIDE else (64, 64, 64, 4, 3)


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
):
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
    _query_pixels_kernel[(triton.cdiv(size, columns), batch)](
        queries,
        query_row,
        pixels,
        out,
        count,
        size,
        DEPTH=depth,
        ROWS=max(16, triton.next_power_of_2(count)),
        COLUMNS=columns,
        STEP=step,
        PRECISION=input_precision(pixels.dtype),
        num_warps=warps,
        num_stages=stages,
    )
    return out
