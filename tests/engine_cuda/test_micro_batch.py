"""Several frames in one pass on the GPU: the same results, frame by frame, as one at a time."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rfviewer.config import ResizeMode, View
from rfviewer.errors import EngineError
from rfviewer.experiment import ReplayPart
from rfviewer.optimizations import Optimizations
from rfviewer.timing import Stage
from tests.engine_cuda.fake_network import (
    FakeNetwork,
    allocates_nothing,
    digest,
    digests,
    frame,
    run_all,
)

pytestmark = pytest.mark.needs_cuda

FRAMES = [frame(index) for index in range(23)]
STAGES = {Stage.H2D, Stage.PREPROCESS, Stage.INFER, Stage.POSTPROCESS, Stage.D2H}


class Roomy(FakeNetwork):
    """Enough for slots of every number of seats."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.capacity = 16


@pytest.fixture
def wanted(make):
    """What one frame a pass gives."""
    return digests(run_all(make(), FRAMES))


def batching(make, frames, depth=2, network=None, **changes):
    chosen = replace(Optimizations(depth=depth, micro_batch=frames), **changes)
    return make(chosen, network=network or Roomy())


@pytest.mark.parametrize("frames", [2, 4, 8])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_every_frame_is_the_same_as_alone(make, wanted, frames, depth):
    engine = batching(make, frames, depth)
    assert engine.depth == depth * frames
    results = run_all(engine, FRAMES)
    assert [result.frame for result in results] == FRAMES
    assert digests(results) == wanted
    assert {result.optimizations.micro_batch for result in results} == {frames}
    states = {state.name: state for state in engine.info.toggles}
    assert states["cuda_graph"].effective, states["cuda_graph"].reason
    for result in results:
        assert set(result.timings.stages_ms) == STAGES
        assert all(duration >= 0 for duration in result.timings.stages_ms.values())


@pytest.mark.parametrize(
    "name",
    [
        "cuda_graph",
        "event_waits",
        "fixed_copy",
        "fused_select",
        "limit_masks",
        "packed_masks",
        "pinned_input",
        "pinned_output",
        "planar_stores",
        "table_cache",
        "zero_copy_input",
        "zero_copy_output",
    ],
)
def test_a_bit_exact_toggle_gives_the_same_bits_in_a_batch(make, wanted, name):
    engine = batching(make, 4, **{name: False})
    assert digests(run_all(engine, FRAMES)) == wanted


@pytest.mark.parametrize("resize", [ResizeMode.A, ResizeMode.B])
def test_both_resize_modes(make, resize):
    alone = digests(run_all(make(resize=resize), FRAMES))
    engine = make(Optimizations(depth=2, micro_batch=4), network=Roomy(), resize=resize)
    assert digests(run_all(engine, FRAMES)) == alone


def test_a_part_filled_pass_gives_the_same_as_a_full_one(make, wanted):
    engine = batching(make, 4, depth=1)
    run_all(engine, FRAMES)  # every seat holds an earlier frame from here on
    for count in (1, 2, 3):
        for item in FRAMES[:count]:
            engine.submit(item, 0.5)
        assert engine.waits_for_frames
        assert digests([engine.collect() for _ in range(count)]) == wanted[:count]
        assert engine.in_flight == 0


def test_settings_flip_live(make, wanted):
    engine = batching(make, 1)
    for frames in (4, 1, 8, 4, 2):
        engine.configure(Optimizations(depth=2, micro_batch=frames))
        results = run_all(engine, FRAMES)
        assert digests(results) == wanted
        assert results[-1].optimizations.micro_batch == frames


def test_the_frame_size_may_change_inside_a_batch(make, wanted):
    large = [frame(100 + index, (45, 30)) for index in range(3)]
    alone = digests(run_all(make(), large))
    engine = batching(make, 4, depth=2)
    mixed = [*FRAMES[:2], large[0], FRAMES[2], *large[1:], *FRAMES[3:]]
    results = run_all(engine, mixed)
    assert [result.frame for result in results] == mixed
    assert digests(results) == [*wanted[:2], alone[0], wanted[2], *alone[1:], *wanted[3:]]


def test_an_invalid_row_fails_its_frame_only(make, wanted):
    network = Roomy()
    engine = batching(make, 4, depth=1, network=network)
    run_all(engine, FRAMES[:1])  # brings the slots for this size
    network.poison_rows[2] = float("nan")
    torch.cuda.synchronize()
    for item in FRAMES[:4]:
        engine.submit(item, 0.5)
    assert digests([engine.collect(), engine.collect()]) == wanted[:2]
    with pytest.raises(EngineError, match="holds NaN or infinity"):
        engine.collect()
    assert digest(engine.collect()) == wanted[3]
    assert engine.in_flight == 0


def test_only_frames_that_are_seen_are_drawn_and_as_alone(make):
    frames = [frame(index, (96, 64)) for index in range(6)]

    def drawn(engine):
        images = []
        for index, item in enumerate(frames):
            if engine.in_flight == engine.depth:
                images.append(engine.collect().composited)
            engine.submit(item, 0.5, View() if index % 3 else None)
        while engine.in_flight:
            images.append(engine.collect().composited)
        return images

    alone, together = drawn(make()), drawn(batching(make, 4))
    assert [image is None for image in together] == [index % 3 == 0 for index in range(6)]
    for a, b in zip(alone, together, strict=True):
        if a is not None:
            np.testing.assert_array_equal(a, b)


def test_nothing_is_allocated_after_warm_up(make):
    engine = batching(make, 4, depth=3)
    run_all(engine, FRAMES)
    allocates_nothing(engine, FRAMES * 4)


def test_times_of_a_pass_are_shared_out_and_its_spans_told_once(make):
    engine = batching(make, 4, depth=2)
    results = run_all(engine, FRAMES[:8])
    for batch in (results[:4], results[4:]):
        device = [[s for s in r.timings.spans if s.lane.startswith("slot")] for r in batch]
        assert [len(spans) for spans in device] == [len(STAGES), 0, 0, 0]
        infer = next(span for span in device[0] if span.stage is Stage.INFER)
        shared_ms = sum(result.timings.stages_ms[Stage.INFER] for result in batch)
        assert shared_ms == pytest.approx((infer.end_ns - infer.start_ns) / 1e6, abs=1e-3)
    usage = engine.device_usage()
    assert 0.0 <= usage.gpu_idle <= 1.0


def test_replays_are_told_per_frame(make):
    engine = batching(make, 4)
    run_all(engine, FRAMES)
    assert len(engine.replay_backend(70)) == 70
    for part in ReplayPart:
        times = engine.replay_part(part, FRAMES[0], 6)
        assert len(times) == 6
        assert times[0] == times[3] > 0  # one pass


def test_a_network_of_one_frame_a_pass_says_so(make, wanted):
    network = FakeNetwork()
    network.batch_obstacle = "built for one frame a pass"
    engine = batching(make, 4, network=network)
    state = next(state for state in engine.info.toggles if state.name == "micro_batch")
    assert (state.requested, state.effective, state.available) == (4, 1, False)
    assert state.reason == "built for one frame a pass"
    assert engine.depth == 2
    assert digests(run_all(engine, FRAMES)) == wanted
