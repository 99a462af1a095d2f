"""An engine whose time is simulated: drift, two speeds, bursts of disturbance, noise per stage."""

from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np

from rfviewer.config import ResizeMode
from rfviewer.detections import Detections
from rfviewer.experiment import ReplayPart
from rfviewer.frame import Frame
from rfviewer.optimizations import Optimizations, toggle_names
from rfviewer.result import DeviceUsage, EngineInfo, FrameResult, ToggleState
from rfviewer.timing import Stage, StageTimings


@dataclass
class Machine:
    """Time that passes only when work is done, at a speed that changes by itself."""

    rng: np.random.Generator
    noise: float = 0.02
    """Standard deviation of the logarithm of a stage's time."""
    burst_every_s: float = 3.0
    """Mean time between disturbances by neighbours; 0 for none."""
    burst_s: float = 0.5
    two_speeds: float = 1.15
    """The slower speed takes that many times longer."""
    drift_per_s: float = 0.0005
    now_s: float = 0.0
    _slow: bool = False
    _switch_s: float = 0.0
    _burst_start_s: float = 0.0
    _burst_end_s: float = -1.0

    def clock_ns(self) -> int:
        return int(self.now_s * 1e9)

    def work(self, duration_s: float) -> float:
        if self.now_s >= self._switch_s:
            self._slow = not self._slow
            self._switch_s = self.now_s + self.rng.exponential(20.0)
        if self.burst_every_s and self.now_s > self._burst_end_s:
            self._burst_start_s = self.now_s + self.rng.exponential(self.burst_every_s)
            self._burst_end_s = self._burst_start_s + self.rng.exponential(self.burst_s)
        factor = np.exp(self.rng.normal(0.0, self.noise)) * (1 + self.drift_per_s * self.now_s)
        factor *= self.two_speeds if self._slow else 1.0
        if self.burst_every_s and self._burst_start_s <= self.now_s + duration_s:
            factor *= 1.0 + self.rng.exponential(0.6)
        elapsed_s = duration_s * factor
        self.now_s += elapsed_s
        return elapsed_s


@dataclass
class SimEngine:
    """Stages one after the other; with more frames in flight only the longest one counts.

    A pass for several frames takes as long as one for one, and is done with its first frame.
    """

    machine: Machine
    slower: dict[str, dict[Stage, float]] = field(default_factory=dict)
    """By toggle that is off: how many times longer a stage takes."""
    unavailable: dict[str, str] = field(default_factory=dict)
    stages_s: dict[Stage, float] = field(
        default_factory=lambda: {
            Stage.PREPROCESS: 0.0017,
            Stage.INFER: 0.25,
            Stage.POSTPROCESS: 0.0025,
        }
    )
    throttled_until_s: float = -1.0
    fails: Exception | None = None
    configured: list[Optimizations] = field(default_factory=list)
    _busy: deque[tuple[Frame, float]] = field(default_factory=deque)
    _done: int = 0
    """Frames whose pass is done already."""

    def __post_init__(self) -> None:
        self.configure(Optimizations(depth=1))

    @property
    def info(self) -> EngineInfo:
        wanted = self.configured[-1]
        toggles = tuple(
            ToggleState(
                name,
                getattr(wanted, name),
                getattr(self._effective, name),
                self.unavailable.get(name, ""),
                available=name not in self.unavailable,
            )
            for name in toggle_names()
        )
        return EngineInfo(
            "sim", "sim", "", "", "fp32", ResizeMode.A, (8, 8), ("a",), False, toggles
        )

    @property
    def depth(self) -> int:
        return self._effective.depth * self._effective.micro_batch

    @property
    def in_flight(self) -> int:
        return len(self._busy)

    def configure(self, optimizations: Optimizations) -> None:
        assert not self._busy
        self.configured.append(optimizations)
        baseline = Optimizations.baseline()
        cannot = {name: getattr(baseline, name) for name in self.unavailable}
        self._effective = replace(optimizations, **cannot)
        self._done = 0

    def submit(self, frame: Frame, threshold: float, overlay: object = None) -> None:
        assert self.in_flight < self.depth
        self._busy.append((frame, threshold))

    def collect(self) -> FrameResult:
        frame, threshold = self._busy.popleft()
        if self.fails is not None:
            raise self.fails
        start_ns = self.machine.clock_ns()
        stages = {}
        if self._done:
            self._done -= 1
        elif self.depth == 1:
            stages = {s: self.machine.work(self._cost_s(s)) * 1e3 for s in self.stages_s}
        else:
            longest = max(self.stages_s, key=self._cost_s)
            stages = {longest: self.machine.work(self._cost_s(longest)) * 1e3}
            self._done = min(self._effective.micro_batch, len(self._busy) + 1) - 1
        timings = StageTimings(stages, start_ns, self.machine.clock_ns())
        return FrameResult(frame, Detections.empty(), timings, self._effective, threshold)

    def device_usage(self) -> DeviceUsage:
        hot = self.machine.now_s < self.throttled_until_s
        return DeviceUsage(None, "simulated", throttle="power cap" if hot else "")

    def replay_backend(self, count: int) -> list[float]:
        assert not self._busy
        frames = self._effective.micro_batch
        return [self.machine.work(self.stages_s[Stage.INFER] / frames) * 1e3 for _ in range(count)]

    def replay_part(self, part: ReplayPart, frame: Frame, count: int) -> list[float]:
        assert not self._busy
        clones_s = 0.01 if part is ReplayPart.CLONES else 0.0
        enter_s = 0.02 if part is ReplayPart.CALL else self.stages_s[Stage.PREPROCESS]
        cost_s = self.stages_s[Stage.INFER] + enter_s + clones_s
        return [self.machine.work(cost_s) * 1e3 for _ in range(count)]

    def close(self) -> None:
        self._busy.clear()

    def _cost_s(self, stage: Stage) -> float:
        factors = [
            by_stage.get(stage, 1.0)
            for name, by_stage in self.slower.items()
            if getattr(self._effective, name) == getattr(Optimizations.baseline(), name)
        ]
        return self.stages_s[stage] * float(np.prod(factors))


def frames(count: int = 8) -> list[Frame]:
    image = np.zeros((8, 16, 3), np.uint8)
    return [Frame(image, 16, 8, index, index / 25, 0) for index in range(count)]
