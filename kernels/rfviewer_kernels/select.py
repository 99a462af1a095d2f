"""Select and decode in one launch: raw logits and boxes to the fixed-size record table.

One program sees all Q * C scores. It keeps `score > threshold` (strict), and only when more than K
pairs pass does it bisect the K-th largest score; survivors are ranked by (score descending, flat
index ascending), so ties of fp16 logits fall as in a stable sort. Boxes are decoded in fp32.
Source of the semantics: rfdetr 1.11.2 PostProcess.
"""

from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice

from rfviewer_kernels.checks import check
from rfviewer_kernels.records import INVALID_BOXES, INVALID_LOGITS, Results

_INTERPRETED = tl.constexpr(bool(triton.knobs.runtime.interpret))
_ONE_BITS = tl.constexpr(0x3F800000)  # float32 1.0: no score has more
_MAX_INDEX = tl.constexpr(0x7FFFFFFF)
_RANK_CHUNK = tl.constexpr(32)
_INFINITY = tl.constexpr(float("inf"))
_BAD_LOGITS = tl.constexpr(INVALID_LOGITS)
_BAD_BOXES = tl.constexpr(INVALID_BOXES)


@dataclass(frozen=True)
class SelectWorkspace:
    """Scratch of one select in flight; never shared between streams."""

    keys: torch.Tensor
    """(K,) int64, survivors in flat order: score bits << 32 | (2^31 - 1 - flat index)."""
    owners: torch.Tensor
    """(Q,) int32, the best rank of each query."""
    plane_of_rank: torch.Tensor
    """(K,) int32."""
    plane_queries: torch.Tensor
    """(K,) int32, the query behind each mask plane: what the mask kernel reads."""

    @classmethod
    def allocate(cls, queries: int, max_records: int, device: torch.device) -> "SelectWorkspace":
        """Return buffers for Q queries and K records."""
        return cls(
            torch.zeros(max_records, dtype=torch.int64, device=device),
            torch.zeros(queries, dtype=torch.int32, device=device),
            torch.zeros(max_records, dtype=torch.int32, device=device),
            torch.zeros(max_records, dtype=torch.int32, device=device),
        )


@triton.jit
def _sigmoid(x):
    # Accurate exp and IEEE division, as torch's own sigmoid on CUDA: scores are bit-equal.
    if _INTERPRETED:  # noqa: SIM108 - the branch not taken must not compile
        e = tl.exp(-x)
    else:
        e = libdevice.exp(-x)
    return tl.div_rn(1.0, 1.0 + e)


@triton.jit
def _clamped(value, limit):
    return tl.minimum(tl.maximum(value, 0.0), limit)


@triton.jit
def _select_kernel(
    logits,
    boxes,
    threshold,
    counts,
    records,
    keys,
    owners,
    plane_of_rank,
    plane_queries,
    pairs,
    num_queries,
    logits_stride,
    boxes_stride,
    frame_w,
    frame_h,
    CLASSES: tl.constexpr,
    MAX_RECORDS: tl.constexpr,
    BLOCK: tl.constexpr,
    ROWS: tl.constexpr,
    QUERIES: tl.constexpr,
):
    index = tl.arange(0, BLOCK)
    inside = index < pairs
    at = logits + (index // CLASSES) * logits_stride + index % CLASSES
    logit = tl.load(at, mask=inside, other=0.0).to(tl.float32)
    # NaN would only look like nothing found; the host refuses a frame with a flag.
    bad_logits = tl.sum((inside & ~(tl.abs(logit) < _INFINITY)).to(tl.int32), axis=0)
    score = _sigmoid(logit)
    bits = score.to(tl.int32, bitcast=True)
    keep = inside & (score > tl.load(threshold))
    passed = tl.sum(keep.to(tl.int32), axis=0)
    if passed > MAX_RECORDS:
        low = passed * 0
        high = low + _ONE_BITS + 1
        while high - low > 1:  # count(bits >= low) >= K > count(bits >= high)
            middle = (low + high) // 2
            if tl.sum((keep & (bits >= middle)).to(tl.int32), axis=0) >= MAX_RECORDS:
                low = middle
            else:
                high = middle
        above = keep & (bits > low)
        tied = (keep & (bits == low)).to(tl.int32)
        taken = tl.sum(above.to(tl.int32), axis=0) + tl.cumsum(tied, axis=0)
        keep = above | ((tied > 0) & (taken <= MAX_RECORDS))
    count = tl.minimum(passed, passed * 0 + MAX_RECORDS)
    slot = tl.cumsum(keep.to(tl.int32), axis=0) - 1
    key = (bits.to(tl.int64) << 32) | (-index + _MAX_INDEX).to(tl.int64)
    tl.store(keys + slot, key, mask=keep)
    query_index = tl.arange(0, QUERIES)
    word = tl.arange(0, 4)
    there = (query_index < num_queries)[:, None] & (word >= 0)[None, :]
    box_at = boxes + query_index[:, None] * boxes_stride + word[None, :]
    box = tl.load(box_at, mask=there, other=0.0).to(tl.float32)
    bad_box = tl.sum((~(tl.abs(box) < _INFINITY)).to(tl.int32), axis=1)
    bad_boxes = tl.sum(bad_box, axis=0)
    tl.store(owners + query_index, query_index * 0 + _MAX_INDEX, mask=query_index < num_queries)
    tl.debug_barrier()

    row = tl.arange(0, ROWS)
    valid = row < count
    mine = tl.load(keys + row, mask=valid, other=0)
    rank = tl.zeros((ROWS,), tl.int32)
    for start in range(0, count, _RANK_CHUNK):
        other_row = start + tl.arange(0, _RANK_CHUNK)
        other = tl.load(keys + other_row, mask=other_row < count, other=0)
        rank += tl.sum((other[None, :] > mine[:, None]).to(tl.int32), axis=1)
    flat = -((mine & _MAX_INDEX).to(tl.int32)) + _MAX_INDEX
    query = tl.where(valid, flat // CLASSES, 0)
    tl.atomic_min(owners + query, rank, mask=valid)
    tl.debug_barrier()

    best_rank = tl.load(owners + query, mask=valid, other=0)
    is_first = valid & (best_rank == rank)
    tl.store(plane_of_rank + rank, is_first.to(tl.int32), mask=valid)
    tl.debug_barrier()

    by_rank = tl.load(plane_of_rank + row, mask=valid, other=0)
    planes = tl.sum(by_rank, axis=0)
    plane_by_rank = tl.cumsum(by_rank, axis=0) - 1
    tl.debug_barrier()  # every flag is read before it becomes a plane number
    tl.store(plane_of_rank + row, plane_by_rank, mask=valid)
    tl.debug_barrier()

    plane = tl.load(plane_of_rank + best_rank, mask=valid, other=0)
    tl.store(plane_queries + plane, query, mask=is_first)
    cx = tl.load(boxes + query * boxes_stride, mask=valid, other=0.0).to(tl.float32)
    cy = tl.load(boxes + query * boxes_stride + 1, mask=valid, other=0.0).to(tl.float32)
    half_w = 0.5 * tl.maximum(
        tl.load(boxes + query * boxes_stride + 2, mask=valid, other=0.0).to(tl.float32), 0.0
    )
    half_h = 0.5 * tl.maximum(
        tl.load(boxes + query * boxes_stride + 3, mask=valid, other=0.0).to(tl.float32), 0.0
    )
    # Rows beyond the count are zeroed in place: ranks of the valid ones fill 0..count-1.
    at = records + tl.where(valid, rank, row) * 8
    stored = row < MAX_RECORDS
    score_bits = (mine >> 32).to(tl.int32)
    x1 = _clamped((cx - half_w) * frame_w, frame_w).to(tl.int32, bitcast=True)
    y1 = _clamped((cy - half_h) * frame_h, frame_h).to(tl.int32, bitcast=True)
    x2 = _clamped((cx + half_w) * frame_w, frame_w).to(tl.int32, bitcast=True)
    y2 = _clamped((cy + half_h) * frame_h, frame_h).to(tl.int32, bitcast=True)
    tl.store(at, tl.where(valid, score_bits, 0), mask=stored)
    tl.store(at + 1, tl.where(valid, flat % CLASSES, 0), mask=stored)
    tl.store(at + 2, query, mask=stored)
    tl.store(at + 3, tl.where(valid, x1, 0), mask=stored)
    tl.store(at + 4, tl.where(valid, y1, 0), mask=stored)
    tl.store(at + 5, tl.where(valid, x2, 0), mask=stored)
    tl.store(at + 6, tl.where(valid, y2, 0), mask=stored)
    tl.store(at + 7, tl.where(valid, plane, 0), mask=stored)
    tl.store(counts, count)
    tl.store(counts + 1, passed)
    tl.store(counts + 2, planes)
    flags = (bad_logits > 0).to(tl.int32) * _BAD_LOGITS + (bad_boxes > 0).to(tl.int32) * _BAD_BOXES
    tl.store(counts + 3, flags)


def select(
    logits: torch.Tensor,
    boxes: torch.Tensor,
    threshold: torch.Tensor,
    results: Results,
    workspace: SelectWorkspace,
    *,
    frame_wh: tuple[int, int],
    warps: int = 16,
) -> None:
    """Enqueue select and decode on the current stream. No allocation, no sync.

    Args:
        logits: (1, Q, C) fp16 or fp32 class logits; rows may lie apart, as when the network
            computes them as columns of a wider product.
        boxes: (1, Q, 4) fp16 or fp32 normalised cx, cy, w, h, unclamped; rows may lie apart.
        threshold: (1,) float32 on the device, so that a captured graph follows a change.
        results: counts and records are overwritten; the regions belong to `masks`.
        workspace: scratch of this slot.
        frame_wh: frame width and height in pixels.
        warps: warps of the one program.

    Raises:
        ValueError: for a wrong shape, type, stride or device.
    """
    types = (torch.float16, torch.float32)
    check("logits", logits, (1, None, None), types, contiguous=False)
    _, queries, classes = logits.shape
    check("boxes", boxes, (1, queries, 4), types, contiguous=False, device=logits.device)
    if logits.stride(2) != 1 or boxes.stride(2) != 1:
        raise ValueError("logits and boxes must have their last dimension side by side")
    check("threshold", threshold, (1,), (torch.float32,), device=logits.device)
    check("owners", workspace.owners, (queries,), (torch.int32,), device=logits.device)
    check("keys", workspace.keys, (results.max_records,), (torch.int64,), device=logits.device)
    check("results", results.flat, (None,), (torch.int32,), device=logits.device)
    _select_kernel[(1,)](
        logits,
        boxes,
        threshold,
        results.counts,
        results.records,
        workspace.keys,
        workspace.owners,
        workspace.plane_of_rank,
        workspace.plane_queries,
        queries * classes,
        queries,
        logits.stride(1),
        boxes.stride(1),
        float(frame_wh[0]),
        float(frame_wh[1]),
        CLASSES=classes,
        MAX_RECORDS=results.max_records,
        BLOCK=triton.next_power_of_2(queries * classes),
        ROWS=triton.next_power_of_2(results.max_records),
        QUERIES=triton.next_power_of_2(queries),
        num_warps=warps,
        enable_fp_fusion=False,
    )
