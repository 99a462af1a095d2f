"""The spare slot of the GPU engine: launched as a network ends, before the frame is read."""

import pytest

from rfviewer.optimizations import Optimizations
from tests.engine_cuda.fake_network import FRAMES, FakeNetwork, digests, run_all

pytestmark = pytest.mark.needs_cuda


def network_times(engine):
    """Return a list that grows by when the device ran each network: start and end, ms."""
    found, add = [], engine._usage.add

    def noted(outcome):
        found.append(outcome.infer_ms)
        add(outcome)

    engine._usage.add = noted
    return found


def one_after_the_other(networks, depth):
    """Fail unless at most `depth` networks ran at a time."""
    for (_, end_ms), (start_ms, _) in zip(networks, networks[depth:], strict=False):
        assert end_ms <= start_ms


@pytest.mark.parametrize("depth", [1, 3])
def test_a_spare_slot_is_launched_before_the_oldest_frame_is_read(make, wanted, depth):
    engine = make(Optimizations(depth=depth))
    networks = network_times(engine)
    assert len(engine._slots) == depth + 1
    for item in FRAMES[:depth]:
        assert engine.make_room()
        engine.submit(item, 0.5)
    assert engine.make_room()  # waits for the oldest network, and reads nothing
    assert engine.in_flight == depth
    engine.submit(FRAMES[depth], 0.5)
    assert not engine.make_room()
    with pytest.raises(RuntimeError, match=f"{depth + 1} frames are in flight"):
        engine.submit(FRAMES[depth + 1], 0.5)
    results = [engine.collect()]
    assert engine.make_room()
    engine.submit(FRAMES[depth + 1], 0.5)
    while engine.in_flight:
        results.append(engine.collect())
    assert digests(results) == wanted[: depth + 2]
    one_after_the_other(networks, depth)


@pytest.mark.parametrize("stamped", [True, False])
@pytest.mark.parametrize("depth", [1, 2])
def test_a_pass_launched_before_a_network_ends_waits_for_it(make, wanted, depth, stamped):
    chosen = Optimizations(depth=depth, kernel_timestamps=stamped)
    engine = make(chosen, network=FakeNetwork(tells_early=True))
    networks = network_times(engine)
    assert digests(run_all(engine, FRAMES)) == wanted
    assert len(networks) == len(FRAMES)
    one_after_the_other(networks, depth)


def test_without_a_spare_slot_a_frame_is_read_before_the_next_is_launched(make, wanted):
    engine = make(Optimizations(depth=2, early_relaunch=False))
    assert len(engine._slots) == 2
    for item in FRAMES[:2]:
        assert engine.make_room()
        engine.submit(item, 0.5)
    assert not engine.make_room()
    assert digests([engine.collect(), engine.collect()]) == wanted[:2]


def test_without_memory_for_a_spare_slot_the_others_run_and_it_says_why(make, wanted):
    network = FakeNetwork()
    network.places_in_memory = 2
    engine = make(Optimizations(depth=2), network=network)
    state = next(state for state in engine.info.toggles if state.name == "early_relaunch")
    assert (state.requested, state.effective, state.available) == (True, False, False)
    assert state.reason == "no memory for a spare slot"
    assert len(engine._slots) == 2
    assert digests(run_all(engine, FRAMES)) == wanted
