"""States of the toggles on a GPU, without one."""

from dataclasses import replace

import pytest

from rfviewer.config import ResizeMode
from rfviewer.engine.cuda.toggles import cuda_toggles, slot_key
from rfviewer.engine.toggles import effective_optimizations
from rfviewer.optimizations import Optimizations, toggle_names


def states_of(
    optimizations,
    *,
    resize=ResizeMode.A,
    has_masks=True,
    failures=None,
    obstacles=None,
):
    return cuda_toggles(
        optimizations,
        resize=resize,
        has_masks=has_masks,
        failures=failures or {},
        obstacles=obstacles or {},
    )


def states(optimizations, **kwargs):
    return {state.name: state for state in states_of(optimizations, **kwargs)}


def test_every_toggle_has_a_state_in_display_order():
    found = states_of(Optimizations())
    assert tuple(state.name for state in found) == toggle_names()
    for state in found:
        assert (state.requested != state.effective) == bool(state.reason)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_the_gpu_takes_every_depth(depth):
    assert states(Optimizations(depth=depth))["depth"].effective == depth


def test_baseline_is_all_off():
    found = states_of(Optimizations.baseline())
    assert effective_optimizations(found) == Optimizations.baseline()


def test_a_failed_capture_is_told():
    found = states(Optimizations(), failures={"cuda_graph": "capture failed: not permitted"})
    state = found["cuda_graph"]
    assert (state.requested, state.effective, state.available) == (True, False, False)
    assert state.reason == "capture failed: not permitted"
    assert not found["early_relaunch"].effective


@pytest.mark.parametrize("name", ["event_waits", "cuda_graph"])
def test_nothing_is_launched_early_by_a_launch_that_keeps_the_host(name):
    state = states(Optimizations().set(name, "off"))["early_relaunch"]
    assert (state.requested, state.effective, state.available) == (True, False, True)
    assert name in state.reason


def test_a_spare_slot_without_memory_is_told():
    found = states(Optimizations(), failures={"early_relaunch": "no memory for a spare slot"})
    state = found["early_relaunch"]
    assert (state.requested, state.effective, state.available) == (True, False, False)
    assert state.reason == "no memory for a spare slot"
    assert found["cuda_graph"].effective


def test_rows_are_left_out_only_where_some_are_not_read_and_the_copy_can():
    assert states(Optimizations())["needed_rows"].effective
    state = states(Optimizations(pinned_input=False))["needed_rows"]
    assert (state.requested, state.effective, state.available) == (True, False, True)
    assert "pageable" in state.reason
    state = states(Optimizations(), resize=ResizeMode.B)["needed_rows"]
    assert (state.requested, state.effective, state.available) == (True, False, False)
    assert "mode B" in state.reason


@pytest.mark.parametrize("name", ["fixed_copy", "device_overlay"])
def test_what_dense_masks_rule_out(name):
    state = states(Optimizations(packed_masks=False))[name]
    assert not state.effective
    assert state.reason
    assert state.available
    assert states(Optimizations(packed_masks=False), has_masks=False)[name].effective


def test_parts_of_the_fused_preprocess_are_off_without_it():
    found = states(Optimizations(fused_preprocess=False))
    for name in ("fused_constants", "planar_stores"):
        assert (found[name].effective, found[name].available) == (False, True)
        assert found[name].reason


def test_slots_are_shared_by_settings_that_do_not_touch_them():
    first = Optimizations()
    assert slot_key(first) == slot_key(replace(first, depth=4, roi_render=False))
    same = {"depth", "early_relaunch", "roi_render", "device_overlay", "early_warmup"} | {
        "device_frames"
    }
    for name in set(toggle_names()) - same:
        value = getattr(first, name)
        other = 4 if name == "micro_batch" else not value
        assert slot_key(first) != slot_key(replace(first, **{name: other})), name


@pytest.mark.parametrize("frames", [1, 2, 4, 8])
def test_the_gpu_takes_every_micro_batch_unless_the_network_cannot(frames):
    wanted = Optimizations(micro_batch=frames)
    assert states(wanted)["micro_batch"].effective == frames
    state = states(wanted, obstacles={"micro_batch": "one frame a pass"})["micro_batch"]
    assert (state.requested, state.effective, state.available) == (frames, 1, False)
    assert state.reason == "one frame a pass"


def test_a_network_without_a_fused_form_says_why():
    wanted, reason = Optimizations(fused_network=True), "not written for two windows"
    assert states(wanted)["fused_network"].effective
    state = states(wanted, obstacles={"fused_network": reason})["fused_network"]
    assert (state.effective, state.reason) == (False, "not written for two windows")


def test_only_the_fused_network_launches_dependently():
    assert states(Optimizations())["dependent_launch"].effective
    state = states(Optimizations(fused_network=False))["dependent_launch"]
    assert (state.effective, state.available, state.reason) == (
        False,
        True,
        "part of the fused network",
    )
