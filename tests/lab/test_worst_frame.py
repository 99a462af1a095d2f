"""What a picture of a worst frame says of detections that one side has alone."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from rfviewer.compose import save_comparison
from rfviewer.detections import Detections
from rfviewer.frame import Frame
from rfviewer.lab.pairing import Difference, FrameComparison, compare_frame
from rfviewer.lab.tolerance import E2, E3, Tolerance
from rfviewer.lab.worst_frame import WorstFrame
from rfviewer.palette import PALETTE
from rfviewer.render.comparison import ONLY_REFERENCE
from rfviewer.render.masks import bgra
from tests.lab.parity_cases import NAMES, noisy, recorded
from tests.render.test_comparison import count, square

THRESHOLD = 0.5
FIRM = square(60, 60, 40)


def with_score(found: Detections, score: float) -> Detections:
    return Detections(found.boxes_xyxy, np.array([score], np.float32), found.class_ids, found.masks)


def both(first: Detections, second: Detections) -> Detections:
    """Return the detections of two in one."""
    masks = first.masks.select(np.arange(0))
    data = np.concatenate([first.masks.data, second.masks.data])
    regions = np.concatenate([first.masks.regions_xyxy, second.masks.regions_xyxy])
    return Detections(
        np.concatenate([first.boxes_xyxy, second.boxes_xyxy]),
        np.concatenate([first.scores, second.scores]),
        np.concatenate([first.class_ids, second.class_ids]),
        type(masks)(data, regions, masks.width, masks.height, packed=False),
    )


def worst(
    reference: Detections, candidate: Detections, tolerance: Tolerance = E3, *, cut: bool = False
) -> WorstFrame:
    image = np.full((300, 600, 3), 90, np.uint8)
    comparison = compare_frame(
        7, reference, candidate, THRESHOLD, tolerance, class_names=NAMES, candidate_cut=cut
    )
    return WorstFrame(Frame(image, 600, 300, 7, 0.28, 0), reference, candidate, comparison)


def weak(score: float) -> Detections:
    return both(FIRM, with_score(square(300, 150, 50), score))


def test_what_one_side_has_alone_in_the_soft_band_is_dashed_and_counted() -> None:
    item = worst(weak(0.51), FIRM)
    assert (item.comparison.missing, item.comparison.soft) == (0, 1)
    assert item.weak_rows == ((1,), ())
    told = item.caption()
    assert told[0] == (
        "frame 7 at 0.280 s: 0 missing, 0 extra, 0 of another class, 1 near the threshold"
    )
    assert told[-1].startswith("dashed: 1 on one side only, within 0.03 of the threshold 0.5")
    assert worst(FIRM, weak(0.48)).weak_rows == ((), (1,))


def test_what_is_missing_is_not_dashed() -> None:
    item = worst(weak(0.51), FIRM, E2)
    assert (item.comparison.missing, item.comparison.soft) == (1, 0)
    assert item.weak_rows == ((), ())
    told = item.caption()
    assert "1 missing" in told[0]
    assert not [line for line in told if "dashed" in line]


def test_what_live_results_are_cut_of_is_dashed_and_not_counted() -> None:
    item = worst(weak(0.48), FIRM, cut=True)
    assert item.comparison.soft == 0
    assert item.weak_rows == ((1,), ())
    told = item.caption()
    assert "0 near the threshold" in told[0]
    assert told[-1].startswith("dashed: 1 of the reference only, not above the threshold 0.5")
    assert told[-1].endswith("not counted")
    assert worst(weak(0.51), FIRM, cut=True).comparison.soft == 1


def test_a_weak_change_of_class_is_told_apart_from_what_is_dashed() -> None:
    other = weak(0.51)
    other.class_ids[1] += 1
    told = worst(weak(0.51), other).caption()
    assert told[0].endswith("1 near the threshold, 1 of these of another class")
    assert not [line for line in told if "dashed" in line]


def test_results_of_another_frame_have_no_counts() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    comparison = FrameComparison(7, 0, differences=(Difference("a result of another frame", 9.0),))
    item = WorstFrame(Frame(image, 8, 8, 7, 0.28, 0), weak(0.51), FIRM, comparison)
    assert item.caption() == ["frame 7 at 0.280 s", "fails: a result of another frame"]


@pytest.mark.parametrize("cut", [False, True])
def test_whatever_is_drawn_solid_on_one_side_only_is_missing_or_extra(cut: bool) -> None:
    rng = np.random.default_rng(3)
    told = 0
    for item in recorded():
        sides = [item.detections, noisy(item).detections]
        for place, found in enumerate(sides):
            least = 0.4 if cut and place else 0.37
            keep = (rng.random(len(found)) > 0.2) & (found.scores > np.float32(least))
            sides[place] = found.select(keep)
        comparison = compare_frame(0, *sides, 0.4, E3, candidate_cut=cut)
        rows = WorstFrame(item.frame, *sides, comparison).weak_rows
        solid = [len(found) - len(dashed) for found, dashed in zip(sides, rows, strict=True)]
        assert solid[0] - comparison.missing == solid[1] - comparison.extra
        told += len(rows[0]) + len(rows[1])
    assert told > 10


def test_the_picture_shows_no_mask_that_the_counts_allow(tmp_path: Path) -> None:
    for name, tolerance in (("soft", E3), ("missing", E2)):
        path = tmp_path / f"{name}.png"
        item = worst(weak(0.51), FIRM, tolerance)
        save_comparison(path, item, NAMES, ("a", "b"), {})
        sheet = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2BGRA)
        orange = count(sheet[sheet.shape[0] // 2 :, : sheet.shape[1] // 2], ONLY_REFERENCE)
        reference = sheet[28:328, 10:610]
        inside = reference[170:180, 320:330]
        candidate = sheet[28:328, 620:1220]
        assert (candidate[140:210, 290:360, :3] == 90).all()
        if tolerance is E3:
            assert 50 < orange < 0.2 * 50 * 50  # dashes
            assert (inside[..., :3] == 90).all()
            edge = reference[151, 302:348]
            person = (edge == bgra(PALETTE[0])).all(axis=1)
            assert 0 < person.sum() < len(edge)
        else:
            assert orange == 50 * 50
            assert (inside[..., :3] != 90).any()
