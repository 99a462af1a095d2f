"""A slot on the GPU: every buffer, stage, graph and event of one frame in flight.

A slot has a stream of its own and is built for one frame format and one set of optimizations. From
submit to collect it belongs to one frame. Nothing of it leaves the engine: results are new arrays.
"""

import ctypes
import time
from dataclasses import dataclass

import numpy as np
import torch

from rfviewer.config import ResizeMode, View
from rfviewer.detections import Detections
from rfviewer.engine.cuda.buffers import SlotBuffers
from rfviewer.engine.cuda.clock import DeviceClock, TimeBase
from rfviewer.engine.cuda.copy_out import LateReader, ResultReader, StreamedReader
from rfviewer.engine.cuda.frame_format import FrameFormat
from rfviewer.engine.cuda.graph import grouped
from rfviewer.engine.cuda.network import BoundNetwork
from rfviewer.engine.cuda.overlay import SlotOverlay
from rfviewer.engine.cuda.spans import StageInterval
from rfviewer.engine.cuda.stages import SlotStages, Step
from rfviewer.engine.cuda.tables import FrameTables
from rfviewer.engine.objects import through_objects
from rfviewer.engine.ranges import Ranges
from rfviewer.frame import Frame, U8Array
from rfviewer.optimizations import Optimizations
from rfviewer.timing import Stage

_WARMUPS = 2
_EVERYTHING = -1.0
"""A threshold that every score passes: the device keeps the best K."""


@dataclass(slots=True, eq=False)
class SlotOutcome:
    """One frame after its slot is done."""

    frame: Frame
    threshold: float
    detections: Detections
    stages_ms: dict[Stage, float]
    work: list[StageInterval]
    """When the device worked on it, stage by stage."""
    infer_ms: tuple[float, float] | None
    """When the network ran."""
    submit_time_ns: int
    submitted_time_ns: int
    """When the host had enqueued everything."""
    collect_time_ns: int
    """When the host began to wait."""
    seen_done_ns: int
    """When the host saw that the slot is done."""
    done_time_ns: int
    composited: U8Array | None = None
    """BGRA (H, W, 4) with the overlay; None when it was not asked for."""
    overlay: View | None = None
    """The view it was drawn with."""


class Slot:
    """One frame in flight. Engine thread."""

    def __init__(
        self,
        frame_format: FrameFormat,
        bound: BoundNetwork,
        stream: torch.cuda.Stream,
        buffers: SlotBuffers,
        tables: FrameTables,
        wanted: Optimizations,
        resize: ResizeMode,
        overlay: SlotOverlay | None = None,
    ) -> None:
        self._buffers = buffers
        self._overlay = overlay
        self.lane = ""
        """Name of its lane in spans, set by the engine."""
        self.stream = stream
        """Everything of the slot runs on it."""
        self.tables = tables
        """Shared with other slots unless they are rebuilt for every frame."""
        self._wanted = wanted
        stages = SlotStages(frame_format, bound, stream, buffers, tables, wanted, resize)
        steps = stages.steps()
        if buffers.pinned_input is None:
            steps.insert(0, Step(Stage.H2D, self._copy_pageable, capturable=False))
        self._groups = grouped(steps, stream, waits=not wanted.event_waits)
        self._reader: ResultReader = (
            LateReader(frame_format, buffers, stream, wanted)
            if buffers.host_results is None
            else StreamedReader(frame_format, buffers)
        )
        self._done = torch.cuda.Event()
        self._outside = torch.cuda.default_stream(stream.device)
        self.frame: Frame | None = None
        """The frame in flight; None when the slot is free."""
        self._threshold = 0.0
        self._base: TimeBase | None = None
        self._submit_time_ns = 0
        self._submitted_time_ns = 0

    def use_ranges(self, ranges: Ranges) -> None:
        """Put ranges around what the host launches for a frame; again is once."""
        for group in self._groups:
            group.use_ranges(ranges)
        if self._overlay is not None:
            self._overlay.use_ranges(ranges)

    def warm_up(self, frame: Frame) -> None:
        """Run every stage on `frame`, which loads and compiles what they need, and wait."""
        for _ in range(_WARMUPS):
            self._write(frame, 1.0)
            with torch.cuda.stream(self.stream):
                for group in self._groups:
                    group.run()
            self.stream.synchronize()
            self._reader.read(1.0)
        if self._overlay is not None:
            with torch.cuda.stream(self.stream):
                self._overlay.warm_up()
        self.frame = None

    def capture(self) -> None:
        """Record every group that a graph can hold.

        Raises:
            RuntimeError: a stage cannot be captured.
        """
        with torch.cuda.stream(self.stream):
            for group in self._groups:
                if group.capturable:
                    group.capture()
            if self._overlay is not None:
                self._overlay.capture()

    def submit(
        self, frame: Frame, threshold: float, clock: DeviceClock, overlay: View | None = None
    ) -> None:
        """Start work on `frame`, drawn with `overlay` if that is given; the slot must be free."""
        self._submit_time_ns = time.monotonic_ns()
        self._write(frame, threshold)
        self._base = clock.base
        # Twice this in place of the context manager: 3 us instead of 15.
        torch.cuda.set_stream(self.stream)
        try:
            if not self._wanted.table_cache:
                self.tables.rebuild()
            for group in self._groups:
                group.run()
                if not self._wanted.event_waits:
                    self.stream.synchronize()
            if self._overlay is not None:
                self._overlay.clear()
                if overlay is not None:
                    self._overlay.enqueue(overlay)
            self._done.record(self.stream)
        finally:
            torch.cuda.set_stream(self._outside)
        self._submitted_time_ns = time.monotonic_ns()

    def collect(self) -> SlotOutcome:
        """Wait for the frame, free the slot and return what came out.

        Raises:
            EngineError: the raw outputs are invalid.
            RuntimeError: the device failed.
        """
        frame, base = self.frame, self._base
        if frame is None or base is None:
            raise RuntimeError("collect() of a free slot")
        self.frame = None
        collect_time_ns = time.monotonic_ns()
        self._done.synchronize()
        seen_done_ns = time.monotonic_ns()
        detections = self._reader.read(self._threshold)
        if not self._wanted.direct_detections:
            detections = through_objects(detections)
        drawn, composited = self._overlay, None
        if drawn is not None:
            composited = drawn.take()
        done_time_ns = time.monotonic_ns()
        stages_ms: dict[Stage, float] = {}
        work: list[StageInterval] = []
        infer_ms = None
        for group in self._groups:
            for item in group.work(base):
                stage, start, end = item
                stages_ms[stage] = end - start
                if stage is Stage.INFER:
                    infer_ms = (start, end)
                work.append(item)
        if self._reader.d2h_ms is not None and self._reader.started is not None:
            stages_ms[Stage.D2H] = self._reader.d2h_ms
            at = base.time_ms(self._reader.started)
            work.append((Stage.D2H, at, at + self._reader.d2h_ms))
            seen_done_ns = done_time_ns
        view = None
        if drawn is not None:
            for stage, start, end in drawn.work(base):
                stages_ms[stage] = stages_ms.get(stage, 0.0) + end - start
                work.append((stage, start, end))
            view = drawn.view
            drawn.clear()
        return SlotOutcome(
            frame,
            self._threshold,
            detections,
            stages_ms,
            work,
            infer_ms,
            self._submit_time_ns,
            self._submitted_time_ns,
            collect_time_ns,
            seen_done_ns,
            done_time_ns,
            composited,
            view,
        )

    def wait(self) -> None:
        """Wait until the frame in flight is done."""
        self._done.synchronize()

    def drop(self) -> None:
        """Wait for the frame in flight and forget it."""
        self.stream.synchronize()
        self.frame = None

    def _write(self, frame: Frame, threshold: float) -> None:
        """Hand the slot to `frame`; the host's part of the copy."""
        self.frame, self._threshold = frame, threshold
        pinned = self._buffers.pinned_input
        if pinned is not None:
            pinned.write(frame.image, self._device_threshold)

    @property
    def _device_threshold(self) -> float:
        return self._threshold if self._wanted.limit_masks else _EVERYTHING

    def _copy_pageable(self) -> None:
        """Bring the frame from its own memory: the host waits until it is read."""
        if self.frame is None:
            raise RuntimeError("the slot holds no frame")
        target = self._buffers.device_input
        target.image.copy_(torch.from_numpy(_writable(self.frame.image)))
        target.threshold.fill_(self._device_threshold)


def _writable(image: U8Array) -> U8Array:
    """Return a view of the same memory that torch takes without a warning; nobody writes to it."""
    if image.flags.writeable:
        return image
    pointer = ctypes.cast(image.ctypes.data, ctypes.POINTER(ctypes.c_uint8))
    view: U8Array = np.ctypeslib.as_array(pointer, image.shape)
    return view
