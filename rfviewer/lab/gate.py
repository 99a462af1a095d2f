"""The correctness gate: takes two results of each frame, one after the other, and judges the whole.

G0 compares bytes; where they differ and the tolerance allows that, G1 pairs the detections
(pairing.py). What is kept does not grow with the number of frames.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest

import numpy as np

from rfviewer.detections import Detections
from rfviewer.experiment import ParityResult
from rfviewer.frame import Frame
from rfviewer.lab.digest import digest
from rfviewer.lab.pairing import Difference, FrameComparison, compare_frame
from rfviewer.lab.parity_verdict import cause, overall_failures, verdict
from rfviewer.lab.spread import Spread
from rfviewer.lab.tolerance import Tolerance
from rfviewer.result import FrameResult

MAX_FAILURES = 10
MIN_SOFT = 2
"""So many differences inside the soft band are allowed, however few detections there are."""
_WRONG_FRAME = 1000.0


class Gate:
    """Accumulates comparisons. One thread uses it."""

    def __init__(
        self,
        tolerance: Tolerance,
        threshold: float,
        *,
        class_names: Sequence[str | None] = (),
        candidate_cut: bool = False,
    ) -> None:
        """Judge by `tolerance` around `threshold`.

        `candidate_cut`: candidates are decoded at `threshold`, as live results are, and not at
        `decode_threshold` like the reference.
        """
        self.tolerance = tolerance
        self.threshold = threshold
        self._names = class_names
        self._cut = candidate_cut
        self._frames = self._unequal = self._detections = 0
        self._pairs = self._flips = self._missing = self._extra = self._soft = 0
        self._box, self._score, self._iou = Spread(), Spread(), Spread()
        self._failures: list[tuple[float, str]] = []
        self._failed = False
        self._most = 0.0
        self._brief = ""
        self._worst_frame: int | None = None
        self._worst_badness = 0.0
        self._last: tuple[int, int] | None = None

    @property
    def decode_threshold(self) -> float:
        """What engines must be run with: the soft band below the threshold is needed too."""
        return max(0.0, self.threshold - self.tolerance.delta)

    @property
    def strain(self) -> float:
        """Share of the tolerance that the worst difference uses; above 1 a frame fails."""
        return self._most

    def add(
        self, reference: FrameResult, candidate: FrameResult, frame: Frame | None = None
    ) -> FrameComparison:
        """Compare two results of one frame: of `frame`, if that is given.

        Results that belong to other frames than they should fail and are compared no further.
        """
        expected = _frame_id(frame or reference.frame)
        ids = _frame_id(reference.frame), _frame_id(candidate.frame)
        wrong = [
            f"the {name}'s is of frame {i[1]}"
            for name, i in zip(("reference", "candidate"), ids, strict=True)
            if i != expected
        ]
        sentence = f"a result of another frame: {' and '.join(wrong)}" if wrong else ""
        # Live frames may come again: on display, inferred anew.
        if not wrong and not self._cut and self._last == expected:
            sentence = "the frame comes twice"
        self._last = expected
        if sentence:
            comparison = FrameComparison(
                expected[1],
                0,
                differences=(Difference(sentence, _WRONG_FRAME, brief="other frame"),),
            )
            self._unequal += 1
        else:
            comparison = self._compare(expected[1], reference.detections, candidate.detections)
        self._count(comparison)
        return comparison

    def lacks(self, name: str, frames: int, of: int) -> None:
        """Fail because one side delivered only `frames` results of `of`."""
        self._unequal += 1
        self._most, self._brief = _WRONG_FRAME, "too few results"
        self._fail(_WRONG_FRAME, f"The {name} delivered {frames} of {of} frames.")

    def result(self) -> ParityResult:
        """Return the outcome so far."""
        counted = ParityResult(
            passed=False,
            gate=self.tolerance.gate if self._unequal else "G0",
            frames=self._frames,
            pairs=self._pairs,
            flips=self._flips,
            missing=self._missing,
            extra=self._extra,
            soft=self._soft,
            box_max_px=self._box.largest,
            box_p99_px=self._box.quantile(0.99),
            box_mean_px=self._box.mean or 0.0,
            score_max=self._score.largest,
            iou_min=self._iou.least,
            iou_mean=self._iou.mean,
            worst_frame=self._worst_frame,
            failures=(),
            verdict="",
        )
        whole = overall_failures(counted, self.tolerance, self._allowed_soft())
        failures = tuple(sentence for _, sentence in self._failures)
        passed = not self._failed and not whole
        return replace(
            counted,
            passed=passed,
            failures=(*whole, *failures)[:MAX_FAILURES],
            cause=cause(counted, self.tolerance, self._allowed_soft(), self._brief, self._most),
            verdict=verdict(counted, self.tolerance, self._score.quantile(0.99), passed=passed),
        )

    def _compare(self, index: int, reference: Detections, candidate: Detections) -> FrameComparison:
        visible = reference.visible(self.threshold, ()) if self._cut else reference
        if digest(visible) == digest(candidate):
            return self._equal(index, candidate)
        self._unequal += 1
        comparison = compare_frame(
            index,
            reference,
            candidate,
            self.threshold,
            self.tolerance,
            class_names=self._names,
            candidate_cut=self._cut,
        )
        if self.tolerance.exact and not comparison.differences:
            # The same detections in another order, or bits that no comparison of values sees.
            other = Difference(
                "the same detections, but their bytes or their order differ",
                2.0,
                brief="other bytes",
            )
            return replace(comparison, differences=(other,))
        return comparison

    def _equal(self, index: int, detections: Detections) -> FrameComparison:
        judged = int(np.count_nonzero(detections.scores >= self.threshold))
        zeros = np.zeros(judged)
        iou = np.ones(0 if detections.masks is None else judged)
        return FrameComparison(
            index, len(detections), pairs=judged, box_px=zeros, score=zeros, iou=iou
        )

    def _count(self, frame: FrameComparison) -> None:
        self._frames += 1
        self._detections += frame.detections
        self._pairs += frame.pairs
        self._flips += frame.flips
        self._missing += frame.missing
        self._extra += frame.extra
        self._soft += frame.soft
        self._box.add(frame.box_px)
        self._score.add(frame.score)
        self._iou.add(frame.iou)
        badness = frame.badness
        if badness > self._worst_badness:
            self._worst_badness, self._worst_frame = badness, frame.frame_index
        if frame.differences:
            worst = frame.differences[0]
            if worst.badness > self._most:
                self._most, self._brief = worst.badness, worst.brief
        for difference in frame.differences:
            if difference.badness > 1.0:
                self._fail(difference.badness, f"Frame {frame.frame_index}: {difference.sentence}.")

    def _fail(self, badness: float, sentence: str) -> None:
        self._failed = True
        self._failures.append((badness, sentence))
        self._failures.sort(key=lambda item: -item[0])
        del self._failures[MAX_FAILURES:]

    def _allowed_soft(self) -> float:
        return max(MIN_SOFT, self.tolerance.soft_share * self._detections)


def compare(
    reference: Iterable[FrameResult],
    candidate: Iterable[FrameResult],
    tolerance: Tolerance,
    threshold: float,
    *,
    class_names: Sequence[str | None] = (),
) -> ParityResult:
    """Compare two sequences of results, decoded at `Gate.decode_threshold`, frame by frame.

    Both may be generators: two results are held at a time.
    """
    gate = Gate(tolerance, threshold, class_names=class_names)
    counts = [0, 0]
    for first, second in zip_longest(reference, candidate):
        counts[0] += first is not None
        counts[1] += second is not None
        if first is not None and second is not None:
            gate.add(first, second)
    for name, count in zip(("reference", "candidate"), counts, strict=True):
        if count < max(counts):
            gate.lacks(name, count, max(counts))
    return gate.result()


def _frame_id(frame: Frame) -> tuple[int, int]:
    return frame.epoch, frame.frame_index
