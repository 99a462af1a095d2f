"""Experiments beside the video: they end, however they end, with the video where it was."""

import threading
from dataclasses import replace

import pytest

from rfviewer.config import Playback, Settings
from rfviewer.experiment import (
    AbRequest,
    AbResult,
    CeilingsRequest,
    CeilingsResult,
    ParityRequest,
    ParityResult,
    WaterfallRequest,
    WaterfallResult,
)
from rfviewer.optimizations import Optimizations
from rfviewer.snapshot import PlayState
from tests.fakes import Bench, FakeRenderer, FakeSource

TARGET = Optimizations(depth=2, packed_masks=False)
AB = AbRequest(a=TARGET, b=TARGET.set("roi_masks", "off"), frames=2, rounds=2)
LONG = replace(AB, rounds=10**9)


@pytest.fixture
def bench():
    return Bench({"clip": lambda: FakeSource(60), "other": lambda: FakeSource(60)})


@pytest.fixture
def session(bench):
    parts = replace(bench.parts(), make_renderer=FakeRenderer)
    bench.parts = lambda: parts
    found = bench.session(Settings(optimizations=TARGET))
    yield found
    found.close()


def show_first(session, **playback):
    session.open("clip", Playback(**{"paused": True, **playback}))
    return session.wait(lambda s: s.frame_index is not None, 60)


def finished(session):
    return session.wait(lambda s: s.lab is not None and not s.lab.active, 60).lab


@pytest.mark.parametrize(
    ("experiment", "kind"),
    [
        (AB, AbResult),
        (WaterfallRequest(target=TARGET, names=("roi_masks",), rounds=1), WaterfallResult),
        (CeilingsRequest(target=TARGET, seconds=0.01), CeilingsResult),
        (ParityRequest(reference=TARGET, candidate=AB.b), ParityResult),
    ],
    ids=["ab", "waterfall", "ceilings", "parity"],
)
def test_each_experiment_ends_with_a_result_and_the_video_goes_on(bench, session, experiment, kind):
    show_first(session)
    session.start_lab(experiment)
    status = finished(session)
    assert status.error == ""
    assert isinstance(status.result, kind)
    assert status.result.verdict
    assert status.request == experiment
    assert status.device is not None
    (engine,) = bench.engines
    assert engine.info.toggles[0].requested == TARGET.cuda_graph
    assert engine._optimizations == TARGET
    session.step(1)
    session.wait(lambda s: s.frame_index == 1, 60)


def test_the_video_stands_still_and_goes_on_where_it_was(session):
    show_first(session, paused=False)
    session.start_lab(LONG)
    session.wait(lambda s: s.lab.active and "round" in s.lab.step, 60)
    before = session.poll()
    assert before.lab.count > before.lab.index
    still = session.wait(lambda s: s.lab.index > before.lab.index, 60)
    # What was drawn is what had been computed before; no frame was inferred meanwhile.
    assert still.counters.inferred == before.counters.inferred
    session.stop_lab()
    status = finished(session)
    assert status.result is None
    assert status.error.startswith("Stopped")
    end = session.wait(lambda s: s.state is PlayState.ENDED, 60)
    assert end.counters.inferred == 60
    assert end.optimizations == TARGET


def test_closing_ends_it_at_once(bench, session):
    show_first(session)
    session.start_lab(LONG)
    session.wait(lambda s: "round" in s.lab.step, 60)
    session.close()
    assert bench.engines[0].closed
    assert not session.poll().lab.active


@pytest.mark.parametrize("what", ["open", "set_engine", "start_lab"])
def test_what_replaces_it_stops_it_first(bench, session, what):
    show_first(session)
    session.start_lab(LONG)
    session.wait(lambda s: "round" in s.lab.step, 60)
    if what == "open":
        session.open("other", Playback(paused=True))
        assert "another source" in finished(session).error
        session.wait(lambda s: s.frame_index == 0, 60)
    elif what == "set_engine":
        session.set_engine(replace(session.settings.engine, model="other"))
        assert "another engine" in finished(session).error
        session.wait(lambda s: len(bench.engines) == 2, 60)
    else:
        session.start_lab(AB)
        status = finished(session)
        assert status.request == AB
        assert isinstance(status.result, AbResult)


def test_settings_changed_meanwhile_are_in_effect_afterwards(bench, session):
    show_first(session)
    session.start_lab(LONG)
    session.wait(lambda s: "round" in s.lab.step, 60)
    wanted = TARGET.set("depth", 1)
    session.set_optimizations(wanted)
    session.stop_lab()
    finished(session)
    session.wait(lambda s: s.engine.info.toggles[1].requested is not None, 60)
    session.step(1)
    session.wait(lambda s: s.frame_index == 1, 60)
    assert bench.engines[0]._optimizations == wanted


def test_without_a_frame_it_says_what_to_do(session):
    session.start_lab(AB)
    assert "open a source first" in finished(session).error


def test_without_an_engine_it_fails_with_one_sentence(bench):
    settings = Settings(engine=replace(Settings().engine, model="broken"))
    session = bench.session(settings)
    try:
        session.wait(lambda s: s.engine.phase == "failed", 60)
        session.start_lab(AB)
        assert "choose a model" in finished(session).error
    finally:
        session.close()


def test_a_frame_that_fails_ends_it_and_the_video_goes_on(bench, session):
    show_first(session)
    session.start_lab(LONG)
    session.wait(lambda s: "round" in s.lab.step, 60)
    fault = threading.Event()
    engine = bench.engines[0]
    collect = engine.collect

    def failing():
        result = collect()
        if not fault.is_set():
            fault.set()
            raise ValueError("a fault")
        return result

    engine.collect = failing
    assert "a fault" in finished(session).error
    session.step(1)
    session.wait(lambda s: s.frame_index == 1, 60)
    assert engine._optimizations == TARGET
