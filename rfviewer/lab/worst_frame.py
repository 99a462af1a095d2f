"""The frames of a comparison that differ most, kept with both results until someone looks."""

from dataclasses import dataclass

from rfviewer.detections import Detections
from rfviewer.frame import Frame
from rfviewer.lab.pairing import FrameComparison
from rfviewer.result import FrameResult


@dataclass(frozen=True, slots=True, eq=False)
class WorstFrame:
    """A frame, what each side found on it, and what differs."""

    frame: Frame
    reference: Detections
    candidate: Detections
    comparison: FrameComparison


class WorstFrames:
    """At most `limit` of them, the worst first; equal frames are never kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: list[WorstFrame] = []

    @property
    def frames(self) -> tuple[WorstFrame, ...]:
        """What is kept now."""
        return tuple(self._kept)

    def offer(
        self,
        frame: Frame,
        reference: FrameResult,
        candidate: FrameResult,
        comparison: FrameComparison,
    ) -> None:
        """Keep the frame if it is among the worst so far; of equally bad ones the first stays."""
        if comparison.badness <= 0.0:
            return
        self._kept.append(WorstFrame(frame, reference.detections, candidate.detections, comparison))
        self._kept.sort(key=lambda item: -item.comparison.badness)
        del self._kept[self._limit :]
