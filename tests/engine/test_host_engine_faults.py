"""What goes wrong belongs to one frame, and closing or reconfiguring leaves nothing behind."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from rfviewer.detections import Detections
from rfviewer.errors import EngineError
from rfviewer.experiment import ReplayPart
from rfviewer.frame import Frame, PixelFormat
from rfviewer.optimizations import Optimizations
from tests.engine.fake_backend import FakeBackend, assert_same, frame, run_all
from tests.fakes import wait_until


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


def test_results_stay_valid_after_the_slot_is_used_again(make):
    engine = make(Optimizations(depth=2))
    first = run_all(engine, [frame(0)])[0].detections
    kept = Detections(
        first.boxes_xyxy.copy(), first.scores.copy(), first.class_ids.copy(),
        replace(first.masks, data=first.masks.data.copy()),
    )  # fmt: skip
    run_all(engine, [frame(i) for i in range(1, 6)])
    assert_same(first, kept)


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
    with pytest.raises(RuntimeError, match="replay"):
        engine.replay_part(ReplayPart.CLONES, frame(1), 1)
    engine.collect()


@pytest.mark.parametrize("part", ReplayPart)
def test_a_failed_part_is_an_engine_error_and_the_engine_goes_on(make, part):
    backend = FakeBackend()
    engine = make(backend=backend)
    backend.fails_with = RuntimeError("boom")
    with pytest.raises(EngineError, match=f"{part} failed in a replay .boom"):
        engine.replay_part(part, frame(0), 1)
    assert len(run_all(engine, [frame(1)])) == 1


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
    slots = list(engine._busy)
    closing = threading.Thread(target=engine.close)
    closing.start()
    wait_until(lambda: all(slot.error is not None for slot in slots))
    backend.gate.set()
    closing.join(60)
    assert not closing.is_alive()
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
