"""From the fixed result table in host memory to detections. Needs no torch.

The table's layout is that of `rfviewer_kernels.records`. What is returned lies in new memory: the
slot's is written again by the next frame. All this runs once a frame, on the engine thread, over a
few dozen rows: there a call of numpy costs more than what it computes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rfviewer.errors import EngineError

HEADER_WORDS, RECORD_WORDS, REGION_WORDS = 4, 8, 4
"""Words of int32 of the header, of a record and of a region."""
CHUNK_BYTES = 512
"""Every plane starts at a multiple of it in the mask stream."""
_INVALID = {1: "pred_logits", 2: "pred_boxes", 4: "pred_masks"}
"""Bits of the header's last word: which raw output holds NaN or infinity."""


@dataclass(slots=True, eq=False)
class Records:
    """The detections of a frame, without their mask bits. Columns of one array, not contiguous."""

    boxes_xyxy: NDArray[np.float32]
    """(N, 4) px."""
    scores: NDArray[np.float32]
    """(N,)."""
    class_ids: NDArray[np.int32]
    """(N,)."""
    planes: NDArray[np.int32]
    """(N,) mask plane of each; several classes of one query share a plane."""
    regions: NDArray[np.int32]
    """(P, 4) region of each plane that the device made, P >= planes.max() + 1."""


def read_records(words: NDArray[np.int32], max_records: int, threshold: float) -> Records:
    """Return what the table holds above `threshold`.

    The device has selected already, unless all candidates were asked for (the reference of
    `limit_masks`): then the filter happens here. Records are sorted, so it keeps a prefix.

    Args:
        words: the whole table for `max_records` records.
        max_records: K.
        threshold: scores above it are kept, strictly, compared in fp32.

    Raises:
        EngineError: the raw outputs hold NaN or infinity.
    """
    count, _, planes, invalid = words[:HEADER_WORDS].tolist()
    if invalid:
        names = " and ".join(name for bit, name in _INVALID.items() if invalid & bit)
        raise EngineError(
            f"The model output is invalid ({names} holds NaN or infinity);"
            " try precision fp32 or export the model again."
        )
    end = HEADER_WORDS + count * RECORD_WORDS
    rows = words[HEADER_WORDS:end].copy().reshape(count, RECORD_WORDS)
    floats = rows.view(np.float32)
    cut = np.float32(threshold)
    if count and floats[-1, 0] <= cut:
        kept = int(np.count_nonzero(floats[:, 0] > cut))
        rows, floats = rows[:kept], floats[:kept]
    first = HEADER_WORDS + max_records * RECORD_WORDS
    regions = words[first : first + planes * REGION_WORDS].copy().reshape(planes, REGION_WORDS)
    return Records(floats[:, 3:7], floats[:, 0], rows[:, 1], rows[:, 7], regions)


def used_bytes(regions: NDArray[np.int32]) -> int:
    """Return how long the part of the stream is that holds the planes of `regions`, (P, 4).

    What the engine thread has to know at once; `region_layout` can wait. In plain numbers, since
    for a few dozen planes ten calls of numpy take twice as long.
    """
    start = end = 0
    for x0, y0, x1, y1 in regions.tolist():
        end = start
        if x1:  # the right end of an empty mask is 0
            end += (y1 - y0) * (((x1 + 7) >> 3) - (x0 >> 3))
            start = (end + (CHUNK_BYTES - 1)) & -CHUNK_BYTES
    return end


@dataclass(slots=True, eq=False)
class RegionLayout:
    """Where the bytes of each plane's region lie in the mask stream."""

    regions_xyxy: NDArray[np.int32]
    """(P, 4) half-open; all 0 for an empty mask."""
    starts: NDArray[np.int64]
    """(P,) byte offset of each."""


def region_layout(regions: NDArray[np.int32]) -> RegionLayout:
    """Return where the planes of `regions`, (P, 4), lie: the rule of the mask_stream kernel.

    The same as `rfviewer_kernels.mask_stream.stream_layout` in a third of the time.
    """
    if not regions[:, 2].all():
        regions = np.where(regions[:, 2:3] > 0, regions, np.int32(0))
    x0, y0, x1, y1 = regions.T
    sizes = (y1 - y0) * (((x1 + 7) >> 3) - (x0 >> 3))
    aligned = (sizes + (CHUNK_BYTES - 1)) & -CHUNK_BYTES
    starts = aligned.cumsum(dtype=np.int64)
    starts -= aligned
    return RegionLayout(regions, starts)
