"""From one frame's outcome to what the engine returns: results with times and spans.

Needs no torch.
"""

from types import MappingProxyType

from rfviewer.engine.cuda.outcome import FrameOutcome
from rfviewer.engine.cuda.spans import HostTime
from rfviewer.optimizations import Optimizations
from rfviewer.result import FrameResult
from rfviewer.timing import Span, Stage, StageTimings


class Reporter:
    """Makes results, frame by frame. Engine thread."""

    def __init__(self) -> None:
        self._host_time = HostTime()

    def result(self, lane: str, outcome: FrameOutcome, effective: Optimizations) -> FrameResult:
        """Return the result of a frame that was in the slot with that `lane`.

        Of frames that share a pass, the first one has the pass's spans; stage times are shares.
        """
        timings = StageTimings(
            MappingProxyType(outcome.stages_ms),
            submit_time_ns=outcome.submit_time_ns,
            done_time_ns=outcome.done_time_ns,
            spans=self._spans(lane, outcome),
        )
        return FrameResult(
            outcome.frame,
            outcome.detections,
            timings,
            effective,
            outcome.threshold,
            outcome.composited,
            outcome.overlay,
        )

    def _spans(self, lane: str, outcome: FrameOutcome) -> tuple[Span, ...]:
        """Return when the device worked on a frame, and the engine thread for it."""
        self._host_time.observe(outcome.work, outcome.launch_time_ns, outcome.seen_done_ns)
        return (
            Span("host", Stage.SUBMIT, outcome.submit_time_ns, outcome.submitted_time_ns),
            *self._host_time.spans(lane, outcome.work),
            Span("host", Stage.COLLECT, outcome.collect_time_ns, outcome.done_time_ns),
        )
