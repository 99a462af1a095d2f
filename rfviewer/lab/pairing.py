"""Gate G1 on one frame: pairs the detections of two results and says what differs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rfviewer.detections import Detections, InstanceMasks
from rfviewer.lab.assignment import match
from rfviewer.lab.tolerance import Tolerance

_ALONE_FIRM, _ALONE_SOFT, _OTHER_CLASS = 100.0, 12.0, 10.0
"""Costs of a matching: a changed class is cheaper than a loss and a gain, so that it is told as
what it is; a loss inside the soft band is cheap."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs in a frame, failing or not."""

    sentence: str
    """Without the frame, e.g. "car moved by 6.0 px (allowed 5)"."""
    badness: float
    """Above 1 it fails the gate; at 1 it uses up the tolerance."""
    box_xyxy: tuple[float, float, float, float] | None = None
    """Where, in frame pixels; None for whole frames and what `FrameComparison.weak` holds."""
    brief: str = ""
    """The same in two or three words, e.g. "box off by 6 px"; empty for what counts tell."""


@dataclass(frozen=True, slots=True)
class WeakAlone:
    """A detection that one side has alone, with too low a score to be called missing or extra."""

    in_reference: bool
    index: int
    """Its row in that side's detections."""
    counted: bool
    """Whether it is one of `FrameComparison.soft`: not below the threshold where live results are
    cut."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameComparison:
    """What two results of one frame have in common and what not."""

    frame_index: int
    detections: int
    """The larger count of the two."""
    pairs: int = 0
    """Judged pairs of one class."""
    flips: int = 0
    missing: int = 0
    extra: int = 0
    soft: int = 0
    box_px: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """(pairs,) largest difference of a coordinate."""
    score: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    iou: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """(pairs,) of masks; empty without masks."""
    differences: tuple[Difference, ...] = ()
    """The worst first."""
    weak: tuple[WeakAlone, ...] = ()
    around: tuple[float, float] | None = None
    """Threshold and half the soft band around it; None where nothing was paired."""

    @property
    def badness(self) -> float:
        """0 for equal results; above 1 the frame fails."""
        worst = self.differences[0].badness if self.differences else 0.0
        # Many failures in a frame are worse than one.
        failing = sum(difference.badness > 1.0 for difference in self.differences)
        return worst + max(0, failing - 1)


def compare_frame(
    frame_index: int,
    reference: Detections,
    candidate: Detections,
    threshold: float,
    tolerance: Tolerance,
    *,
    class_names: Sequence[str | None] = (),
    candidate_cut: bool = False,
) -> FrameComparison:
    """Pair the detections by one minimum-cost assignment and judge every pair and every rest.

    Args:
        frame_index: for the report.
        reference: decoded at `threshold - tolerance.delta`.
        candidate: likewise, or at `threshold` itself if `candidate_cut`.
        threshold: what the user set; at least `tolerance.delta` above it a detection is firm.
        tolerance: what may differ.
        class_names: for the sentences.
        candidate_cut: whether the candidate lacks what lies under `threshold`, so that such a
            detection of the reference without a partner says nothing.
    """
    judge = _Judge(reference, candidate, threshold, tolerance, class_names)
    for row, column in judge.matching():
        judge.pair(row, column)
    judge.rest(candidate_cut=candidate_cut)
    return judge.result(frame_index)


class _Judge:
    """Collects the outcome of one frame."""

    def __init__(
        self,
        reference: Detections,
        candidate: Detections,
        threshold: float,
        tolerance: Tolerance,
        class_names: Sequence[str | None],
    ) -> None:
        self._a, self._b = reference, candidate
        self._tolerance, self._names = tolerance, class_names
        self._threshold, self._firm = threshold, threshold + tolerance.delta
        boxes = (item.boxes_xyxy.astype(np.float64) for item in (reference, candidate))
        first, second = boxes
        self._distance = np.abs(first[:, None] - second[None]).max(axis=2, initial=0.0)
        scores = (item.scores.astype(np.float64) for item in (reference, candidate))
        self._scores_a, self._scores_b = scores
        self._left_a = set(range(len(reference)))
        self._left_b = set(range(len(candidate)))
        self._box: list[float] = []
        self._score: list[float] = []
        self._iou: list[float] = []
        self._flips = self._missing = self._extra = self._soft = 0
        self._differences: list[Difference] = []
        self._weak: list[WeakAlone] = []

    def matching(self) -> list[tuple[int, int]]:
        """Return the pairs of the cheapest matching."""
        a, b, gate = self._a, self._b, self._tolerance.gate_px
        costs = self._distance / gate + np.abs(self._scores_a[:, None] - self._scores_b[None])
        costs += _OTHER_CLASS * (a.class_ids[:, None] != b.class_ids[None])
        costs[self._distance > gate] = np.inf
        return match(costs, self._alone(self._scores_a), self._alone(self._scores_b))

    def pair(self, row: int, column: int) -> None:
        """Judge two detections that belong together."""
        self._left_a.discard(row)
        self._left_b.discard(column)
        best = max(self._scores_a[row], self._scores_b[column])
        names = self._name(self._a, row), self._name(self._b, column)
        if self._a.class_ids[row] != self._b.class_ids[column]:
            if best >= self._firm:
                self._flips += 1
                self._differ(f"{names[0]} became {names[1]}", 100.0, self._b, column)
            else:
                self._soft += 1
                self._differ(f"{names[0]} became {names[1]}, both weak", 0.6, self._b, column)
            return
        if best < self._threshold:
            return
        tolerance, box_px = self._tolerance, float(self._distance[row, column])
        score = float(abs(self._scores_a[row] - self._scores_b[column]))
        self._box.append(box_px)
        self._score.append(score)
        allowed = f"{tolerance.box_px:g}"
        if tolerance.rounding_px:
            allowed += f", and {tolerance.rounding_px:g} for rounding"
        moved = f"{names[0]} moved by {box_px:.3g} px (allowed {allowed})"
        beyond = box_px - tolerance.rounding_px
        brief = f"box off by {box_px:.2g} px"
        self._differ(moved, _share(beyond, tolerance.box_px), self._b, column, brief)
        changed = f"{names[0]} changed its score by {score:.2g} (allowed {tolerance.score:g})"
        brief = f"score off by {score:.2g}"
        self._differ(changed, _share(score, tolerance.score), self._b, column, brief)
        self._compare_masks(row, column, names[0])

    def rest(self, *, candidate_cut: bool) -> None:
        """Judge what found no partner."""
        for row in sorted(self._left_a):
            if self._scores_a[row] >= self._firm:
                self._missing += 1
                self._differ(f"{self._name(self._a, row)} is missing", 100.0, self._a, row)
            else:
                counted = not candidate_cut or bool(self._scores_a[row] > self._threshold)
                self._leave(row, in_reference=True, counted=counted)
        for column in sorted(self._left_b):
            if self._scores_b[column] >= self._firm:
                self._extra += 1
                self._differ(f"{self._name(self._b, column)} is extra", 100.0, self._b, column)
            else:
                self._leave(column, in_reference=False, counted=True)

    def _leave(self, index: int, *, in_reference: bool, counted: bool) -> None:
        """Note a detection without a partner that is too weak to fail the frame."""
        self._weak.append(WeakAlone(in_reference, index, counted))
        if counted:
            self._soft += 1
            name = self._name(self._a if in_reference else self._b, index)
            sentence = f"weak {name} is {'missing' if in_reference else 'extra'}"
            self._differences.append(Difference(sentence, 0.6))

    def result(self, frame_index: int) -> FrameComparison:
        """Return what was found."""
        ordered = sorted(self._differences, key=lambda item: -item.badness)
        return FrameComparison(
            frame_index,
            max(len(self._a), len(self._b)),
            pairs=len(self._box),
            flips=self._flips,
            missing=self._missing,
            extra=self._extra,
            soft=self._soft,
            box_px=np.array(self._box, np.float64),
            score=np.array(self._score, np.float64),
            iou=np.array(self._iou, np.float64),
            differences=tuple(ordered),
            weak=tuple(self._weak),
            around=(self._threshold, self._tolerance.delta),
        )

    def _alone(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(scores >= self._firm, _ALONE_FIRM, _ALONE_SOFT)

    def _compare_masks(self, row: int, column: int, name: str) -> None:
        masks_a, masks_b, tolerance = self._a.masks, self._b.masks, self._tolerance
        if masks_a is None and masks_b is None:
            return
        if masks_a is None or masks_b is None:
            sentence = f"{name} has a mask on one side only"
            self._differ(sentence, 100.0, self._b, column, "a mask is missing")
            return
        common, either = overlap(masks_a, row, masks_b, column)
        iou, flipped = (common / either if either else 1.0), either - common
        self._iou.append(iou)
        # It fails where both limits are passed: small masks lose much of their IoU with a pixel.
        share = min(_share(1.0 - iou, 1.0 - tolerance.mask_iou), _share(flipped, tolerance.flip_px))
        allowed = f"allowed {tolerance.mask_iou:g} or {tolerance.flip_px} px"
        sentence = f"{name} has another mask: IoU {iou:.4f}, {flipped} px differ ({allowed})"
        self._differ(sentence, share, self._b, column, f"mask off by {flipped} px")

    def _differ(
        self, sentence: str, badness: float, where: Detections, index: int, brief: str = ""
    ) -> None:
        if badness > 0.0:
            x0, y0, x1, y1 = (float(v) for v in where.boxes_xyxy[index])
            self._differences.append(Difference(sentence, badness, (x0, y0, x1, y1), brief))

    def _name(self, detections: Detections, index: int) -> str:
        class_id, score = int(detections.class_ids[index]), float(detections.scores[index])
        known = self._names[class_id] if 0 <= class_id < len(self._names) else None
        return f"{known or f'class {class_id}'} {score:.2f}"


def overlap(a: InstanceMasks, i: int, b: InstanceMasks, j: int) -> tuple[int, int]:
    """Return the pixels in both masks and in either, looking at their regions only.

    Raises:
        ValueError: the masks belong to frames of different sizes.
    """
    if (a.width, a.height) != (b.width, b.height):
        raise ValueError(f"masks of {a.width}x{a.height} and {b.width}x{b.height} do not compare")
    (first, left_a, top_a), (second, left_b, top_b) = a.crop(i), b.crop(j)
    total = int(np.count_nonzero(first)) + int(np.count_nonzero(second))
    x0, y0 = max(left_a, left_b), max(top_a, top_b)
    x1 = min(left_a + first.shape[1], left_b + second.shape[1])
    y1 = min(top_a + first.shape[0], top_b + second.shape[0])
    if x0 >= x1 or y0 >= y1:
        return 0, total
    common = int(
        np.count_nonzero(
            first[y0 - top_a : y1 - top_a, x0 - left_a : x1 - left_a]
            & second[y0 - top_b : y1 - top_b, x0 - left_b : x1 - left_b]
        )
    )
    return common, total - common


def _share(value: float, limit: float) -> float:
    """Return how much of the tolerance `value` uses; where nothing is allowed, more than all."""
    if value <= 0.0:
        return 0.0
    return value / limit if limit > 0.0 else 1.0 + value
