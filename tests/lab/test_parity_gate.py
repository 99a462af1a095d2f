"""What the gate must catch and what it must let pass."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rfviewer.detections import Detections, InstanceMasks
from rfviewer.experiment import ParityResult
from rfviewer.lab.gate import Gate, compare
from rfviewer.lab.tolerance import E1, E2, E3, X0, Tolerance
from rfviewer.result import FrameResult
from tests.lab.parity_cases import (
    NAMES,
    THRESHOLD,
    dense,
    noisy,
    recorded,
    synthetic,
    with_detections,
)

type Results = list[FrameResult]
type Planted = Callable[[Results, int], Results]


def judge(reference: Results, candidate: Results, tolerance: Tolerance) -> ParityResult:
    return compare(reference, candidate, tolerance, THRESHOLD, class_names=NAMES)


def firm_row(results: Results, at: int) -> int:
    """Return a confident detection of that frame, with a neighbour after it."""
    scores = results[at].detections.scores
    return int(np.argmax(scores))


def changed(results: Results, at: int, **columns: object) -> Results:
    return [with_detections(r, **columns) if i == at else r for i, r in enumerate(results)]


def wrong_frame_id(results: Results, at: int) -> Results:
    other = replace(results[at], frame=results[at - 1].frame)
    return [*results[:at], other, *results[at + 1 :]]


def swapped_frames(results: Results, at: int) -> Results:
    return [*results[:at], results[at + 1], results[at], *results[at + 2 :]]


def swapped_results_with_forged_ids(results: Results, at: int) -> Results:
    pair = results[at], results[at + 1]
    forged = [replace(a, detections=b.detections) for a, b in (pair, pair[::-1])]
    return [*results[:at], *forged, *results[at + 2 :]]


def class_flip(results: Results, at: int) -> Results:
    classes = results[at].detections.class_ids.copy()
    row = firm_row(results, at)
    classes[row] = (classes[row] + 1) % 3
    return changed(results, at, class_ids=classes)


def box_shift(results: Results, at: int) -> Results:
    boxes = results[at].detections.boxes_xyxy.copy()
    boxes[firm_row(results, at)] += np.float32(6.0)
    return changed(results, at, boxes_xyxy=boxes)


def swapped_mask(results: Results, at: int) -> Results:
    order = np.arange(len(results[at].detections))
    row = firm_row(results, at)
    order[[row, row + 1]] = order[[row + 1, row]]
    return changed(results, at, masks=results[at].detections.masks.select(order))


def lost(results: Results, at: int) -> Results:
    keep = np.arange(len(results[at].detections)) != firm_row(results, at)
    other = replace(results[at], detections=results[at].detections.select(keep))
    return [*results[:at], other, *results[at + 1 :]]


def extra(results: Results, at: int) -> Results:
    found, row = results[at].detections, firm_row(results, at)
    other = replace(results[at], detections=found.select(np.r_[0 : len(found), row]))
    boxes = other.detections.boxes_xyxy.copy()
    boxes[-1] += np.float32(45.0)
    other = with_detections(other, boxes_xyxy=boxes)
    return [*results[:at], other, *results[at + 1 :]]


def missing_frame(results: Results, at: int) -> Results:
    return [*results[:at], *results[at + 1 :]]


def repeated_frame(results: Results, at: int) -> Results:
    return [*results[: at + 1], results[at], *results[at + 1 :]]


PLANTS = [
    wrong_frame_id,
    swapped_frames,
    swapped_results_with_forged_ids,
    class_flip,
    box_shift,
    swapped_mask,
    lost,
    extra,
    missing_frame,
    repeated_frame,
]


@pytest.fixture(scope="module")
def long_run() -> Results:
    return synthetic(538)


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("tolerance", [X0, E3], ids=lambda t: t.name)
def test_one_fault_in_538_frames_is_caught(
    plant: Planted, tolerance: Tolerance, long_run: Results
) -> None:
    outcome = judge(long_run, plant(long_run, 311), tolerance)
    assert not outcome.passed
    assert outcome.failures
    assert any("311" in text or "537" in text or "538" in text for text in outcome.failures)


@pytest.mark.parametrize("plant", PLANTS)
def test_one_fault_in_recorded_results_with_noise_is_caught(plant: Planted) -> None:
    reference = list(recorded())[5:15]
    candidate = [noisy(item) for item in plant(reference, 4)]
    assert not judge(reference, candidate, E3).passed


def test_what_was_planted_is_named_and_counted(long_run: Results) -> None:
    flip = judge(long_run, class_flip(long_run, 311), E3)
    assert (flip.flips, flip.missing, flip.extra, flip.worst_frame) == (1, 0, 0, 311)
    assert "became" in flip.failures[0]
    shift = judge(long_run, box_shift(long_run, 311), E3)
    assert shift.box_max_px == pytest.approx(6.0)
    assert "moved by 6 px (allowed 5)" in shift.failures[0]
    gone = judge(long_run, lost(long_run, 311), E3)
    assert (gone.flips, gone.missing, gone.extra) == (0, 1, 0)
    more = judge(long_run, extra(long_run, 311), E3)
    assert (more.flips, more.missing, more.extra) == (0, 0, 1)
    mask = judge(long_run, swapped_mask(long_run, 311), E3)
    assert mask.iou_min < 0.5
    assert mask.pairs == flip.pairs + 1 == 538 * 5


def test_equal_bytes_pass_as_g0_however_masks_are_stored() -> None:
    reference = list(recorded())
    outcome = judge(reference, [dense(item) for item in reference], X0)
    assert (outcome.passed, outcome.gate, outcome.worst_frame) == (True, "G0", None)
    assert outcome.verdict.startswith("Equal, byte for byte")
    assert outcome.box_max_px == outcome.score_max == 0.0
    assert outcome.iou_min == 1.0


def test_a_single_bit_fails_g0() -> None:
    reference = list(recorded())
    masks = dense(reference[3]).detections.masks
    data = masks.data.copy()
    data[0, 175, 311] ^= 1
    for columns in (
        {"masks": replace(masks, data=data)},
        {"scores": np.nextafter(reference[3].detections.scores, np.float32(1))},
    ):
        outcome = judge(reference, changed(reference, 3, **columns), X0)
        assert (outcome.passed, outcome.gate) == (False, "G0")
        assert outcome.worst_frame == reference[3].frame.frame_index


def test_the_order_of_equal_detections_counts_for_bytes_only() -> None:
    reference = list(recorded())
    rng = np.random.default_rng(1)
    permuted = [
        replace(r, detections=r.detections.select(rng.permutation(len(r.detections))))
        for r in reference
    ]
    assert not judge(reference, permuted, X0).passed
    outcome = judge(reference, permuted, E1)
    assert outcome.passed
    assert outcome.gate == "G1/E1"
    assert outcome.box_max_px == 0.0


def test_noise_as_of_fp16_passes_e3_and_no_tighter_class() -> None:
    reference = list(recorded())
    candidate = [noisy(item) for item in reference]
    outcome = judge(reference, candidate, E3)
    assert outcome.passed, outcome.failures
    assert outcome.gate == "G1/E3"
    assert (outcome.flips, outcome.missing, outcome.extra) == (0, 0, 0)
    assert 0.1 < outcome.box_max_px < 1.5
    assert not judge(reference, candidate, E2).passed


def columns(*rows: tuple[float, float, int]) -> Detections:
    """Return detections (left, score, class) of 10x10 px, without masks."""
    boxes = [[left, 0, left + 10, 10] for left, _, _ in rows]
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in rows], np.float32),
        np.array([class_id for _, _, class_id in rows], np.int32),
    )


def frames_of(base: FrameResult, found: Detections) -> Results:
    return [replace(base, detections=found)]


@pytest.mark.parametrize(
    ("reference", "candidate", "counts"),
    [
        # (missing, extra, flips, soft), whether it passes; the band is 0.37 to 0.43
        (columns((0, 0.42, 1)), columns(), ((0, 0, 0, 1), True)),
        (columns((0, 0.44, 1)), columns(), ((1, 0, 0, 0), False)),
        (columns(), columns((0, 0.38, 1)), ((0, 0, 0, 1), True)),
        (columns((0, 0.42, 1)), columns((0, 0.41, 2)), ((0, 0, 0, 1), True)),
        (columns((0, 0.42, 1)), columns((0, 0.44, 2)), ((0, 0, 1, 0), False)),
        (columns((0, 0.42, 1)), columns((45, 0.41, 1)), ((0, 0, 0, 2), True)),
        (columns(*[(50 * i, 0.42, 1) for i in range(3)]), columns(), ((0, 0, 0, 3), False)),
    ],
)
def test_the_soft_band_excuses_weak_detections_and_not_many(reference, candidate, counts) -> None:
    base = recorded()[0]
    outcome = judge(frames_of(base, reference), frames_of(base, candidate), E3)
    assert (outcome.missing, outcome.extra, outcome.flips, outcome.soft) == counts[0]
    assert outcome.passed is counts[1]


def test_one_query_with_two_classes_pairs_by_class() -> None:
    base = recorded()[0]
    reference = columns((0, 0.9, 1), (0, 0.8, 2))
    candidate = columns((0, 0.81, 2), (0, 0.79, 1))
    outcome = judge(frames_of(base, reference), frames_of(base, candidate), E3)
    assert outcome.flips == 0
    assert outcome.pairs == 2
    assert outcome.score_max == pytest.approx(0.11, abs=1e-6)


def test_a_live_candidate_that_was_cut_at_the_threshold_is_judged_fairly() -> None:
    base = recorded()[0]

    def live(reference: Detections, candidate: Detections) -> ParityResult:
        gate = Gate(E3, THRESHOLD, candidate_cut=True)
        gate.add(*frames_of(base, reference), *frames_of(base, candidate))
        return gate.result()

    # Below the threshold the candidate shows nothing, so the reference's weak ones say nothing.
    under = live(columns((0, 0.9, 1), (50, 0.38, 1)), columns((0, 0.9, 1)))
    assert (under.passed, under.soft, under.gate) == (True, 0, "G0")
    # The reference may have fallen below the threshold where the candidate is just above.
    edge = live(columns((0, 0.385, 1)), columns((0, 0.41, 1)))
    assert (edge.passed, edge.extra, edge.pairs) == (True, 0, 1)
    assert live(columns(), columns((0, 0.5, 1))).extra == 1
    assert live(columns((0, 0.5, 1)), columns()).missing == 1
    assert live(columns((0, 0.41, 1)), columns()).soft == 1


def test_small_masks_may_lose_pixels_and_large_ones_a_share() -> None:
    base = recorded()[0]

    def with_square(side: int, cut: int) -> Results:
        data = np.zeros((1, 176, 312), np.uint8)
        data[0, :side, :side] = 1
        data[0, : cut // side, :side] = 0
        data[0, cut // side, : cut % side] = 0
        regions = np.array([[0, 0, side, side]], np.int32)
        masks = InstanceMasks(data, regions, 312, 176, packed=False)
        return frames_of(base, replace(columns((0, 0.9, 1)), masks=masks))

    def passes(side: int, cut: int) -> bool:
        tolerance = replace(E3, mask_iou_mean=0.0)
        return judge(with_square(side, 0), with_square(side, cut), tolerance).passed

    assert passes(5, 5)  # IoU 0.8, but 5 px
    assert passes(100, 100)  # 100 px, but IoU 0.99
    assert not passes(20, 33)  # 33 px and IoU 0.92
