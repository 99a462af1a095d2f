"""The frames of a comparison that differ most, kept with both results until someone looks.

And what is said about each: a picture of two results must not show what the counts do not tell.
"""

from dataclasses import dataclass

from rfviewer.detections import Detections
from rfviewer.frame import Frame
from rfviewer.lab.pairing import FrameComparison
from rfviewer.result import FrameResult

MAX_TOLD = 6
"""Differences that a caption names."""


@dataclass(frozen=True, slots=True, eq=False)
class WorstFrame:
    """A frame, what each side found on it, and what differs."""

    frame: Frame
    reference: Detections
    candidate: Detections
    comparison: FrameComparison

    @property
    def weak_rows(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Rows of the reference and of the candidate that are drawn dashed: `weak`."""
        first, second = (
            tuple(item.index for item in self.comparison.weak if item.in_reference is side)
            for side in (True, False)
        )
        return first, second

    def caption(self) -> list[str]:
        """Return what the picture says beside it: the counts, the worst, and what is dashed."""
        differences = self.comparison.differences
        told = [f"{'fails: ' if item.badness > 1 else ''}{item.sentence}" for item in differences]
        rest = len(told) - MAX_TOLD
        return [
            f"frame {self.frame.frame_index} at {self.frame.pts_s:.3f} s{self._counts()}",
            *told[:MAX_TOLD],
            *([f"and {rest} more"] if rest > 0 else []),
            *self._dashed(),
        ]

    def _counts(self) -> str:
        found = self.comparison
        if found.around is None:
            return ""
        counts = f"{found.missing} missing, {found.extra} extra, {found.flips} of another class"
        weak_flips = found.soft - sum(item.counted for item in found.weak)
        classes = f", {weak_flips} of these of another class" if weak_flips else ""
        return f": {counts}, {found.soft} near the threshold{classes}"

    def _dashed(self) -> list[str]:
        found = self.comparison
        if found.around is None:
            return []
        threshold, delta = found.around
        counted = sum(item.counted for item in found.weak)
        cut = len(found.weak) - counted
        lines = []
        if counted:
            lines.append(
                f"dashed: {counted} on one side only, within {delta:g} of the threshold"
                f" {threshold:g}: counted as near the threshold, not as missing or extra"
            )
        if cut:
            lines.append(
                f"dashed: {cut} of the reference only, not above the threshold {threshold:g}, where"
                " live results are cut: not counted"
            )
        return lines


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
