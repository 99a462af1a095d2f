"""Deformable attention: each query samples a few places of the features.

Formula: rfdetr 1.11.2 models/ops (Zhu et al., Deformable DETR, arXiv 2010.04159).
"""

import torch
import triton
import triton.language as tl

from rfviewer_kernels.network.dependent import after_previous, launch_options, let_next_in


@triton.jit
def _sample_kernel(
    values,
    value_token,
    steering,
    steering_row,
    boxes,
    out,
    queries,
    height,
    width,
    HEADS: tl.constexpr,
    POINTS: tl.constexpr,
    CHANNELS: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    after_previous(DEPENDENT)
    row = tl.program_id(0).to(tl.int64)
    image = row // queries
    channel = tl.arange(0, CHANNELS)
    head = channel // (CHANNELS // HEADS)
    steer = steering + row * steering_row
    logits = steer + HEADS * POINTS * 2 + head * POINTS
    best = tl.load(logits).to(tl.float32)
    for point in tl.static_range(1, POINTS):
        best = tl.maximum(best, tl.load(logits + point).to(tl.float32))
    x = tl.load(boxes + row * 4)
    y = tl.load(boxes + row * 4 + 1)
    reach_x = tl.load(boxes + row * 4 + 2) * (0.5 / POINTS)
    reach_y = tl.load(boxes + row * 4 + 3) * (0.5 / POINTS)
    base = values + image * height * width * value_token + channel
    total = tl.zeros((CHANNELS,), tl.float32)
    norm = tl.zeros((CHANNELS,), tl.float32)
    for point in tl.static_range(POINTS):
        share = tl.exp(tl.load(logits + point).to(tl.float32) - best)
        norm += share
        offset = steer + (head * POINTS + point) * 2
        at_x = (x + tl.load(offset).to(tl.float32) * reach_x) * width - 0.5
        at_y = (y + tl.load(offset + 1).to(tl.float32) * reach_y) * height - 0.5
        # Far outside counts as just outside: an int cannot hold what a box of nonsense gives.
        at_x = tl.minimum(tl.maximum(at_x, -2.0), width + 1.0)
        at_y = tl.minimum(tl.maximum(at_y, -2.0), height + 1.0)
        left, top = tl.floor(at_x), tl.floor(at_y)
        lx, ly = at_x - left, at_y - top
        x0, y0 = left.to(tl.int32), top.to(tl.int32)
        for corner in tl.static_range(4):
            cx, cy = x0 + corner % 2, y0 + corner // 2
            weight = (lx if corner % 2 else 1.0 - lx) * (ly if corner // 2 else 1.0 - ly)
            inside = (cx >= 0) & (cx < width) & (cy >= 0) & (cy < height)
            value = tl.load(base + (cy * width + cx) * value_token, mask=inside, other=0.0)
            total += share * weight * value.to(tl.float32)
    let_next_in(DEPENDENT)
    tl.store(out + row * CHANNELS + channel, (total / norm).to(out.dtype.element_ty))


def sample_values(
    values: torch.Tensor,
    steering: torch.Tensor,
    boxes: torch.Tensor,
    size_hw: tuple[int, int],
    *,
    heads: int,
    points: int,
) -> torch.Tensor:
    """Return the deformable attention of each query: a weighted sum of few sampled values.

    Args:
        values: (B, H * W, C), channels side by side, tokens may lie apart; C a power of two.
        steering: (B * Q, heads * points * 3): offsets x, y of every head and point, then the logits
            of their weights; columns side by side, rows may lie apart.
        boxes: (B, Q, 4) fp32 cx, cy, w, h; offsets count in half boxes.
        size_hw: H and W.
        heads: parts of the channels that are sampled apart.
        points: samples of each head.

    Returns:
        (B, Q, C), new. Outside of the values is 0.
    """
    batch, queries, _ = boxes.shape
    channels, columns = values.shape[2], steering.shape[1]
    if channels != triton.next_power_of_2(channels) or columns != heads * points * 3:
        raise ValueError(f"{heads} heads of {points} points do not fit {columns} columns")
    out = torch.empty(batch, queries, channels, dtype=steering.dtype, device=steering.device)
    _sample_kernel[(batch * queries,)](
        values,
        values.stride(1),
        steering,
        steering.stride(0),
        boxes,
        out,
        queries,
        *size_hw,
        HEADS=heads,
        POINTS=points,
        CHANNELS=channels,
        num_warps=4,
        **launch_options(),
    )
    return out
