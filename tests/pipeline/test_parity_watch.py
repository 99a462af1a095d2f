"""The live comparison: what it says, and that it never holds up the video."""

import threading
from dataclasses import replace

import pytest

from rfviewer.config import EngineConfig
from rfviewer.detections import Detections
from rfviewer.experiment import Badge, ParityWatch
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.parity_watch import ParityWatcher
from rfviewer.result import FrameResult
from tests.fake_engine import FakeEngine
from tests.fakes import FakeSource, wait_until
from tests.pipeline.parity_live import (
    EVERY,
    FAST,
    LOOP,
    PAUSED,
    scored,
)


def test_equal_results_are_green_and_the_video_is_told_apart_from_the_reference(make_live) -> None:
    live = make_live()
    assert live.session.poll().parity.badge is Badge.OFF
    live.session.watch_parity(EVERY)
    live.session.open("clip", LOOP)
    reading = live.reading(Badge.GREEN, compared=3)
    assert reading.total.gate == "G0"
    assert reading.total.worst_png is None
    assert "Equal" in reading.reason
    [reference] = live.references
    assert reference.depth == 1  # the baseline
    assert live.bench.engines[0].depth == 2
    live.session.watch_parity(None)
    assert live.session.poll().parity.badge is Badge.OFF
    wait_until(lambda: reference.closed)


def test_a_tolerance_of_what_differs_is_used_with_its_band(make_live) -> None:
    # fused_network promises X2: E3 with a band of 0.03 around the threshold of 0.5.
    live = make_live()
    live.change = scored(0.885)
    live.session.set_optimizations(replace(Optimizations(), fused_network=True))
    live.session.watch_parity(EVERY)
    live.session.open("clip", LOOP)
    reading = live.reading(Badge.AMBER, Badge.GREEN, compared=1)
    assert reading.total.gate == "G1/E3"
    assert live.references[0].thresholds[0] == pytest.approx(0.47)
    assert reading.badge is Badge.GREEN  # 0.015 of 0.03 is exactly half
    live.session.watch_parity(None)
    live.change = scored(0.875)
    live.session.watch_parity(EVERY)
    reading = live.reading(Badge.AMBER, compared=1)
    assert "uses 83 % of the tolerance" in reading.reason.replace("83%", "83 %")
    live.session.watch_parity(None)
    live.change = lambda result: Detections.empty()
    live.session.watch_parity(EVERY)
    assert live.reading(Badge.RED, compared=1).total.extra >= 1


def test_totals_start_over_when_the_settings_change(make_live) -> None:
    live = make_live()
    live.session.watch_parity(EVERY)
    live.session.open("clip", PAUSED)
    for index in range(4):
        live.session.wait(lambda s, wanted=index: s.parity.last_frame == wanted, 60)
        live.session.step(1)
    live.reading(Badge.GREEN, compared=5)
    live.session.set_optimizations(Optimizations(depth=3))
    live.session.wait(lambda s: s.parity.compared == 1, 60)  # the frame on display, again
    assert len(live.references) == 1  # another toggle needs no other reference


def test_a_slow_reference_skips_frames_and_never_holds_the_video(make_live) -> None:
    gate = threading.Event()
    live = make_live(lambda: FakeSource(60))
    live.reference_options = {"gate": gate}
    live.session.watch_parity(EVERY)
    live.session.open("clip", FAST)
    # The whole clip plays while the reference still stands on its first frame.
    snapshot = live.session.wait(lambda s: s.counters.inferred == 60, 60)
    assert snapshot.parity.compared == 0
    assert snapshot.parity.badge is Badge.WAITING
    gate.set()
    # The newest one was kept.
    reading = live.session.wait(lambda s: s.parity.last_frame == 59, 60).parity
    assert reading.badge is Badge.GREEN
    assert reading.skipped + reading.compared == 60


def test_every_nth_frame_is_offered(make_live) -> None:
    live = make_live(lambda: FakeSource(40))
    live.session.watch_parity(ParityWatch(every=10))
    live.session.open("clip", PAUSED)
    live.session.wait(lambda s: s.parity.compared == 1, 60)  # the very first
    for index in range(1, 21):
        live.session.step(1)
        live.session.wait(lambda s, wanted=index: s.frame_index == wanted, 60)
        if index == 10:  # the next one would be skipped if this one were still under way
            live.session.wait(lambda s: s.parity.compared == 2, 60)
    live.session.wait(lambda s: s.parity.compared == 3, 60)
    assert live.references[0].frames == [0, 10, 20]


def test_what_the_engine_before_found_is_not_held_against_the_new_one() -> None:
    """On display, its result is asked for again with every redrawing of a split frame."""
    engine, source = FakeEngine(Optimizations()), FakeSource()

    def infer() -> FrameResult:
        frame = source.read()
        assert frame is not None
        engine.submit(frame, 0.5)
        return engine.collect()

    watcher = ParityWatcher(lambda c, o, p: FakeEngine(o), None, lambda: None)
    watcher.candidate_ready(EngineConfig(model="first"), engine.info)
    watcher.watch(EVERY)
    before = infer()
    watcher.candidate_ready(EngineConfig(model="second"), engine.info)
    watcher.request(before)
    after = infer()
    assert watcher.reading.compared == 0
    watcher.request(after)
    wait_until(lambda: watcher.reading.compared > 0)
    assert (watcher.reading.compared, watcher.reading.skipped) == (1, 0)
    assert watcher.reading.last_frame == after.frame.frame_index
    threads = watcher.threads
    watcher.close()
    for thread in threads:
        thread.join(60)
