"""From the fixed result table in host memory to detections. Needs no torch.

The table's layout is that of `rfviewer_kernels.records`. What is returned lies in new memory: the
slot's is written again by the next frame. All this runs once a frame, on the engine thread, over a
few dozen rows: there a call of numpy costs more than what it computes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rfviewer.errors import EngineError

HEADER_WORDS, RECORD_WORDS, REGION_WORDS = 8, 8, 4
"""Words of int32 of the header, of a record and of a region."""
_HEADER_USED = 5
"""Words of the header that say something."""
CHUNK_BYTES = 512
"""Every plane starts at a multiple of it in the mask stream."""
_INVALID = {1: "pred_logits", 2: "pred_boxes", 4: "pred_masks"}
"""Bits of the header's fourth word: which raw output holds NaN or infinity."""


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
    """(P, 4) region of each of those planes, P == planes.max() + 1."""
    streamed: int
    """Bytes of the mask stream that they use, padding included; 0 without a stream."""


class ResultTable:
    """The table in host memory, with views that are made once for every frame that comes there."""

    __slots__ = ("header", "records", "regions")

    def __init__(self, words: NDArray[np.int32], max_records: int) -> None:
        """`words` is the whole table for `max_records` records, K; nothing is copied."""
        first = HEADER_WORDS + max_records * RECORD_WORDS
        self.header = words[:_HEADER_USED]
        self.records = words[HEADER_WORDS:first].reshape(max_records, RECORD_WORDS)
        self.regions = words[first:].reshape(max_records, REGION_WORDS)


def read_records(table: ResultTable, threshold: float) -> Records:
    """Return what the table holds above `threshold`.

    The device has selected already, unless all candidates were asked for (the reference of
    `limit_masks`): then the filter happens here. Records are sorted, so it keeps a prefix.

    Args:
        table: a frame's, complete.
        threshold: scores above it are kept, strictly, compared in fp32.

    Raises:
        EngineError: the raw outputs hold NaN or infinity.
    """
    count, _, planes, invalid, streamed = table.header.tolist()
    if invalid:
        names = " and ".join(name for bit, name in _INVALID.items() if invalid & bit)
        raise EngineError(
            f"The model output is invalid ({names} holds NaN or infinity);"
            " try precision fp32 or export the model again."
        )
    rows = table.records[:count].copy()
    floats = rows.view(np.float32)
    kept, cut = count, np.float32(threshold)
    if count and floats[-1, 0] <= cut:
        kept = int(np.count_nonzero(floats[:, 0] > cut))
        rows, floats = rows[:kept], floats[:kept]
        # Planes are numbered by first appearance.
        planes = int(rows[:, 7].max()) + 1 if kept else 0
    regions = table.regions[:planes].copy()
    if streamed and kept < count:
        streamed = region_layout(regions).size
    return Records(floats[:, 3:7], floats[:, 0], rows[:, 1], rows[:, 7], regions, streamed)


@dataclass(slots=True, eq=False)
class RegionLayout:
    """Where the bytes of each plane's region lie in the mask stream."""

    regions_xyxy: NDArray[np.int32]
    """(P, 4) half-open; all 0 for an empty mask."""
    starts: NDArray[np.int64]
    """(P,) byte offset of each."""
    size: int
    """Bytes of all of them, padding included."""


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
    size = int(starts[-1]) if len(starts) else 0
    starts -= aligned
    return RegionLayout(regions, starts, size)
