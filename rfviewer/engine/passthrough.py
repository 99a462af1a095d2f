"""The engine of model "none": no network, no stages, every frame has no detections."""

import time
from collections import deque
from collections.abc import Sequence

from rfviewer.config import EngineConfig, View
from rfviewer.detections import Detections
from rfviewer.engine.toggles import effective_optimizations, host_toggles
from rfviewer.errors import EngineError
from rfviewer.experiment import ReplayPart
from rfviewer.frame import Frame
from rfviewer.models.spec import ModelSpec
from rfviewer.optimizations import Optimizations
from rfviewer.result import DeviceUsage, EngineInfo, FrameResult
from rfviewer.timing import StageTimings


class PassthroughEngine:
    """Implements `interfaces.Engine` without inference. All calls on the engine thread."""

    def __init__(self, spec: ModelSpec, config: EngineConfig, optimizations: Optimizations) -> None:
        self._spec = spec
        self._config = config
        self._in_flight: deque[tuple[Frame, float, int]] = deque()
        self.configure(optimizations)

    @property
    def info(self) -> EngineInfo:
        """What the engine is, with the state of every toggle."""
        return EngineInfo(
            model=self._spec.name,
            backend="none",
            backend_reason=f"the model {self._spec.name} has no network",
            device="CPU",
            precision="",
            resize=self._config.resize,
            input_wh=(0, 0),
            class_names=self._spec.class_names,
            has_masks=False,
            toggles=self._toggles,
        )

    @property
    def depth(self) -> int:
        """How many frames may be in flight."""
        return self._effective.depth

    @property
    def in_flight(self) -> int:
        """How many frames are in flight."""
        return len(self._in_flight)

    def submit(self, frame: Frame, threshold: float, overlay: View | None = None) -> None:
        """Accept `frame`; `in_flight` must be below `depth`."""
        if self.in_flight >= self.depth:
            raise RuntimeError(f"{self.in_flight} frames are in flight, at most {self.depth} may")
        self._in_flight.append((frame, threshold, time.monotonic_ns()))

    def collect(self) -> FrameResult:
        """Return the oldest frame in flight, without detections."""
        frame, threshold, submit_time_ns = self._in_flight.popleft()
        timings = StageTimings(submit_time_ns=submit_time_ns, done_time_ns=time.monotonic_ns())
        return FrameResult(frame, Detections.empty(), timings, self._effective, threshold)

    def configure(self, optimizations: Optimizations) -> None:
        """Note `optimizations`; none of them has anything to act on."""
        if self._in_flight:
            raise RuntimeError("configure() while frames are in flight")
        self._toggles = host_toggles(optimizations, self._spec)
        self._effective = effective_optimizations(self._toggles)

    def device_usage(self) -> DeviceUsage:
        """Return that there is no GPU to measure."""
        return DeviceUsage(None, "not measured: no GPU")

    def replay_backend(self, count: int) -> Sequence[float]:
        """Refuse: there is no network.

        Raises:
            EngineError: always.
        """
        raise EngineError(f"The model {self._spec.name} has no network to measure; choose another.")

    def replay_part(self, part: ReplayPart, frame: Frame, count: int) -> Sequence[float]:
        """Refuse: there is no network.

        Raises:
            EngineError: always.
        """
        return self.replay_backend(count)

    def close(self) -> None:
        """Forget the frames in flight. Idempotent."""
        self._in_flight.clear()
