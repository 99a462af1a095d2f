"""Stage names, durations and rates. Durations are milliseconds unless the name says otherwise."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, override


class Stage(StrEnum):
    """Where the time of one frame goes, in pipeline order."""

    CAPTURE = "capture"
    H2D = "h2d"
    PREPROCESS = "preprocess"
    INFER = "infer"
    POSTPROCESS = "postprocess"
    D2H = "d2h"
    RENDER = "render"
    SINK = "sink"
    """Encoding and writing files."""
    PRESENT = "present"
    """Painting in the window."""
    SUBMIT = "submit"
    """The engine thread starts work on a frame; in spans only."""
    COLLECT = "collect"
    """The engine thread waits for a result and takes it; in spans only."""


FRAME_STAGES: tuple[Stage, ...] = tuple(
    stage for stage in Stage if stage not in (Stage.SUBMIT, Stage.COLLECT)
)
"""The stages that can have a duration in `StageTimings.stages_ms`."""


class Span(NamedTuple):
    """One piece of work on a time axis. A tuple, since thousands a second cross a pipe."""

    lane: str
    """Where it ran: "slot 0" … for streams of a device, "host" for the engine thread, "decode",
    "draw", "write" for the other threads."""
    stage: Stage
    start_ns: int
    """In `time.monotonic_ns()`; device times are mapped onto that clock."""
    end_ns: int
    frame_index: int = -1
    """Frame it worked on, where that may be another one than the sample's that carries the span;
    -1 for the sample's own. Decoding tells none: it covers its frame's `capture_time_ns`."""


@dataclass(frozen=True, slots=True)
class StageTimings:
    """What one frame cost. A stage that was not measured is absent, never 0."""

    stages_ms: Mapping[Stage, float] = field(default_factory=lambda: MappingProxyType({}))
    """Duration of each measured stage."""
    submit_time_ns: int = 0
    """`time.monotonic_ns()` when the frame entered the engine."""
    done_time_ns: int = 0
    """`time.monotonic_ns()` when its result was complete on the host."""
    spans: tuple[Span, ...] = ()
    """When and where each measured stage ran; may be empty where an engine does not know."""

    @property
    def latency_ms(self) -> float:
        """Time from submit to complete result."""
        return (self.done_time_ns - self.submit_time_ns) / 1e6

    def with_others(
        self, stages_ms: Mapping[Stage, float], spans: Iterable[Span]
    ) -> "StageTimings":
        """Return a copy that also holds the stages and spans of other threads."""
        stages = MappingProxyType({**self.stages_ms, **stages_ms})
        return StageTimings(stages, self.submit_time_ns, self.done_time_ns, (*self.spans, *spans))

    @override
    def __reduce__(self) -> tuple[object, ...]:
        # A mappingproxy cannot be pickled, and snapshots cross a process boundary.
        return _restore_timings, (
            dict(self.stages_ms),
            self.submit_time_ns,
            self.done_time_ns,
            self.spans,
        )


def _restore_timings(
    stages_ms: dict[Stage, float],
    submit_time_ns: int,
    done_time_ns: int,
    spans: tuple[Span, ...],
) -> StageTimings:
    return StageTimings(MappingProxyType(stages_ms), submit_time_ns, done_time_ns, spans)


class RateMeter:
    """Events per second over a sliding window: (stamps - 1) / elapsed. Not thread-safe."""

    def __init__(self, window_s: float = 2.0) -> None:
        self._window_ns = int(window_s * 1e9)
        self._stamps_ns: deque[int] = deque()

    def tick(self, now_ns: int) -> None:
        """Record one event."""
        self._stamps_ns.append(now_ns)
        self._expire(now_ns)

    def rate(self, now_ns: int) -> float | None:
        """Return events per second; None until two events lie in the window (unknown is not 0)."""
        self._expire(now_ns)
        if len(self._stamps_ns) < 2:
            return None
        elapsed_ns = self._stamps_ns[-1] - self._stamps_ns[0]
        # A source that stopped must fall towards 0 and not keep its last rate.
        silence_ns = now_ns - self._stamps_ns[-1]
        mean_gap_ns = elapsed_ns / (len(self._stamps_ns) - 1)
        return 1e9 / max(mean_gap_ns, float(silence_ns), 1.0)

    def reset(self) -> None:
        """Forget everything, as after a seek."""
        self._stamps_ns.clear()

    def _expire(self, now_ns: int) -> None:
        # Two stamps always stay, so that one frame every few seconds still has a rate.
        while len(self._stamps_ns) > 2 and now_ns - self._stamps_ns[0] > self._window_ns:
            self._stamps_ns.popleft()


def percentile(values: list[float], share: float) -> float | None:
    """Return the `share` (0..1) quantile by nearest rank; None when there are no values."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * (len(ordered) - 1))))]


def rounded_percentiles(values: list[float], *shares: float) -> list[float | None]:
    """Return the quantiles for `shares` (0..1) to three decimals; None where there is no value."""
    found = [percentile(values, share) for share in shares]
    return [None if value is None else round(value, 3) for value in found]


def union_length(intervals: Iterable[tuple[float, float]]) -> float:
    """Return the length that `intervals` cover together; empty and reversed ones cover nothing."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(intervals):
        if end > reached:
            total += max(0.0, end - max(start, reached))
            reached = max(reached, end)
    return total
