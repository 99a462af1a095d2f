"""Slots for other settings, captured one by one while those in effect serve."""

from dataclasses import replace

import pytest

from rfviewer.optimizations import Optimizations
from tests.engine_cuda.fake_network import FRAMES, FakeNetwork, digests, run_all

pytestmark = pytest.mark.needs_cuda


@pytest.mark.parametrize(
    ("changes", "slots"),
    [({"roi_masks": False}, 3), ({"depth": 4}, 2), ({"micro_batch": 4}, 3), ({}, 0)],
)
def test_slots_are_built_between_frames_and_nothing_in_flight_is_touched(make, changes, slots):
    network = FakeNetwork()
    network.capacity = 16
    # The tiny network has one form.
    before = Optimizations(depth=2, fused_network=False, dependent_launch=False)
    engine, wanted = make(before, network=network), replace(before, **changes)
    results = run_all(engine, FRAMES)
    alone, steps, ready = digests(results), 0, False
    served = []
    for item in FRAMES:
        if engine.in_flight == engine.depth:
            served.append(engine.collect())
        engine.submit(item, 0.5)
        if not ready:
            ready = engine.prepare(wanted)  # with frames in flight
            steps += 1
    while engine.in_flight:
        served.append(engine.collect())
    assert digests(served) == alone
    assert {result.optimizations for result in served} == {before}
    assert ready
    assert steps == max(1, slots)
    bound = network.bound
    engine.configure(wanted)
    assert network.bound == bound  # all was there
    after = run_all(engine, FRAMES)
    assert digests(after) == alone
    assert {result.optimizations for result in after} == {wanted}


def test_what_is_launched_from_the_host_leaves_everything_to_configure(make):
    engine = make(Optimizations(depth=2, cuda_graph=False))
    assert engine.prepare(Optimizations(depth=2))


def test_a_network_that_no_graph_can_hold_is_left_to_configure(make):
    network = FakeNetwork()
    engine = make(Optimizations(depth=1), network=network)
    network.waits = True
    wanted = Optimizations(depth=1, roi_masks=False)
    assert engine.prepare(wanted)
    engine.configure(wanted)
    state = next(state for state in engine.info.toggles if state.name == "cuda_graph")
    assert not state.effective
    assert state.reason.startswith("capture failed")
