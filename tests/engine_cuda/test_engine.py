"""The GPU engine on a tiny network: slots, graphs, toggles, formats, faults, memory."""

import gc
from dataclasses import replace

import numpy as np
import pytest
import torch

from rfviewer.config import ResizeMode
from rfviewer.engine.ranges import Ranges
from rfviewer.errors import EngineError
from rfviewer.experiment import ReplayPart
from rfviewer.frame import Frame, PixelFormat
from rfviewer.optimizations import Optimizations, toggle_names, toggle_of
from rfviewer.timing import Stage
from rfviewer.toggle import Exactness
from tests.engine_cuda.fake_network import FakeNetwork, digest, digests, frame, run_all

pytestmark = pytest.mark.needs_cuda

FRAMES = [frame(index) for index in range(24)]
STAGES = {Stage.H2D, Stage.PREPROCESS, Stage.INFER, Stage.POSTPROCESS, Stage.D2H}
SWITCHES = [name for name in toggle_names() if not toggle_of(name).choices]
BIT_EXACT = [name for name in SWITCHES if toggle_of(name).exactness is Exactness.BIT_EXACT]


@pytest.fixture
def wanted(make):
    """What one slot with everything on gives."""
    results = run_all(make(), FRAMES)
    assert sum(len(result.detections) for result in results) > len(FRAMES)
    return digests(results)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_frames_in_flight_never_mix(make, wanted, depth):
    engine = make(Optimizations(depth=depth))
    results = run_all(engine, FRAMES)
    assert [result.frame for result in results] == FRAMES
    assert digests(results) == wanted


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
                expected = replace(expected, needed_rows=False)
            expected = replace(expected, fused_network=False)  # the tiny network has one form
            assert {result.optimizations for result in results} == {expected}


def test_results_stay_valid(make):
    engine = make(Optimizations(depth=2))
    first = run_all(engine, FRAMES[:1])[0]
    before = digest(first)
    run_all(engine, FRAMES[1:])
    engine.close()
    assert digest(first) == before


def test_too_many_frames_and_configuring_in_flight_are_refused(make):
    engine = make(Optimizations(depth=2))
    engine.submit(FRAMES[0], 0.5)
    with pytest.raises(RuntimeError, match="in flight"):
        engine.configure(Optimizations(depth=1))
    with pytest.raises(RuntimeError, match="in flight"):
        engine.replay_backend(1)
    engine.submit(FRAMES[1], 0.5)
    with pytest.raises(RuntimeError, match="2 frames are in flight"):
        engine.submit(FRAMES[2], 0.5)
    assert engine.collect().frame is FRAMES[0]
    assert engine.collect().frame is FRAMES[1]
    assert engine.in_flight == 0


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


def test_the_frame_size_may_change_with_frames_in_flight(make, wanted):
    engine = make(Optimizations(depth=3))
    large = [frame(100 + index, (45, 30)) for index in range(5)]
    alone = digests(run_all(make(), large))
    results = run_all(engine, [*FRAMES[:5], *large, *FRAMES[5:10]])
    assert digests(results) == [*wanted[:5], *alone, *wanted[5:10]]
    assert (results[5].detections.masks.width, results[5].detections.masks.height) == (45, 30)


@pytest.mark.parametrize("graph", [True, False])
def test_the_threshold_is_live(make, graph):
    engine = make(Optimizations(depth=2, cuda_graph=graph))
    low = run_all(engine, FRAMES[:6], 0.3)
    for threshold in (0.5, 0.7, 0.3):
        for result, all_of_it in zip(run_all(engine, FRAMES[:6], threshold), low, strict=True):
            kept = all_of_it.detections.visible(threshold, ())
            assert result.threshold == threshold
            assert digest(result) == digest(replace(all_of_it, detections=kept))


def test_frames_in_nv12_and_read_only_frames(make):
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (21, 20), np.uint8)
    image.setflags(write=False)
    nv12 = Frame(image, 20, 14, 0, 0.0, 0, pixel_format=PixelFormat.NV12)
    found = [
        digest(run_all(make(replace(Optimizations(depth=1), pinned_input=pinned)), [nv12])[0])
        for pinned in (True, False)
    ]
    assert found[0] == found[1]
    odd = Frame(np.zeros((15, 11), np.uint8), 11, 10, 0, 0.0, 0, pixel_format=PixelFormat.NV12)
    with pytest.raises(EngineError, match="even sizes"):
        make().submit(odd, 0.5)


def test_nothing_is_allocated_after_warm_up(make):
    engine = make(Optimizations(depth=3))
    run_all(engine, FRAMES)
    before = torch.cuda.memory_stats()
    run_all(engine, FRAMES * 4)
    after = torch.cuda.memory_stats()
    for counter in ("allocation.all.allocated", "segment.all.allocated", "num_ooms"):
        assert after[counter] == before[counter], counter


def test_without_graphs_the_pool_does_not_grow(make):
    engine = make(Optimizations(depth=3, cuda_graph=False))
    run_all(engine, FRAMES)
    before = torch.cuda.memory_stats()["segment.all.allocated"]
    run_all(engine, FRAMES * 4)
    assert torch.cuda.memory_stats()["segment.all.allocated"] == before


def test_closing_frees_the_memory(make):
    gc.collect()  # what earlier tests left

    def cycle():
        network = FakeNetwork()
        engine = make(Optimizations(depth=4), network=network)
        run_all(engine, FRAMES)
        engine.submit(FRAMES[0], 0.5)
        engine.close()
        engine.close()
        assert network.closed
        network.mixers, network.poison, network.poison_rows = [], None, None
        return torch.cuda.memory_allocated()

    assert cycle() == cycle()


def test_an_invalid_output_fails_its_frame_only(make):
    network = FakeNetwork()
    engine = make(Optimizations(depth=1), network=network)
    good = digest(run_all(engine, FRAMES[:1])[0])
    network.poison.fill_(float("nan"))
    engine.submit(FRAMES[0], 0.5)
    with pytest.raises(EngineError, match="holds NaN or infinity"):
        engine.collect()
    network.poison.zero_()
    torch.cuda.synchronize()
    assert digest(run_all(engine, FRAMES[:1])[0]) == good


def test_a_network_that_no_graph_can_hold_runs_without_and_says_why(make, wanted):
    engine = make(Optimizations(depth=2), network=FakeNetwork(waits=True))
    state = next(state for state in engine.info.toggles if state.name == "cuda_graph")
    assert (state.requested, state.effective, state.available) == (True, False, False)
    assert state.reason.startswith("capture failed: ")
    results = run_all(engine, FRAMES)
    assert digests(results) == wanted
    assert not results[0].optimizations.cuda_graph


def test_what_was_in_effect_stays_when_a_setting_cannot_be_had(make, wanted):
    network = FakeNetwork()
    network.capacity = 3  # two that run and a spare one
    engine = make(Optimizations(depth=2), network=network)
    before = engine.info.toggles
    with pytest.raises(EngineError, match="memory does not suffice"):
        engine.configure(Optimizations(depth=4, roi_masks=False))
    assert (engine.info.toggles, engine.depth) == (before, 2)
    assert digests(run_all(engine, FRAMES)) == wanted
    network.capacity = 5
    engine.configure(Optimizations(depth=4))
    assert digests(run_all(engine, FRAMES)) == wanted


def test_a_network_of_one_form_cannot_be_fused_and_says_so(make, wanted):
    engine = make(Optimizations(depth=1, fused_network=True))
    state = next(state for state in engine.info.toggles if state.name == "fused_network")
    assert (state.requested, state.effective, state.available) == (True, False, False)
    assert "one form only" in state.reason
    assert digests(run_all(engine, FRAMES)) == wanted


def test_the_device_tells_how_busy_it_is(make):
    engine = make(Optimizations(depth=2))
    assert engine.device_usage().gpu_idle is None
    run_all(engine, FRAMES * 4)
    usage = engine.device_usage()
    assert 0.0 <= usage.gpu_idle <= 1.0
    assert usage.reason == ""
    assert 0.0 <= usage.network_gap_p50_ms <= usage.network_gap_p95_ms
    assert usage.memory_used_bytes is None or usage.memory_used_bytes > 0


def test_the_bare_network_can_be_replayed(make):
    engine = make()
    durations = engine.replay_backend(70)
    assert len(durations) == 70
    assert all(duration > 0 for duration in durations)


@pytest.mark.parametrize("part", ReplayPart)
@pytest.mark.parametrize("pinned", [True, False])
def test_parts_of_a_slot_can_be_replayed_and_leave_the_slots_alone(make, wanted, part, pinned):
    engine = make(Optimizations(depth=2, pinned_input=pinned))
    run_all(engine, FRAMES[:2])
    durations = engine.replay_part(part, FRAMES[5], 70)
    assert len(durations) == 70
    assert all(duration > 0 for duration in durations)
    assert digests(run_all(engine, FRAMES)) == wanted
    engine.submit(FRAMES[0], 0.5)
    with pytest.raises(RuntimeError, match="in flight"):
        engine.replay_part(part, FRAMES[0], 1)


def test_a_part_prepares_the_frame_that_is_given(make):
    engine = make()
    inputs = []
    for index in (3, 4):
        engine.replay_part(ReplayPart.COPY_IN, FRAMES[index], 2)
        inputs.append(engine._sets.place(0)[1].network_input.clone())
        run_all(engine, FRAMES[index : index + 1])
        torch.testing.assert_close(engine._sets.place(0)[1].network_input, inputs[-1])
    assert not torch.equal(*inputs)


def test_parts_are_replayed_without_a_graph_where_none_can_be_had(make):
    engine = make(network=FakeNetwork(waits=True))
    assert len(engine.replay_part(ReplayPart.CLONES, FRAMES[0], 3)) == 3


@pytest.mark.parametrize("graph", [True, False])
def test_ranges_stand_around_stages_or_around_the_graph(make, wanted, graph):
    seen = []
    chosen = Optimizations(depth=2, cuda_graph=graph)
    engine = make(chosen)
    engine.use_ranges(Ranges(seen.append, lambda: seen.append("end")))
    assert digests(run_all(engine, FRAMES)) == wanted
    names = [name for name in seen if name != "end"]
    stages = ["h2d", "preprocess", "infer", "postprocess", "d2h"]
    expected = ["graph " + "+".join(stages)] if graph else stages
    assert names == expected * len(FRAMES)
    assert len(seen) == 2 * len(names)
    seen.clear()
    engine.configure(replace(chosen, roi_masks=False))  # new slots are marked too
    run_all(engine, FRAMES[:1])
    assert "infer" in " ".join(seen)


def test_a_network_without_masks(make):
    from tests.engine_cuda.fake_network import SPEC, BoundFake

    class NoMasks(FakeNetwork):
        mask_hw = None

        def bind(self, batch=1):
            bound = BoundFake(self, batch)
            enqueue = bound.enqueue
            bound.enqueue = lambda *args: replace(enqueue(*args), masks=None)
            return bound

    spec = replace(SPEC, has_masks=False)
    found = [
        run_all(make(chosen, network=NoMasks(), spec=spec), FRAMES)
        for chosen in (Optimizations(depth=2), replace(Optimizations(depth=2), fixed_copy=False))
    ]
    assert digests(found[0]) == digests(found[1])
    assert found[0][0].detections.masks is None
    assert sum(len(result.detections) for result in found[0]) > 0
