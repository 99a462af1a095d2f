"""Frames in flight: order, identity, errors, sizes, toggles; with a network whose gate we hold."""

import threading
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from rfviewer.config import EngineConfig, ResizeMode
from rfviewer.detections import Detections
from rfviewer.engine.backends.base import BoundNetwork, RawOutputs
from rfviewer.engine.host_engine import HostEngine
from rfviewer.errors import EngineError
from rfviewer.frame import Frame, PixelFormat
from rfviewer.models.spec import ModelSpec
from rfviewer.optimizations import Optimizations, toggle_names
from rfviewer.pipeline.threads import start_thread
from rfviewer.timing import Stage
from tests.fakes import wait_until

CLASSES, QUERIES, NET_WH, MASK_WH = 5, 12, (16, 12), (8, 6)
HOST_TOGGLES = (
    "fused_select",
    "limit_masks",
    "roi_masks",
    "packed_masks",
    "zero_copy_input",
    "zero_copy_output",
    "table_cache",
)
SPEC = ModelSpec("fake", "fake.onnx", NET_WH, ("a",) * CLASSES, has_masks=True, num_select=20)


class FakeBackend:
    """Logits, boxes and masks that depend on every input pixel; runs while `gate` is open."""

    name, device, precision = "onnxruntime", "CPU, 1 thread", "fp32"

    def __init__(self):
        self.gate = threading.Event()
        self.gate.set()
        self.bound = []
        self.running = 0
        self.fails_with = None
        self.closed = 0

    def bind(self):
        rng = np.random.default_rng(1)
        network_input = np.zeros((1, 3, NET_WH[1], NET_WH[0]), np.float32)
        raw = RawOutputs(
            np.zeros((QUERIES, 4), np.float32),
            np.zeros((QUERIES, CLASSES), np.float32),
            np.zeros((QUERIES, MASK_WH[1], MASK_WH[0]), np.float32),
        )
        mixers = [
            (target, rng.normal(0, 1, (target.size, network_input.size)).astype(np.float32))
            for target in (raw.pred_boxes, raw.pred_logits, raw.pred_masks)
        ]

        def run():
            self.running += 1
            assert self.gate.wait(10)
            if self.fails_with is not None:
                error, self.fails_with = self.fails_with, None
                raise error
            for target, mixer in mixers:
                target[...] = (mixer @ network_input.ravel() / 10).reshape(target.shape)

        self.bound.append(BoundNetwork(network_input, raw, run))
        return self.bound[-1]

    def close(self):
        self.closed += 1


def frame(index, size_wh=(20, 14), **kwargs):
    width, height = size_wh
    image = np.random.default_rng(index).integers(0, 256, (height, width, 3), np.uint8)
    return Frame(image, width, height, index, index / 25, 0, **kwargs)


@pytest.fixture
def make():
    """Return a function that makes an engine; all are closed at the end of the test."""
    engines = []

    def build(optimizations=None, backend=None, resize=ResizeMode.A):
        engine = HostEngine(
            backend or FakeBackend(),
            SPEC,
            EngineConfig(resize=resize),
            optimizations or Optimizations(depth=1),
            backend_reason="asked for by name",
            start_thread=start_thread,
        )
        engines.append(engine)
        return engine

    yield build
    for engine in engines:
        engine.close()


def run_all(engine, frames, threshold=0.5):
    results = []
    for item in frames:
        if engine.in_flight == engine.depth:
            results.append(engine.collect())
        engine.submit(item, threshold)
    while engine.in_flight:
        results.append(engine.collect())
    return results


def assert_same(a: Detections, b: Detections):
    for name in ("boxes_xyxy", "scores", "class_ids"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    np.testing.assert_array_equal(a.masks.dense(), b.masks.dense())
    np.testing.assert_array_equal(a.masks.regions_xyxy, b.masks.regions_xyxy)


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
    assert backend.running == 1
    assert engine.in_flight == 3
    backend.gate.set()
    assert [engine.collect().frame.frame_index for _ in range(3)] == [0, 1, 2]


def test_with_one_frame_in_flight_the_work_is_done_in_collect_without_a_thread(make):
    backend = FakeBackend()
    engine = make(backend=backend)
    before = threading.active_count()
    engine.submit(frame(0), 0.5)
    assert backend.running == 0
    engine.collect()
    assert backend.running == 1
    assert threading.active_count() == before


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("error", [RuntimeError("out of memory"), EngineError("It is broken.")])
def test_an_error_belongs_to_its_frame_and_the_engine_goes_on(make, depth, error):
    backend = FakeBackend()
    engine = make(Optimizations(depth=depth), backend)
    good = run_all(engine, [frame(7)])[0]
    backend.gate.clear() if depth > 1 else None
    engine.submit(frame(6), 0.5)
    backend.fails_with = error
    if depth > 1:
        engine.submit(frame(7), 0.5)
        backend.gate.set()
    sentence = "It is broken" if isinstance(error, EngineError) else "Frame 6 failed in infer.*out"
    with pytest.raises(EngineError, match=sentence):
        engine.collect()
    if depth == 1:
        engine.submit(frame(7), 0.5)
    assert_same(engine.collect().detections, good.detections)


def test_a_nan_of_the_network_is_an_error_of_that_frame(make):
    backend = FakeBackend()
    engine = make(backend=backend)
    engine.submit(frame(0), 0.5)
    plain_run = backend.bound[0].run

    def spoil():
        plain_run()
        backend.bound[0].raw.pred_masks[3, 2, 1] = np.nan

    object.__setattr__(backend.bound[0], "run", spoil)
    with pytest.raises(EngineError, match="model output is invalid"):
        engine.collect()


def test_nv12_frames_are_refused_in_collect(make):
    engine = make()
    image = np.zeros((21, 20), np.uint8)
    engine.submit(Frame(image, 20, 14, 0, 0.0, 0, pixel_format=PixelFormat.NV12), 0.5)
    with pytest.raises(EngineError, match="takes bgr24 frames, got nv12"):
        engine.collect()


@pytest.mark.parametrize("depth", [1, 2])
def test_a_frame_too_large_is_an_error_of_that_frame(make, depth):
    engine = make(Optimizations(depth=depth))
    engine.submit(frame(0, (40_000, 1)), 0.5)
    with pytest.raises(EngineError, match="40000x1 is too large for resize mode A"):
        engine.collect()
    assert len(run_all(engine, [frame(1)])) == 1


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


def test_results_stay_valid_after_the_slot_is_used_again(make):
    engine = make(Optimizations(depth=2))
    first = run_all(engine, [frame(0)])[0].detections
    kept = Detections(
        first.boxes_xyxy.copy(), first.scores.copy(), first.class_ids.copy(),
        replace(first.masks, data=first.masks.data.copy()),
    )  # fmt: skip
    run_all(engine, [frame(i) for i in range(1, 6)])
    assert_same(first, kept)


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
        assert bool(state.reason) == (state.requested != state.effective)


def test_protocol_violations_are_bugs(make):
    engine = make()
    with pytest.raises(IndexError):
        engine.collect()
    engine.submit(frame(0), 0.5)
    with pytest.raises(RuntimeError, match="1 frames are in flight"):
        engine.submit(frame(1), 0.5)
    with pytest.raises(RuntimeError, match="configure"):
        engine.configure(Optimizations())
    with pytest.raises(RuntimeError, match="replay"):
        engine.replay_backend(1)
    engine.collect()


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


def test_a_failed_replay_is_an_engine_error(make):
    backend = FakeBackend()
    engine = make(backend=backend)
    backend.fails_with = RuntimeError("boom")
    with pytest.raises(EngineError, match="boom"):
        engine.replay_backend(1)


def test_close_with_frames_in_flight_joins_the_workers(make):
    backend = FakeBackend()
    engine = make(Optimizations(depth=3), backend)
    backend.gate.clear()
    for index in range(3):
        engine.submit(frame(index), 0.5)
    wait_until(lambda: backend.running == 1)
    threading.Timer(0.05, backend.gate.set).start()
    engine.close()
    engine.close()
    assert backend.running == 1  # the two frames behind it were skipped
    assert engine.in_flight == 0
    assert backend.closed >= 1


def test_no_buffer_is_bound_twice_by_reconfiguring(make):
    backend = FakeBackend()
    engine = make(Optimizations(depth=3), backend)
    for depth in (1, 2, 3):
        engine.configure(Optimizations(depth=depth))
        run_all(engine, [frame(0)])
    assert len(backend.bound) == 3


def test_there_is_no_gpu_to_measure(make):
    usage = make().device_usage()
    assert usage.gpu_idle is None
    assert usage.reason == "not measured: no GPU"
