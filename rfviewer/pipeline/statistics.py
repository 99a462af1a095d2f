"""Counters, rates and samples of the running source. Thread-safe; read by snapshots."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from rfviewer.result import FrameResult, Notice
from rfviewer.snapshot import Counters, FrameSample
from rfviewer.timing import RateMeter, Span, Stage

MAX_SAMPLES = 4096
"""Samples kept for a reader that is slow or absent; older ones are forgotten."""
MAX_NOTICES = 64
_MAX_WAITING_SPANS = 256
"""Spans of other threads that wait for the next sample, while there may be none for long."""
_LANES = {Stage.CAPTURE: "decode", Stage.RENDER: "draw", Stage.SINK: "write"}


type ResultTap = Callable[[FrameResult], None]


@dataclass(frozen=True, slots=True)
class Reading:
    """A consistent copy of the statistics; samples and notices are handed out once."""

    counters: Counters
    source_fps: float | None
    inferred_fps: float | None
    samples: tuple[FrameSample, ...]
    notices: tuple[Notice, ...]


class Statistics:
    """Counts what the loops report."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters = Counters()
        self._source_rate = RateMeter()
        self._inferred_rate = RateMeter()
        self._samples: deque[FrameSample] = deque(maxlen=MAX_SAMPLES)
        self._notices: deque[Notice] = deque(maxlen=MAX_NOTICES)
        self.taps: list[ResultTap] = []
        """Told every result, on the engine thread; must return within microseconds."""
        self._other_stages_ms: dict[Stage, float] = {}
        self._other_spans: deque[Span] = deque(maxlen=_MAX_WAITING_SPANS)

    @property
    def counters(self) -> Counters:
        """The counters now."""
        return self._counters

    @property
    def inferred_fps(self) -> float | None:
        """The measured rate of results now; None when not known."""
        with self._lock:
            return self._inferred_rate.rate(time.monotonic_ns())

    def reset(self) -> None:
        """Start over for a new source; notices stay until they are read."""
        with self._lock:
            self._counters = Counters()
            self._samples.clear()
            self._other_stages_ms.clear()
            self._other_spans.clear()
            self._reset_rates()

    def interrupted(self) -> None:
        """Forget the rates after a pause or jump, which are no slowness."""
        with self._lock:
            self._reset_rates()

    def captured(self, damaged: int) -> None:
        """Count a frame from the source, and note its total of damaged frames."""
        with self._lock:
            self._counters = replace(
                self._counters, captured=self._counters.captured + 1, damaged=damaged
            )
            self._source_rate.tick(time.monotonic_ns())

    def measured(self, stage: Stage, duration_ms: float, frame_index: int = -1) -> None:
        """Note a stage that ran until now on another thread than the engine's.

        It joins the next sample: those stages overlap inference and may belong to another frame,
        `frame_index` where that is known.
        """
        end_ns = time.monotonic_ns()
        span = Span(_LANES[stage], stage, end_ns - round(duration_ms * 1e6), end_ns, frame_index)
        with self._lock:
            self._other_stages_ms[stage] = duration_ms
            self._other_spans.append(span)

    def dropped(self, frames: int) -> None:
        """Count frames that the engine never saw."""
        with self._lock:
            self._counters = replace(self._counters, dropped=self._counters.dropped + frames)

    def inferred(self, result: FrameResult, shown: int) -> None:
        """Count a result of which `shown` detections pass the view's filter."""
        with self._lock:
            timings = result.timings.with_others(self._other_stages_ms, self._other_spans)
            self._other_spans.clear()
            sample = FrameSample(
                result.frame.frame_index,
                result.frame.pts_s,
                timings.done_time_ns,
                timings,
                result.optimizations,
                shown,
                result.frame.capture_time_ns,
            )
            counters = self._counters
            self._counters = replace(
                counters,
                inferred=counters.inferred + 1,
                detections=counters.detections + shown,
            )
            self._inferred_rate.tick(time.monotonic_ns())
            self._samples.append(sample)
        for tap in self.taps:
            tap(result)

    def presented(self) -> None:
        """Count a drawn frame."""
        with self._lock:
            self._counters = replace(self._counters, presented=self._counters.presented + 1)

    def notice(self, notice: Notice) -> None:
        """Keep a message for the user; a repeated one is kept once."""
        with self._lock:
            if notice not in self._notices:
                self._notices.append(notice)

    def read(self) -> Reading:
        """Return everything; samples and notices are handed out once."""
        now_ns = time.monotonic_ns()
        with self._lock:
            reading = Reading(
                self._counters,
                self._source_rate.rate(now_ns),
                self._inferred_rate.rate(now_ns),
                tuple(self._samples),
                tuple(self._notices),
            )
            self._samples.clear()
            self._notices.clear()
            return reading

    def _reset_rates(self) -> None:
        self._source_rate.reset()
        self._inferred_rate.reset()
