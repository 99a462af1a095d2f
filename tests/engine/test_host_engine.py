"""Frames in flight: order, identity, toggles, sizes; with a network whose gate we hold."""

import threading
from itertools import product

import numpy as np
import pytest

from rfviewer.config import ResizeMode
from rfviewer.experiment import ReplayPart
from rfviewer.optimizations import Optimizations, toggle_names
from rfviewer.timing import Stage
from tests.engine.fake_backend import FakeBackend, assert_same, frame, run_all
from tests.fakes import wait_until

HOST_TOGGLES = (
    "fused_select",
    "limit_masks",
    "roi_masks",
    "packed_masks",
    "zero_copy_input",
    "zero_copy_output",
    "table_cache",
)


@pytest.mark.parametrize("resize", list(ResizeMode))
@pytest.mark.parametrize("depth", [2, 3])
def test_frames_in_flight_change_nothing_but_time(make, depth, resize):
    frames = [frame(i) for i in range(25)]
    alone = run_all(make(resize=resize), frames)
    overlapped = run_all(make(Optimizations(depth=depth), resize=resize), frames)
    assert [r.frame for r in overlapped] == frames
    for a, b in zip(alone, overlapped, strict=True):
        assert_same(a.detections, b.detections)
    assert len({r.detections.scores.tobytes() for r in alone}) == len(frames)


@pytest.mark.parametrize("fused_preprocess", [True, False])
def test_every_combination_of_toggles_gives_the_same_bits(make, fused_preprocess):
    frames = [frame(i) for i in range(4)]
    engine = make()
    wanted = None
    for depth in (1, 3):
        for values in product([False, True], repeat=len(HOST_TOGGLES)):
            chosen = Optimizations(
                depth=depth,
                fused_preprocess=fused_preprocess,
                **dict(zip(HOST_TOGGLES, values, strict=True)),
            )
            engine.configure(chosen)
            results = run_all(engine, frames)
            wanted = wanted or results
            for a, b in zip(wanted, results, strict=True):
                assert_same(a.detections, b.detections)
    assert all(len(r.detections) > 3 for r in wanted)


def test_resize_modes_differ(make):
    big = frame(1, (160, 120))
    a, b = (run_all(make(resize=mode), [big])[0].detections for mode in ResizeMode)
    assert a.scores.tobytes() != b.scores.tobytes()


def test_submit_does_not_wait_and_the_stages_overlap(make):
    backend = FakeBackend()
    engine = make(Optimizations(depth=3), backend)
    backend.gate.clear()
    for index in range(3):
        engine.submit(frame(index), 0.5)
    # While the first network run is stuck, the preprocess of all three frames gets done.
    wait_until(lambda: all(bound.network_input.any() for bound in backend.bound))
    wait_until(lambda: backend.running > 0)
    assert backend.running == 1
    assert engine.in_flight == 3
    backend.gate.set()
    assert [engine.collect().frame.frame_index for _ in range(3)] == [0, 1, 2]


def test_with_one_frame_in_flight_the_work_is_done_in_collect_without_a_thread(make):
    backend = FakeBackend()
    engine = make(backend=backend)
    before = set(threading.enumerate())
    engine.submit(frame(0), 0.5)
    assert backend.running == 0
    engine.collect()
    assert backend.running == 1
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_frame_sizes_may_change_in_flight(make, depth):
    sizes = [(20, 14), (20, 14), (31, 9), (20, 14), (8, 8), (31, 9), (31, 9)]
    frames = [frame(i, size) for i, size in enumerate(sizes)]
    results = run_all(make(Optimizations(depth=depth)), frames)
    for item, result in zip(frames, results, strict=True):
        assert result.frame is item
        assert (result.detections.masks.width, result.detections.masks.height) == (
            item.width,
            item.height,
        )
        assert_same(result.detections, run_all(make(), [item])[0].detections)


def test_the_result_tells_threshold_timings_and_the_set_in_effect(make):
    engine = make(Optimizations(depth=2))
    (result,) = run_all(engine, [frame(0)], threshold=0.7)
    assert result.threshold == 0.7
    assert result.detections.scores.min() > 0.7
    assert set(result.timings.stages_ms) == {Stage.PREPROCESS, Stage.INFER, Stage.POSTPROCESS}
    assert 0 < sum(result.timings.stages_ms.values()) <= result.timings.latency_ms
    assert not result.optimizations.cuda_graph
    assert result.optimizations.packed_masks


def test_toggle_states_tell_what_cannot_run(make):
    engine = make(Optimizations(depth=4, roi_masks=False))
    states = {state.name: state for state in engine.info.toggles}
    assert tuple(states) == toggle_names()
    assert (states["cuda_graph"].requested, states["cuda_graph"].effective) == (True, False)
    assert states["cuda_graph"].reason == "needs an NVIDIA GPU"
    assert (states["depth"].requested, states["depth"].effective, engine.depth) == (4, 3, 3)
    assert "3 stages" in states["depth"].reason
    assert states["roi_masks"].effective is False
    for state in states.values():
        assert bool(state.reason) == (state.requested != state.effective or not state.available)


def test_replay_runs_the_bare_network_on_the_last_prepared_input(make):
    backend = FakeBackend()
    engine = make(Optimizations(depth=2), backend)
    run_all(engine, [frame(i) for i in range(3)])
    last = backend.bound[0]  # frame 2 of two slots
    wanted = last.raw.pred_logits.copy()
    last.raw.pred_logits[...] = 0
    before = backend.running
    durations_ms = engine.replay_backend(4)
    assert len(durations_ms) == 4
    assert min(durations_ms) > 0
    assert backend.running == before + 4
    np.testing.assert_array_equal(last.raw.pred_logits, wanted)


def test_parts_are_replayed_on_the_frame_that_is_given(make):
    backend = FakeBackend()
    engine = make(Optimizations(depth=2), backend)
    run_all(engine, [frame(0), frame(1)])
    prepared = {}
    for index in (0, 5):
        engine.replay_part(ReplayPart.COPY_IN, frame(index), 1)
        prepared[index] = backend.bound[0].network_input.copy()
    assert not np.array_equal(prepared[0], prepared[5])
    for part, calls in ((ReplayPart.COPY_IN, 0), (ReplayPart.CLONES, 0), (ReplayPart.CALL, 3)):
        before, backend.called = backend.running, 0
        durations_ms = engine.replay_part(part, frame(0), 3)
        assert len(durations_ms) == 3
        assert min(durations_ms) > 0
        assert (backend.running - before, backend.called) == (3, calls)
    wanted = run_all(make(Optimizations(depth=2)), [frame(2)])[0].detections
    assert_same(run_all(engine, [frame(2)])[0].detections, wanted)


def test_there_is_no_gpu_to_measure(make):
    usage = make().device_usage()
    assert usage.gpu_idle is None
    assert usage.reason == "not measured: no GPU"


def test_flipping_back_and_forth_finds_the_buffers_again(make):
    engine = make()
    on, off = Optimizations(depth=1), Optimizations(depth=1, roi_masks=False)
    slots = []
    for wanted in (on, off, on, off, on):
        engine.configure(wanted)
        run_all(engine, [frame(0)])
        slots.append(engine._set.slots[0])
    assert slots[0] is slots[2] is slots[4]
    assert slots[1] is slots[3]
    assert slots[0] is not slots[1]
    engine.configure(Optimizations(depth=1, limit_masks=False))
    engine.configure(on)
    assert engine._set.slots[0] is slots[0]
    assert len(engine._sets) == 2
