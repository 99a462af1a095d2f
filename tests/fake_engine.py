"""A stand-in for the engine, precise enough to test the logic of flow around it."""

import threading
import time
from collections import deque
from collections.abc import Sequence

import numpy as np

from rfviewer.config import ResizeMode, View
from rfviewer.detections import Detections
from rfviewer.errors import EngineError
from rfviewer.experiment import ReplayPart
from rfviewer.frame import Frame
from rfviewer.optimizations import Optimizations, toggle_names
from rfviewer.result import DeviceUsage, EngineInfo, FrameResult, ToggleState
from rfviewer.timing import Stage, StageTimings


class FakeEngine:
    """Answers at once, or when `gate` is set; fails on the frame `fails_at`.

    With `micro_batch` frames wait until a pass is full or the first of it is collected; `passes`
    tells which shared one. The pass of the frame `loses` fails with all its frames.
    """

    def __init__(
        self,
        optimizations: Optimizations,
        *,
        fails_at: int | None = None,
        gate: threading.Event | None = None,
        latency_s: float = 0.0,
        loses: int | None = None,
    ) -> None:
        self._loses = loses
        self.passes: list[list[int]] = []
        self._waiting: list[int] = []
        self._fails_at, self._gate, self._latency_s = fails_at, gate, latency_s
        self._in_flight: deque[tuple[Frame, float, Optimizations]] = deque()
        self.closed = False
        self.configured_while_busy = False
        self.peak_in_flight = 0
        self.configure(optimizations)

    def configure(self, optimizations: Optimizations) -> None:
        self.configured_while_busy |= bool(self._in_flight)
        self._optimizations = optimizations
        toggles = tuple(
            ToggleState(name, getattr(optimizations, name), getattr(optimizations, name))
            for name in toggle_names()
        )
        self.info = EngineInfo(
            "fake",
            "fake",
            "chosen by the test",
            "nowhere",
            "fp32",
            ResizeMode.A,
            (8, 8),
            tuple(f"class {i}" for i in range(1000)),
            has_masks=False,
            toggles=toggles,
        )

    @property
    def depth(self) -> int:
        return self._optimizations.depth * self._optimizations.micro_batch

    @property
    def waits_for_frames(self) -> bool:
        return bool(self._in_flight) and self._in_flight[0][0].frame_index in self._waiting

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    def submit(self, frame: Frame, threshold: float, overlay: View | None = None) -> None:
        assert self.in_flight < self.depth
        self._in_flight.append((frame, threshold, self._optimizations))
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        self._waiting.append(frame.frame_index)
        if len(self._waiting) == self._optimizations.micro_batch:
            self._run()

    def _run(self) -> None:
        self.passes.append(self._waiting)
        self._waiting = []

    def collect(self) -> FrameResult:
        if self._gate is not None:
            self._gate.wait()
        if self._latency_s:
            time.sleep(self._latency_s)
        if self.waits_for_frames:
            self._run()
        frame, threshold, optimizations = self._in_flight.popleft()
        index = frame.frame_index
        if index == self._fails_at:
            raise EngineError("The fake network failed on this frame.")
        if self._loses in next(each for each in reversed(self.passes) if index in each):
            raise EngineError(f"The fake network lost frame {index}.")
        now_ns = time.monotonic_ns()
        detections = Detections(
            np.array([[1, 1, 5, 5]], np.float32),
            np.array([0.9], np.float32),
            np.array([frame.frame_index], np.int32),
        )
        timings = StageTimings({Stage.INFER: 1.0}, now_ns - 1_000_000, now_ns)
        return FrameResult(
            frame, detections.visible(threshold, ()), timings, optimizations, threshold
        )

    def device_usage(self) -> DeviceUsage:
        return DeviceUsage(None, "not measured: no GPU")

    def replay_backend(self, count: int) -> Sequence[float]:
        assert not self._in_flight
        return [1.0] * count

    def replay_part(self, part: ReplayPart, frame: Frame, count: int) -> Sequence[float]:
        assert not self._in_flight
        return [1.0] * count

    def close(self) -> None:
        self.closed = True
