"""Toggles that change a detail of the preprocess or of what is handed on."""

from dataclasses import replace

import numpy as np
import pytest

from rfviewer.config import ResizeMode
from rfviewer.engine.toggles import NO_FUSED_PREPROCESS, host_toggles
from rfviewer.optimizations import Optimizations
from tests.engine.fake_backend import SPEC, FakeBackend, assert_same, frame, run_all

FRAMES = [frame(index) for index in range(5)]


@pytest.mark.parametrize("resize", list(ResizeMode))
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("name", ["planar_stores", "direct_detections"])
def test_bit_exact_ones_change_no_bit(make, name, depth, resize):
    wanted = run_all(make(resize=resize), FRAMES)
    off = replace(Optimizations(depth=depth), **{name: False})
    for a, b in zip(wanted, run_all(make(off, resize=resize), FRAMES), strict=True):
        assert_same(a.detections, b.detections)
        assert getattr(b.optimizations, name) is False


@pytest.mark.parametrize("resize", list(ResizeMode))
@pytest.mark.parametrize("planar", [True, False])
def test_constants_in_passes_of_their_own_differ_by_rounding(make, resize, planar):
    inputs = []
    for fused in (True, False):
        backend = FakeBackend()
        wanted = Optimizations(depth=1, fused_constants=fused, planar_stores=planar)
        run_all(make(wanted, backend, resize=resize), FRAMES[:1])
        inputs.append(backend.bound[0].network_input.copy())
    difference = np.abs(inputs[0] - inputs[1]).max()
    assert difference <= 1e-6
    assert (difference == 0) == (resize is ResizeMode.B), "mode B looks the levels up either way"


def test_boxes_are_rounded_to_whole_pixels_or_not_at_all(make):
    fractions = run_all(make(), FRAMES)
    rounded = run_all(make(Optimizations(depth=1, float_boxes=False)), FRAMES)
    some = False
    for a, b in zip(fractions, rounded, strict=True):
        boxes = a.detections.boxes_xyxy
        some |= bool((boxes != np.rint(boxes)).any())
        np.testing.assert_array_equal(np.rint(boxes), b.detections.boxes_xyxy)
        assert_same(replace(a.detections, boxes_xyxy=np.rint(boxes)), b.detections)
    assert some


def test_parts_of_the_fused_preprocess_are_off_without_it():
    states = {s.name: s for s in host_toggles(Optimizations(fused_preprocess=False), SPEC)}
    for name in ("fused_constants", "planar_stores"):
        state = states[name]
        assert (state.requested, state.effective, state.available) == (True, False, True)
        assert state.reason == NO_FUSED_PREPROCESS
    both = Optimizations(fused_preprocess=False, fused_constants=False, planar_stores=False)
    assert not any(s.reason for s in host_toggles(both, SPEC) if s.name in states and s.available)
