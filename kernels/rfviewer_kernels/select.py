"""Select and decode in two launches: raw logits and boxes to the fixed-size record table.

The first, one program a query, keeps `score > threshold` (strict) and appends what passes to one
list, in any order. The second, one program, ranks the list by (score descending, flat index
ascending), so ties of fp16 logits fall as in a stable sort; only when more than K pairs pass does
it bisect the K best first. Boxes are decoded in fp32. Semantics: rfdetr 1.11.2 PostProcess.

A pair is one int64 key, score bits above, 2^n - 1 - flat index below. Scores are not negative, so a
greater key is a better pair; no two are equal, and none is 0.
"""

import torch
import triton
import triton.language as tl
from triton.language.extra import libdevice

from rfviewer_kernels.checks import check
from rfviewer_kernels.records import INVALID_BOXES, INVALID_LOGITS, Results
from rfviewer_kernels.select_workspace import SelectWorkspace
from rfviewer_kernels.timestamps import check_stamp, stamp_beginning

_INTERPRETED = tl.constexpr(bool(triton.knobs.runtime.interpret))
_ONE_BITS = tl.constexpr(0x3F800000)  # float32 1.0: no score has more
_RANK_CHUNK = tl.constexpr(32)
_SCAN_CHUNK = tl.constexpr(2048)
_INFINITY = tl.constexpr(float("inf"))
_BAD_LOGITS = tl.constexpr(INVALID_LOGITS)
_BAD_BOXES = tl.constexpr(INVALID_BOXES)


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
def _flat_index(key, INDEX_BITS: tl.constexpr):
    LAST: tl.constexpr = (1 << INDEX_BITS) - 1
    return -(key & LAST).to(tl.int32) + LAST


@triton.jit
def _candidates_kernel(
    logits,
    boxes,
    threshold,
    tallies,
    candidates,
    stamp,
    logits_stride,
    boxes_stride,
    STAMPED: tl.constexpr,
    CLASSES: tl.constexpr,
    INDEX_BITS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    stamp_beginning(stamp, STAMPED)
    query = tl.program_id(0)
    column = tl.arange(0, BLOCK)
    inside = column < CLASSES
    logit = tl.load(logits + query * logits_stride + column, mask=inside, other=0.0).to(tl.float32)
    box = tl.load(boxes + query * boxes_stride + tl.arange(0, 4)).to(tl.float32)
    score = _sigmoid(logit)
    keep = inside & (score > tl.load(threshold))
    # NaN would only look like nothing found; the host refuses a frame with a flag.
    bad_logits = tl.max((inside & ~(tl.abs(logit) < _INFINITY)).to(tl.int32), axis=0)
    bad_boxes = tl.max((~(tl.abs(box) < _INFINITY)).to(tl.int32), axis=0)
    flags = bad_logits * _BAD_LOGITS + bad_boxes * _BAD_BOXES
    if flags > 0:
        tl.atomic_or(tallies + 1, flags, sem="relaxed")
    found = tl.sum(keep.to(tl.int32), axis=0)
    if found > 0:
        place = tl.atomic_add(tallies, found, sem="relaxed")
        slot = place + tl.cumsum(keep.to(tl.int32), axis=0) - 1
        index = query * CLASSES + column
        LAST: tl.constexpr = (1 << INDEX_BITS) - 1
        bits = score.to(tl.int32, bitcast=True).to(tl.int64)
        key = (bits << INDEX_BITS) | (-index + LAST).to(tl.int64)
        tl.store(candidates + slot, key, mask=keep)


@triton.jit
def _keep_best(candidates, passed, threshold, MAX_RECORDS: tl.constexpr, INDEX_BITS: tl.constexpr):
    """Move the K best of more than K candidates to the front of the list, in any order."""
    lane = tl.arange(0, _SCAN_CHUNK)
    # count(key >= low) >= K > count(key >= high); every pair that passed is above the threshold
    low_bits = tl.maximum(tl.load(threshold).to(tl.int32, bitcast=True), 0)
    low = low_bits.to(tl.int64) << INDEX_BITS
    high = (low * 0 + _ONE_BITS + 1) << INDEX_BITS
    while high - low > 1:
        middle = (low + high) // 2
        above = tl.zeros((_SCAN_CHUNK,), tl.int32)
        for start in range(0, passed, _SCAN_CHUNK):
            key = tl.load(candidates + start + lane, mask=start + lane < passed, other=0)
            above += (key >= middle).to(tl.int32)
        found = tl.sum(above, axis=0)
        low = tl.where(found >= MAX_RECORDS, middle, low)
        high = tl.where(found >= MAX_RECORDS, high, middle)
        high = tl.where(found == MAX_RECORDS, low + 1, high)  # exactly K: the cut is found
    base = passed * 0
    for start in range(0, passed, _SCAN_CHUNK):
        key = tl.load(candidates + start + lane, mask=start + lane < passed, other=0)
        keep = (key >= low).to(tl.int32)
        tl.debug_barrier()  # slots never pass what was read, but lie inside this chunk
        tl.store(candidates + base + tl.cumsum(keep, axis=0) - 1, key, mask=keep > 0)
        base += tl.sum(keep, axis=0)
    tl.debug_barrier()


@triton.jit
def _rank_kernel(
    boxes,
    threshold,
    tallies,
    candidates,
    firsts,
    counts,
    records,
    plane_queries,
    pairs,
    boxes_stride,
    frame_w,
    frame_h,
    CLASSES: tl.constexpr,
    MAX_RECORDS: tl.constexpr,
    INDEX_BITS: tl.constexpr,
    ROWS: tl.constexpr,
):
    row = tl.arange(0, ROWS)
    chunk = tl.arange(0, _RANK_CHUNK)
    passed = tl.load(tallies)
    flags = tl.load(tallies + 1)
    mine = tl.load(candidates + row, mask=row < pairs, other=0)  # does not wait for the count
    if passed > MAX_RECORDS:
        _keep_best(candidates, passed, threshold, MAX_RECORDS, INDEX_BITS)
        mine = tl.load(candidates + row, mask=row < MAX_RECORDS, other=0)
    count = tl.minimum(passed, passed * 0 + MAX_RECORDS)
    valid = row < count
    mine = tl.where(valid, mine, 0)
    flat = _flat_index(mine, INDEX_BITS)
    query = tl.where(valid, flat // CLASSES, 0)
    box_at = boxes + query * boxes_stride
    cx = tl.load(box_at, mask=valid, other=0.0).to(tl.float32)
    cy = tl.load(box_at + 1, mask=valid, other=0.0).to(tl.float32)
    w = tl.load(box_at + 2, mask=valid, other=0.0).to(tl.float32)
    h = tl.load(box_at + 3, mask=valid, other=0.0).to(tl.float32)

    # A tile is others x rows, so with a warp for 32 rows each thread sums its own column alone.
    rank = tl.zeros((ROWS,), tl.int32)
    best = tl.zeros((ROWS,), tl.int64)  # the best key of the row's query
    for start in range(0, count, _RANK_CHUNK):
        other = tl.load(candidates + start + chunk, mask=start + chunk < count, other=0)
        rank += tl.sum((other[:, None] > mine[None, :]).to(tl.int32), axis=0)
        other_query = _flat_index(other, INDEX_BITS) // CLASSES
        same = other_query[:, None] == query[None, :]
        best = tl.maximum(best, tl.max(tl.where(same, other[:, None], 0), axis=0))
    is_first = valid & (best == mine)
    tl.store(firsts + row, tl.where(is_first, mine, 0), mask=valid)
    tl.debug_barrier()
    plane = tl.zeros((ROWS,), tl.int32)
    planes = tl.zeros((ROWS,), tl.int32)  # their number, the same in every row
    for start in range(0, count, _RANK_CHUNK):
        first = tl.load(firsts + start + chunk, mask=start + chunk < count, other=0)
        plane += tl.sum((first[:, None] > best[None, :]).to(tl.int32), axis=0)
        planes += tl.sum((first[:, None] > 0 * best[None, :]).to(tl.int32), axis=0)

    tl.store(plane_queries + plane, query, mask=is_first)
    half_w = 0.5 * tl.maximum(w, 0.0)
    half_h = 0.5 * tl.maximum(h, 0.0)
    # Rows beyond the count are zeroed in place: ranks of the valid ones fill 0..count-1.
    at = records + tl.where(valid, rank, row) * 8
    stored = row < MAX_RECORDS
    score_bits = (mine >> INDEX_BITS).to(tl.int32)
    x1 = _clamped((cx - half_w) * frame_w, frame_w).to(tl.int32, bitcast=True)
    y1 = _clamped((cy - half_h) * frame_h, frame_h).to(tl.int32, bitcast=True)
    x2 = _clamped((cx + half_w) * frame_w, frame_w).to(tl.int32, bitcast=True)
    y2 = _clamped((cy + half_h) * frame_h, frame_h).to(tl.int32, bitcast=True)
    tl.store(at, score_bits, mask=stored)
    tl.store(at + 1, tl.where(valid, flat % CLASSES, 0), mask=stored)
    tl.store(at + 2, query, mask=stored)
    tl.store(at + 3, tl.where(valid, x1, 0), mask=stored)
    tl.store(at + 4, tl.where(valid, y1, 0), mask=stored)
    tl.store(at + 5, tl.where(valid, x2, 0), mask=stored)
    tl.store(at + 6, tl.where(valid, y2, 0), mask=stored)
    tl.store(at + 7, tl.where(valid, plane, 0), mask=stored)
    tl.store(counts, count)
    tl.store(counts + 1, passed)
    tl.store(counts + 2 + row, planes, mask=row == 0)
    tl.store(counts + 3, flags)
    # Every warp read them before the barrier above; the next select starts from zero.
    tl.store(tallies + tl.arange(0, 2), tl.zeros((2,), tl.int32))


def select(
    logits: torch.Tensor,
    boxes: torch.Tensor,
    threshold: torch.Tensor,
    results: Results,
    workspace: SelectWorkspace,
    *,
    frame_wh: tuple[int, int],
    stamp: torch.Tensor | None = None,
    candidate_warps: int = 1,
    rank_warps: int | None = None,
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
        stamp: (1,) int64 on the device or in pinned host memory: written with the device's time, in
            ns, when the first program begins (timestamps.py).
        candidate_warps: warps of each of the Q programs of the first launch.
        rank_warps: warps of the one program of the second; None takes one for 32 records.

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
    pairs, rows, keys = queries * classes, results.max_records, (torch.int64,)
    check("candidates", workspace.candidates, (pairs,), keys, device=logits.device)
    check("firsts", workspace.firsts, (rows,), keys, device=logits.device)
    check("results", results.flat, (None,), (torch.int32,), device=logits.device)
    check_stamp(stamp, logits.device)
    index_bits = pairs.bit_length()  # so that no key is 0
    block = triton.next_power_of_2(rows)
    _candidates_kernel[(queries,)](
        logits,
        boxes,
        threshold,
        workspace.tallies,
        workspace.candidates,
        workspace.firsts if stamp is None else stamp,
        logits.stride(1),
        boxes.stride(1),
        STAMPED=stamp is not None,
        CLASSES=classes,
        INDEX_BITS=index_bits,
        BLOCK=triton.next_power_of_2(classes),
        num_warps=candidate_warps,
        enable_fp_fusion=False,
    )
    _rank_kernel[(1,)](
        boxes,
        threshold,
        workspace.tallies,
        workspace.candidates,
        workspace.firsts,
        results.counts,
        results.records,
        workspace.plane_queries,
        pairs,
        boxes.stride(1),
        float(frame_wh[0]),
        float(frame_wh[1]),
        CLASSES=classes,
        MAX_RECORDS=rows,
        INDEX_BITS=index_bits,
        ROWS=block,
        num_warps=rank_warps or min(max(block // 32, 1), 16),
        enable_fp_fusion=False,
    )
