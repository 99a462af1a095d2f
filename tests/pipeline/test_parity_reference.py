"""The engine that a live comparison compares with: loaded, lost, replaced, given up."""

import threading

from rfviewer.config import EngineConfig
from rfviewer.detections import Detections
from rfviewer.errors import DeviceLostError, EngineError, ModelError
from rfviewer.experiment import Badge, ParityWatch
from rfviewer.result import FrameResult
from tests.fakes import FakeSource, wait_until
from tests.pipeline.parity_live import (
    EVERY,
    FAST,
    LOOP,
    PAUSED,
)


def test_a_reference_that_cannot_load_says_why_and_the_video_goes_on(make_live) -> None:
    live = make_live()
    live.error = ModelError("The model cannot be read; choose another.")
    live.session.watch_parity(EVERY)
    live.session.open("clip", FAST)
    reading = live.reading(Badge.UNAVAILABLE)
    assert reading.reason == "The model cannot be read; choose another."
    assert live.session.wait(lambda s: s.counters.inferred == 20, 60).parity.badge == "unavailable"


def test_a_reference_that_crashes_says_so(make_live, caplog) -> None:
    live = make_live()
    live.error = MemoryError("no room")
    live.session.watch_parity(EVERY)
    assert "no room" in live.reading(Badge.UNAVAILABLE).reason
    caplog.clear()


def test_one_failed_frame_is_left_out_and_many_end_it(make_live) -> None:
    live = make_live(lambda: FakeSource(12))
    live.reference_options = {"fails_at": 0}
    live.session.watch_parity(EVERY)
    live.session.open("clip", PAUSED)
    live.session.wait(lambda s: s.parity.reason == "The fake network failed on this frame.", 60)
    live.session.step(1)
    live.reading(Badge.GREEN, compared=1)

    def fail(_: FrameResult) -> Detections:
        raise EngineError("It is broken.")

    live.references[0].change = fail
    for index in range(2, 5):
        live.session.step(1)
        live.session.wait(lambda s, wanted=index: s.frame_index == wanted, 60)
        wait_until(lambda wanted=index: live.references[0].frames[-1] == wanted)
    assert "It is broken." in live.reading(Badge.UNAVAILABLE).reason


def test_a_lost_device_ends_the_comparison_at_once_and_frees_nothing(make_live) -> None:
    live = make_live(lambda: FakeSource(12))

    def lose(_: FrameResult) -> Detections:
        raise DeviceLostError("The GPU is lost; restart the engine.")

    live.change = lose
    live.session.watch_parity(EVERY)
    live.session.open("clip", PAUSED)
    assert "The GPU is lost" in live.reading(Badge.UNAVAILABLE).reason
    assert not live.references[0].closed


def test_another_model_brings_another_reference_unless_it_was_named(make_live) -> None:
    live = make_live()
    live.session.watch_parity(EVERY)
    live.session.open("clip", LOOP)
    live.reading(Badge.GREEN, compared=1)
    live.session.set_engine(EngineConfig(model="other"))
    wait_until(lambda: len(live.references) == 2)
    wait_until(lambda: live.references[0].closed)
    assert live.references[1].config.model == "other"
    named = EngineConfig(model="named")
    live.session.watch_parity(ParityWatch(every=1, engine=named))
    wait_until(lambda: len(live.references) == 3)
    live.session.set_engine(EngineConfig(model="third"))
    live.session.wait(
        lambda s: s.engine_config.model == "third" and len(live.bench.engines) == 3, 60
    )
    live.reading(Badge.GREEN, compared=1)
    assert len(live.references) == 3
    assert live.references[2].config == named


def test_another_rhythm_keeps_the_reference(make_live) -> None:
    live = make_live()
    live.session.watch_parity(EVERY)
    live.session.open("clip", LOOP)
    live.reading(Badge.GREEN, compared=1)
    live.session.watch_parity(ParityWatch(every=5))
    live.reading(Badge.GREEN, compared=4)
    assert len(live.references) == 1


def test_closing_gives_up_a_reference_that_loads(make_live) -> None:
    live = make_live()
    live.loading = threading.Event()
    live.session.watch_parity(EVERY)
    live.session.wait(lambda s: "Loading the network" in s.parity.reason, 60)
    live.session.close()  # the fixture of all tests checks that no thread is left
    assert live.references == []
