"""Totals over many frames, and the colour that they give."""

from dataclasses import replace

import numpy as np
import pytest

from rfviewer.experiment import Badge
from rfviewer.lab.badge import badge_of
from rfviewer.lab.gate import Gate
from rfviewer.lab.spread import Spread
from rfviewer.lab.tolerance import E2, E3, Tolerance
from rfviewer.result import FrameResult
from tests.lab.parity_cases import THRESHOLD, noisy, recorded, with_detections


def test_quantiles_are_exact_for_few_numbers_and_close_for_many() -> None:
    rng = np.random.default_rng(2)
    few, many = Spread(), Spread()
    assert (few.largest, few.least, few.mean, few.quantile(0.99)) == (0.0, None, None, 0.0)
    numbers = rng.exponential(1.0, 300_000)
    for part in np.array_split(numbers[:5000], 37):
        few.add(part)
    assert few.quantile(0.99) == pytest.approx(np.quantile(numbers[:5000], 0.99))
    for part in np.array_split(numbers, 7001):
        many.add(part)
    assert many.largest == numbers.max()
    assert many.least == numbers.min()
    assert many.mean == pytest.approx(numbers.mean())
    assert many.quantile(0.99) == pytest.approx(np.quantile(numbers, 0.99), rel=0.05)
    assert many._kept_count <= 65_536


def test_colours_follow_what_is_left_of_the_tolerance() -> None:
    first = recorded()[0]
    top = replace(first, detections=first.detections.select(np.arange(3)))

    def badge(move_px: float) -> tuple[Badge, str]:
        gate = Gate(E3, THRESHOLD)
        boxes = top.detections.boxes_xyxy + np.float32(move_px)
        gate.add(top, with_detections(top, boxes_xyxy=boxes))
        return badge_of(gate.result(), gate.strain)

    assert badge(0.0)[0] is Badge.GREEN
    assert badge(2.0)[0] is Badge.GREEN
    amber, reason = badge(4.0)
    assert amber is Badge.AMBER
    assert "80%" in reason
    red, reason = badge(6.0)
    assert red is Badge.RED
    assert reason.startswith("Frame 0: ")
    assert badge_of(Gate(E3, THRESHOLD).result(), 0.0)[0] is Badge.WAITING


def test_what_fails_is_named_in_a_few_words() -> None:
    first = recorded()[0]
    top = replace(first, detections=first.detections.select(np.arange(3)))

    def named(candidate: FrameResult, tolerance: Tolerance = E3) -> str:
        gate = Gate(tolerance, THRESHOLD)
        gate.add(top, candidate)
        return gate.result().cause

    found = top.detections
    assert named(top) == ""
    assert named(with_detections(top, boxes_xyxy=found.boxes_xyxy + 6.0)) == "box off by 6 px"
    # Half a pixel is free where boxes are rounded, so another figure is what fails.
    rounding = replace(E2, rounding_px=0.5)
    moved = found.boxes_xyxy + np.float32(0.49)
    lower = with_detections(top, boxes_xyxy=moved, scores=found.scores - np.float32(0.02))
    assert named(lower, rounding) == "score off by 0.02"
    other = found.class_ids.copy()
    other[0] += 1
    assert named(with_detections(top, class_ids=other)) == "1 class changed"
    two = replace(top, detections=found.select(np.arange(2)))
    assert named(two) == "1 missing"


def test_a_difference_in_the_soft_band_is_amber() -> None:
    first = recorded()[0]
    scores = np.array([0.9, 0.8, 0.41], np.float32)
    three = with_detections(
        replace(first, detections=first.detections.select(np.arange(3))), scores=scores
    )
    two = replace(three, detections=three.detections.select(np.arange(2)))
    gate = Gate(E3, THRESHOLD, candidate_cut=True)
    gate.add(three, two)
    badge, reason = badge_of(gate.result(), gate.strain)
    assert badge is Badge.AMBER
    assert "1 detection near the threshold" in reason
    assert gate.result().cause == "1 near the threshold"


def test_totals_over_a_long_run_stay_small() -> None:
    gate = Gate(E3, THRESHOLD)
    item = recorded()[0]
    other = noisy(item)
    for _ in range(30):
        gate.add(item, other)
        item, other = (
            replace(r, frame=replace(r.frame, frame_index=r.frame.frame_index + 1))
            for r in (item, other)
        )
    outcome = gate.result()
    assert outcome.frames == 30
    assert len(outcome.failures) <= 10
