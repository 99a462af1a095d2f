"""What the toggles change in the results of the GPU engine, and those that it cannot have."""

from dataclasses import replace

import numpy as np
import pytest

from rfviewer.config import ResizeMode
from rfviewer.optimizations import Optimizations, toggle_names, toggle_of
from rfviewer.timing import Stage
from rfviewer.toggle import Exactness
from tests.engine_cuda.fake_network import FRAMES, FakeNetwork, digest, digests, frame, run_all

pytestmark = pytest.mark.needs_cuda

STAGES = {Stage.H2D, Stage.PREPROCESS, Stage.INFER, Stage.POSTPROCESS, Stage.D2H}
SWITCHES = [name for name in toggle_names() if not toggle_of(name).choices]
BIT_EXACT = [name for name in SWITCHES if toggle_of(name).exactness is Exactness.BIT_EXACT]


@pytest.mark.parametrize("name", BIT_EXACT)
@pytest.mark.parametrize("depth", [1, 3])
def test_a_bit_exact_toggle_gives_the_same_bits(make, wanted, name, depth):
    chosen = replace(Optimizations(depth=depth), **{name: False})
    engine = make(chosen)
    results = run_all(engine, FRAMES)
    assert digests(results) == wanted
    states = {state.name: state for state in engine.info.toggles}
    assert states["cuda_graph"].effective == chosen.cuda_graph, states["cuda_graph"].reason
    for result in results:
        assert getattr(result.optimizations, name) is False
        assert set(result.timings.stages_ms) == STAGES
        assert all(duration >= 0 for duration in result.timings.stages_ms.values())


@pytest.mark.parametrize("depth", [1, 3])
def test_rows_that_the_resize_skips_are_not_needed(make, depth):
    """In their place on the device lie rows of older frames."""
    frames = [frame(index, (64, 480)) for index in range(12)]
    engine = make(Optimizations(depth=depth))
    found = digests(run_all(engine, frames))
    assert len(engine._slots[0].tables.pieces) < 60  # of 180
    whole = make(Optimizations(depth=depth, needed_rows=False))
    assert digests(run_all(whole, frames)) == found


@pytest.mark.parametrize("resize", [ResizeMode.A, ResizeMode.B])
def test_everything_off_finds_the_same(make, resize):
    on = run_all(make(Optimizations(depth=2), resize=resize), FRAMES)
    off = run_all(make(Optimizations.baseline(), resize=resize), FRAMES)
    assert all(result.optimizations == Optimizations.baseline() for result in off)
    for a, b in zip(on, off, strict=True):
        assert a.detections.class_ids.tolist() == b.detections.class_ids.tolist()
        np.testing.assert_allclose(a.detections.scores, b.detections.scores, atol=1e-4)
        rounded = b.detections.boxes_xyxy
        np.testing.assert_array_equal(rounded, np.rint(rounded))
        np.testing.assert_allclose(a.detections.boxes_xyxy, rounded, atol=0.51)
        assert (a.detections.masks.dense() != b.detections.masks.dense()).sum() <= 8


def test_boxes_are_rounded_to_whole_pixels_or_not_at_all(make):
    fractions = run_all(make(), FRAMES)
    rounded = run_all(make(Optimizations(depth=1, float_boxes=False)), FRAMES)
    for a, b in zip(fractions, rounded, strict=True):
        whole = np.rint(a.detections.boxes_xyxy)
        np.testing.assert_array_equal(whole, b.detections.boxes_xyxy)
        assert digest(replace(a, detections=replace(a.detections, boxes_xyxy=whole))) == digest(b)


@pytest.mark.parametrize("resize", [ResizeMode.A, ResizeMode.B])
@pytest.mark.parametrize("planar", [True, False])
def test_constants_in_passes_of_their_own_differ_by_rounding(make, resize, planar):
    inputs = []
    for fused in (True, False):
        wanted = Optimizations(depth=1, fused_constants=fused, planar_stores=planar)
        engine = make(wanted, resize=resize)
        run_all(engine, FRAMES[:1])
        inputs.append(engine._sets.place(0)[1].network_input.clone())
    difference = float((inputs[0] - inputs[1]).abs().max())
    assert 0 < difference <= 1e-6


def test_without_early_warmup_the_first_frame_brings_the_slots(make, wanted):
    engine = make(Optimizations(depth=2, early_warmup=False))
    assert not engine._slots
    assert digests(run_all(engine, FRAMES)) == wanted
    assert engine._slots
    engine.configure(Optimizations(depth=2, early_warmup=False, roi_masks=False))
    assert not engine._slots


def test_toggles_flip_live_and_tag_the_results(make, wanted):
    engine = make(Optimizations(depth=2))
    for name in [*BIT_EXACT, "depth"]:
        for value in (False, True) if name != "depth" else (4, 2):
            chosen = replace(Optimizations(depth=2), **{name: value})
            engine.configure(chosen)
            results = run_all(engine, FRAMES[:4])
            assert digests(results) == wanted[:4], name
            expected = chosen
            if name == "packed_masks" and not value:
                expected = replace(expected, fixed_copy=False, device_overlay=False)
            if name in {"cuda_graph", "event_waits"} and not value:
                expected = replace(expected, early_relaunch=False)
            if name == "pinned_input" and not value:
                expected = replace(expected, needed_rows=False, device_frames=False)
            # The tiny network has one form.
            expected = replace(expected, fused_network=False, dependent_launch=False)
            assert {result.optimizations for result in results} == {expected}


def test_a_network_that_no_graph_can_hold_runs_without_and_says_why(make, wanted):
    engine = make(Optimizations(depth=2), network=FakeNetwork(waits=True))
    state = next(state for state in engine.info.toggles if state.name == "cuda_graph")
    assert (state.requested, state.effective, state.available) == (True, False, False)
    assert state.reason.startswith("capture failed: ")
    results = run_all(engine, FRAMES)
    assert digests(results) == wanted
    assert not results[0].optimizations.cuda_graph


def test_a_network_of_one_form_cannot_be_fused_and_says_so(make, wanted):
    engine = make(Optimizations(depth=1, fused_network=True))
    state = next(state for state in engine.info.toggles if state.name == "fused_network")
    assert (state.requested, state.effective, state.available) == (True, False, False)
    assert "one form only" in state.reason
    assert digests(run_all(engine, FRAMES)) == wanted
