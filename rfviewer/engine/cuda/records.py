"""From the fixed result table in host memory to detections. Needs no torch.

The table's layout is that of `rfviewer_kernels.records`. Everything returned is a new array: the
slot's memory is written again by the next frame.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rfviewer.errors import EngineError

HEADER_WORDS, RECORD_WORDS, REGION_WORDS = 4, 8, 4
"""Words of int32 of the header, of a record and of a region."""
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
    if not np.isfinite(words[CHECK_WORD : CHECK_WORD + 1].view(np.float32)[0]):
        raise EngineError(
            "The model output is invalid (pred_logits holds NaN or infinity);"
            " try precision fp32 or export the model again."
        )
    count, _, planes = (int(word) for word in words[:CHECK_WORD])
    end = HEADER_WORDS + max_records * RECORD_WORDS
    rows = words[HEADER_WORDS:end].reshape(max_records, RECORD_WORDS)[:count].copy()
    scores = rows[:, 0].view(np.float32)
    keep = int(np.count_nonzero(scores > np.float32(threshold)))
    rows, floats = rows[:keep], rows[:keep].view(np.float32)
    regions = words[end : end + planes * REGION_WORDS].reshape(planes, REGION_WORDS)
    return Records(
        boxes_xyxy=floats[:, 3:7].copy(),
        scores=floats[:, 0].copy(),
        class_ids=rows[:, 1].copy(),
        planes=rows[:, 7].copy(),
        regions=regions.copy(),
    )
