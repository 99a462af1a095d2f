"""What the decoder needs besides products and norms: proposals and reference boxes.

Formulas: rfdetr 1.11.2 models/transformer.py and models/ops (Zhu et al., Deformable DETR, arXiv
2010.04159; Liu et al., DAB-DETR, arXiv 2201.12329). Boxes are fp32 throughout.
"""

import torch
import triton
import triton.language as tl

from rfviewer_kernels.network.dependent import after_previous, launch_options, let_next_in

_PROGRAM_ROWS, _REFINE_ROWS = 16, 32


@triton.jit
def _rank_kernel(
    scores, out, tokens, keep, ROWS: tl.constexpr, LANES: tl.constexpr, DEPENDENT: tl.constexpr
):
    after_previous(DEPENDENT)
    image = tl.program_id(1).to(tl.int64)
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    other = tl.arange(0, LANES)
    at = scores + image * tokens
    mine = tl.load(at + row, mask=row < tokens, other=float("-inf")).to(tl.float32)[:, None]
    theirs = tl.load(at + other, mask=other < tokens, other=float("-inf")).to(tl.float32)[None, :]
    # NaN counts as the least, so that every rank is taken once whatever the scores hold.
    mine = tl.where(mine == mine, mine, float("-inf"))
    theirs = tl.where(theirs == theirs, theirs, float("-inf"))
    before = (theirs > mine) | ((theirs == mine) & (other[None, :] < row[:, None]))
    rank = tl.sum(before.to(tl.int32), axis=1)
    let_next_in(DEPENDENT)
    tl.store(out + image * keep + rank, row, mask=(row < tokens) & (rank < keep))


def top_tokens(scores: torch.Tensor, keep: int) -> torch.Tensor:
    """Return the tokens of the `keep` largest scores, descending; of equal ones the first first.

    Each token counts those before it: no sort, and the order of ties is fixed, unlike torch.topk's.

    Args:
        scores: (B, T), contiguous.
        keep: at most T.

    Returns:
        (B, keep) int64; NaN counts as the least score.
    """
    batch, tokens = scores.shape
    if keep > tokens:
        raise ValueError(f"{keep} of {tokens} tokens cannot be kept")
    out = torch.empty(batch, keep, dtype=torch.int64, device=scores.device)
    grid = (triton.cdiv(tokens, _PROGRAM_ROWS), batch)
    _rank_kernel[grid](
        scores,
        out,
        tokens,
        keep,
        ROWS=_PROGRAM_ROWS,
        LANES=triton.next_power_of_2(tokens),
        **launch_options(),
    )
    return out


@triton.jit
def _refine_kernel(
    delta,
    delta_row,
    anchors,
    chosen,
    out,
    rows,
    SELECT: tl.constexpr,
    ROWS: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    after_previous(DEPENDENT)
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    inside = row < rows
    anchor = row
    if SELECT:
        anchor = tl.load(chosen + row, mask=inside, other=0)
    at = anchors + anchor * 4
    x = tl.load(at, mask=inside, other=0.0)
    y = tl.load(at + 1, mask=inside, other=0.0)
    w = tl.load(at + 2, mask=inside, other=0.0)
    h = tl.load(at + 3, mask=inside, other=0.0)
    change = delta + row * delta_row
    dx = tl.load(change, mask=inside, other=0.0).to(tl.float32)
    dy = tl.load(change + 1, mask=inside, other=0.0).to(tl.float32)
    dw = tl.load(change + 2, mask=inside, other=0.0).to(tl.float32)
    dh = tl.load(change + 3, mask=inside, other=0.0).to(tl.float32)
    let_next_in(DEPENDENT)
    tl.store(out + row * 4, dx * w + x, mask=inside)
    tl.store(out + row * 4 + 1, dy * h + y, mask=inside)
    tl.store(out + row * 4 + 2, tl.exp(dw) * w, mask=inside)
    tl.store(out + row * 4 + 3, tl.exp(dh) * h, mask=inside)


def refine_boxes(
    delta: torch.Tensor, anchors: torch.Tensor, chosen: torch.Tensor | None = None
) -> torch.Tensor:
    """Return boxes moved by `delta` relative to their size: c + d * s, s * exp(d).

    Args:
        delta: (B, Q, 4 or more), rows may be padded; the first four count.
        anchors: (B, Q, 4) fp32 cx, cy, w, h; with `chosen` (T, 4), one for each token.
        chosen: (B, Q) int64 tokens; None takes the anchors in order.

    Returns:
        (B, Q, 4) fp32.
    """
    batch, queries, width = delta.shape
    out = torch.empty(batch, queries, 4, dtype=torch.float32, device=delta.device)
    rows = batch * queries
    _refine_kernel[(triton.cdiv(rows, _REFINE_ROWS),)](
        delta,
        width,
        anchors,
        anchors if chosen is None else chosen,
        out,
        rows,
        SELECT=chosen is not None,
        ROWS=_REFINE_ROWS,
        num_warps=1,
        **launch_options(),
    )
    return out


@triton.jit
def _anchor_kernel(
    delta,
    delta_row,
    proposals,
    chosen,
    learned,
    boxes,
    waves,
    queries,
    HALF: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    after_previous(DEPENDENT)
    row = tl.program_id(0)
    query = row % queries
    token = tl.load(chosen + row)
    part = tl.arange(0, 4)
    lane = tl.arange(0, HALF)
    # x and y of the centre move by the size, w and h grow by the exponential; first by what the
    # network says of the token, then by what the query has learned.
    size_part = 2 + part % 2
    size = tl.load(proposals + token * 4 + size_part)
    change = tl.load(delta + row * delta_row + part).to(tl.float32)
    size_change = tl.load(delta + row * delta_row + size_part).to(tl.float32)
    place = tl.load(proposals + token * 4 + part)
    is_size = part >= 2
    value = tl.where(is_size, tl.exp(change) * size, change * size + place)
    size = tl.exp(size_change) * size
    more = tl.load(learned + query * 4 + part).to(tl.float32)
    value = tl.where(is_size, tl.exp(more) * value, more * size + value)
    tl.store(boxes + row * 4 + part, value)
    # Sine embedding, in the order y, x, w, h; pairs of sine and cosine share a wave length.
    order = tl.where(part < 2, 1 - part, part)
    # 2 pi / 10000^(2 i / HALF), as a power of two: log2(10000) = 13.287712379549449.
    rate = 6.283185307179586 * tl.exp2((lane // 2) * (-2.0 * 13.287712379549449 / HALF))
    angle = value[:, None] * rate[None, :]
    wave = tl.where((lane % 2 == 0)[None, :], tl.sin(angle), tl.cos(angle))
    at = waves + row * (4 * HALF) + order[:, None] * HALF + lane[None, :]
    let_next_in(DEPENDENT)
    tl.store(at, wave.to(waves.dtype.element_ty))


def anchor_boxes(
    delta: torch.Tensor,
    proposals: torch.Tensor,
    chosen: torch.Tensor,
    learned: torch.Tensor,
    half: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the reference boxes of the queries and their sine embedding.

    Args:
        delta: (B, Q, 4 or more) what the box head says of the chosen tokens.
        proposals: (T, 4) fp32 box of each token.
        chosen: (B, Q) int64 tokens.
        learned: (Q, 4) learned change of each query.
        half: width of the embedding of one number, a power of two.

    Returns:
        boxes (B, Q, 4) fp32 and embedding (B, Q, 4 * half) in the type of `delta`.
    """
    batch, queries, width = delta.shape
    boxes = torch.empty(batch, queries, 4, dtype=torch.float32, device=delta.device)
    waves = torch.empty(batch, queries, 4 * half, dtype=delta.dtype, device=delta.device)
    _anchor_kernel[(batch * queries,)](
        delta,
        width,
        proposals,
        chosen,
        learned,
        boxes,
        waves,
        queries,
        HALF=half,
        num_warps=4,
        **launch_options(),
    )
    return boxes, waves
