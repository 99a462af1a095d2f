"""One frame's place in a slot: its buffers, and the way of its results to the host."""

import ctypes
import time

import numpy as np
import torch

from rfviewer.config import View
from rfviewer.engine.cuda.buffers import NOTHING, SeatBuffers
from rfviewer.engine.cuda.clock import TimeBase
from rfviewer.engine.cuda.copy_out import LateReader, ResultReader, StreamedReader
from rfviewer.engine.cuda.frame_format import FrameFormat
from rfviewer.engine.cuda.outcome import SeatOutcome
from rfviewer.engine.cuda.overlay import SlotOverlay
from rfviewer.engine.objects import through_objects
from rfviewer.engine.ranges import Ranges
from rfviewer.errors import EngineError
from rfviewer.frame import Frame, U8Array
from rfviewer.optimizations import Optimizations
from rfviewer.timing import Stage

_EVERYTHING = -1.0
"""A threshold that every score passes: the device keeps the best K."""


class Seat:
    """Takes one frame after the other. Engine thread."""

    def __init__(
        self,
        frame_format: FrameFormat,
        buffers: SeatBuffers,
        stream: torch.cuda.Stream,
        wanted: Optimizations,
        overlay: SlotOverlay | None,
    ) -> None:
        """`overlay` draws on `stream`, the slot's; None where the device cannot draw."""
        self._format = frame_format
        self._buffers = buffers
        self._overlay = overlay
        self._wanted = wanted
        self._reader: ResultReader = (
            LateReader(frame_format, buffers, stream, wanted)
            if buffers.host_results is None
            else StreamedReader(frame_format, buffers)
        )
        self._image: U8Array | None = None
        self._threshold = 0.0
        self._view: View | None = None

    def use_ranges(self, ranges: Ranges) -> None:
        """Put a range around the drawing."""
        if self._overlay is not None:
            self._overlay.use_ranges(ranges)

    @property
    def is_pageable(self) -> bool:
        """Whether `copy_pageable` brings the frame to the device, not a stage of the slot."""
        return self._buffers.pinned_input is None

    def write(self, frame: Frame, threshold: float, overlay: View | None) -> None:
        """Take `frame`: the host's part of the copy. The frame must stay until it is read."""
        self._threshold, self._view = threshold, overlay
        pinned = self._buffers.pinned_input
        if pinned is None:
            self._image = frame.image
        else:
            pinned.write(self._format.picture(frame), self._device_threshold)

    def leave_empty(self) -> None:
        """Let the next pass find nothing here."""
        self._image = self._view = None
        if self._buffers.pinned_input is not None:
            self._buffers.pinned_input.leave_empty()

    def copy_pageable(self) -> None:
        """Bring the frame from its own memory: the host waits until it is read."""
        target = self._buffers.device_input
        if self._image is None:
            target.threshold.fill_(NOTHING)
            return
        target.image.copy_(torch.from_numpy(_writable(self._image)))
        target.threshold.fill_(self._device_threshold)
        self._image = None

    def draw(self) -> None:
        """Put the overlay, if one is wanted, on the slot's stream, which is the current one."""
        if self._overlay is None:
            return
        self._overlay.clear()
        if self._view is not None:
            self._overlay.enqueue(self._view)

    def warm_up(self) -> None:
        """Load what reading and drawing need; the slot has run on its stream, the current one."""
        self._reader.read(1.0)
        if self._overlay is not None:
            self._overlay.warm_up()

    def capture(self) -> None:
        """Record the drawing as a graph.

        Raises:
            RuntimeError: it cannot be captured.
        """
        if self._overlay is not None:
            self._overlay.capture()

    def read(self, base: TimeBase, seen_done_ns: int) -> SeatOutcome | EngineError:
        """Return what came out; the slot is done since `seen_done_ns`.

        An error where the raw outputs are invalid.

        Raises:
            RuntimeError: the device failed.
        """
        reader, overlay = self._reader, self._overlay
        composited = None
        try:
            detections = reader.read(self._threshold)
        except EngineError as error:
            return error
        if not self._wanted.direct_detections:
            detections = through_objects(detections)
        if overlay is not None:
            composited = overlay.take()
        done_time_ns = time.monotonic_ns()
        work = [] if overlay is None else overlay.work(base)
        if reader.d2h_ms is not None and reader.started is not None:
            at = base.time_ms(reader.started)
            work.append((Stage.D2H, at, at + reader.d2h_ms))
            seen_done_ns = done_time_ns
        if overlay is not None:
            overlay.clear()
        return SeatOutcome(detections, composited, work, seen_done_ns, done_time_ns)

    @property
    def _device_threshold(self) -> float:
        return self._threshold if self._wanted.limit_masks else _EVERYTHING


def _writable(image: U8Array) -> U8Array:
    """Return a view of the same memory that torch takes without a warning; nobody writes to it."""
    if image.flags.writeable:
        return image
    pointer = ctypes.cast(image.ctypes.data, ctypes.POINTER(ctypes.c_uint8))
    view: U8Array = np.ctypeslib.as_array(pointer, image.shape)
    return view
