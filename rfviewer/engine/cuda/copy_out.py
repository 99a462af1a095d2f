"""From a finished slot to detections on the host: out of pinned memory, or copied late.

Streamed: the slot itself has brought a fixed table and the bytes of the mask regions into pinned
memory; reading costs microseconds and no wait. Late: the reference of `fixed_copy` and
`pinned_output`; the host learns the count first, or takes pageable copies, both after the slot is
done and blocking.
"""

from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from rfviewer.detections import Detections, InstanceMasks, Places, RegionMasks
from rfviewer.engine.cuda.buffers import SeatBuffers
from rfviewer.engine.cuda.frame_format import FrameFormat
from rfviewer.engine.cuda.records import (
    HEADER_WORDS,
    RECORD_WORDS,
    REGION_WORDS,
    Records,
    ResultTable,
    read_records,
    region_layout,
)
from rfviewer.frame import U8Array
from rfviewer.optimizations import Optimizations


class ResultReader(Protocol):
    """Makes detections of a slot that is done. Engine thread."""

    def read(self, threshold: float) -> Detections:
        """Return new detections above `threshold`.

        Raises:
            EngineError: the raw outputs are invalid.
        """

    @property
    def d2h_ms(self) -> float | None:
        """How long the last `read` copied from the device; None when the slot did it itself."""

    @property
    def started(self) -> torch.cuda.Event | None:
        """Recorded before that copy; None when the slot did it itself."""


class StreamedReader:
    """Reads the pinned table and the pinned mask stream."""

    d2h_ms = None
    started = None

    def __init__(self, frame: FrameFormat, buffers: SeatBuffers) -> None:
        if buffers.host_results is None:
            raise ValueError("the slot brings no table to the host")
        self._frame = frame
        words: NDArray[np.int32] = buffers.host_results.flat.numpy()
        self._table = ResultTable(words, buffers.results.max_records)
        self._stream: U8Array | None = None
        if buffers.masks is not None and buffers.masks.stream is not None:
            self._stream = buffers.masks.stream.numpy().view(np.uint8)

    def read(self, threshold: float) -> Detections:
        """Return new detections above `threshold`."""
        records = read_records(self._table, threshold)
        masks = None
        if self._stream is not None:
            masks = region_masks(records, self._stream, self._frame)
        return Detections(records.boxes_xyxy, records.scores, records.class_ids, masks)


class LateReader:
    """Copies table and masks after the slot is done, on the slot's stream."""

    def __init__(
        self,
        frame: FrameFormat,
        buffers: SeatBuffers,
        stream: torch.cuda.Stream,
        wanted: Optimizations,
    ) -> None:
        self._frame = frame
        self._buffers = buffers
        self._stream = stream
        self._fixed = wanted.fixed_copy
        self._pinned = wanted.pinned_output
        self._packed = wanted.packed_masks
        self.started, self._end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        self.d2h_ms: float | None = None

    def read(self, threshold: float) -> Detections:
        """Return new detections above `threshold`; blocks."""
        with torch.cuda.stream(self._stream):
            self.started.record()
            words = self._fixed_table() if self._fixed else self._exact_table()
            table = ResultTable(words, self._buffers.results.max_records)
            records = read_records(table, threshold)
            masks = self._masks(records)
            self._end.record()
        self._end.synchronize()
        self.d2h_ms = self.started.elapsed_time(self._end)
        return Detections(records.boxes_xyxy, records.scores, records.class_ids, masks)

    def _fixed_table(self) -> NDArray[np.int32]:
        table: NDArray[np.int32] = self._to_host(self._buffers.results.flat)
        return table

    def _exact_table(self) -> NDArray[np.int32]:
        """Return the table after learning the counts: only what is valid crosses the bus."""
        results = self._buffers.results
        header = self._to_host(results.header)
        count, planes = int(header[0]), int(header[2])
        words = np.zeros(results.flat.numel(), np.int32)
        words[:HEADER_WORDS] = header
        records = self._to_host(results.records[:count])
        words[HEADER_WORDS : HEADER_WORDS + count * RECORD_WORDS] = records.ravel()
        first = HEADER_WORDS + results.max_records * RECORD_WORDS
        regions = self._to_host(results.regions[:planes])
        words[first : first + planes * REGION_WORDS] = regions.ravel()
        return words

    def _masks(self, records: Records) -> InstanceMasks | None:
        masks = self._buffers.masks
        if masks is None:
            return None
        if masks.stream is not None:
            words = self._to_host(masks.stream[: records.streamed // 4])
            return region_masks(records, words.view(np.uint8), self._frame)
        planes = self._to_host(masks.planes[: len(records.regions)])
        tight = region_layout(records.regions).regions_xyxy[records.planes]
        # Indexing copies, so that two classes of one query do not share a plane.
        data = planes[records.planes]
        return InstanceMasks(data, tight, self._frame.width, self._frame.height, self._packed)

    def _to_host(self, tensor: torch.Tensor) -> Any:  # noqa: ANN401 - an array of its type
        """Return a new array with the values of `tensor`; waits for the slot's stream."""
        if not self._pinned:
            return tensor.cpu().numpy()
        pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        pinned.copy_(tensor, non_blocking=True)
        self._stream.synchronize()
        return pinned.numpy().copy()


def region_masks(records: Records, stream: U8Array, frame: FrameFormat) -> RegionMasks:
    """Return the masks of `records`, with a copy of the bytes they use.

    Where each lies in them is found out by the first who asks, on that thread.
    """
    count = len(records.planes)
    # As many planes as records: a query each, in the same order, so there is nothing to look up.
    planes = None if len(records.regions) == count else records.planes
    used = stream[: records.streamed].copy()
    places = partial(_places, records.regions, planes)
    return RegionMasks.placed_later(used, places, count, frame.width, frame.height)


def _places(regions: NDArray[np.int32], planes: NDArray[np.int32] | None) -> Places:
    """Return start and region of each mask; `planes` names its plane where some share one."""
    layout = region_layout(regions)
    if planes is None:
        return layout.starts, layout.regions_xyxy
    return layout.starts[planes], layout.regions_xyxy[planes]
