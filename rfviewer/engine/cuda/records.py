"""From the fixed result table in host memory to detections. Needs no torch.

The table's layout is that of `rfviewer_kernels.records`. Everything returned is a new array: the
slot's memory is written again by the next frame.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rfviewer.errors import EngineError

HEADER_WORDS, RECORD_WORDS, REGION_WORDS = 4, 8, 4
"""Words of int32 of the header, of a record and of a region."""
CHUNK_BYTES = 512
"""Every plane starts at a multiple of it in the mask stream."""
CHECK_WORD = 3
"""Header word that holds the sum of the class logits, as float32 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """The detections of a frame, without their mask bits."""

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
    if not math.isfinite(words[CHECK_WORD : CHECK_WORD + 1].view(np.float32)[0]):
        raise EngineError(
            "The model output is invalid (pred_logits holds NaN or infinity);"
            " try precision fp32 or export the model again."
        )
    count, _, planes, _ = words[:HEADER_WORDS].tolist()
    end = HEADER_WORDS + count * RECORD_WORDS
    rows = words[HEADER_WORDS:end].reshape(count, RECORD_WORDS).copy()
    scores = rows.view(np.float32)[:, 0]
    cut = np.float32(threshold)
    if count and scores[-1] <= cut:
        rows = rows[: int(np.count_nonzero(scores > cut))]
    floats = rows.view(np.float32)
    first = HEADER_WORDS + max_records * RECORD_WORDS
    regions = words[first : first + planes * REGION_WORDS].reshape(planes, REGION_WORDS).copy()
    return Records(
        boxes_xyxy=floats[:, 3:7].copy(),
        scores=floats[:, 0].copy(),
        class_ids=rows[:, 1].copy(),
        planes=rows[:, 7].copy(),
        regions=regions,
    )


@dataclass(frozen=True, slots=True, eq=False)
class RegionLayout:
    """Where the bytes of each plane's region lie in the mask stream."""

    regions_xyxy: NDArray[np.int32]
    """(P, 4) half-open; all 0 for an empty mask."""
    starts: NDArray[np.int64]
    """(P,) byte offset of each."""
    used_bytes: int
    """Length of the part of the stream that holds all of them."""


def region_layout(regions: NDArray[np.int32]) -> RegionLayout:
    """Return where the planes of `regions`, (P, 4), lie: the rule of the mask_stream kernel.

    The same as `rfviewer_kernels.mask_stream.stream_layout` in a third of the time: this runs once
    a frame.
    """
    if not len(regions):
        return RegionLayout(regions, np.zeros(0, np.int64), 0)
    empty = regions[:, 2] <= regions[:, 0]
    if empty.any():
        regions = np.where(empty[:, None], np.int32(0), regions)
    x0, y0, x1, y1 = regions.T
    sizes = (y1 - y0) * (((x1 + 7) >> 3) - (x0 >> 3))
    chunks = (sizes + (CHUNK_BYTES - 1)) // CHUNK_BYTES
    starts = (np.cumsum(chunks, dtype=np.int64) - chunks) * CHUNK_BYTES
    return RegionLayout(regions, starts, int(starts[-1] + sizes[-1]))
