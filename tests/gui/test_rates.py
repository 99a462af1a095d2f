"""Rates are those of playback, and are shown once they have settled."""

from dataclasses import asdict, replace

from rfviewer.experiment import AbRequest, LabStatus
from rfviewer.gui.history import History
from rfviewer.gui.lab_parts import LATENCY
from rfviewer.gui.plot_strip import PlotStrip
from rfviewer.gui.rates import SETTLE_S, Rates, SteadyRates, is_playing, playing_rates
from rfviewer.optimizations import Optimizations
from rfviewer.snapshot import (
    Counters,
    EnginePhase,
    EngineStatus,
    FrameSample,
    LivePhase,
    LiveStatus,
    PlayState,
)
from rfviewer.timing import Stage, StageTimings
from tests.gui.fake_session import FakeSession

PAUSED = PlayState.PAUSED
FIRST = replace(FakeSession().poll(), source_fps=30.0, inferred_fps=4.0, counters=Counters())
IN_FLIGHT = FIRST.engine.info.frames_in_flight


def at(second: float, inferred: int, **changes):
    return replace(
        FIRST, time_ns=round(second * 1e9), counters=Counters(inferred=inferred), **changes
    )


ALL, NONE = Rates(30.0, 4.0, 25.0), Rates(None, None, None)
BUT_INFERRED = Rates(30.0, None, 25.0)
LOADING = EngineStatus(EnginePhase.LOADING, "Loading the network")
FAILED = EngineStatus(EnginePhase.FAILED, "The engine failed three times in a row.")


def shown(*moments) -> list[Rates]:
    rates = SteadyRates()
    return [rates.read(moment, 25.0) for moment in moments]


def test_nothing_that_is_not_playback_has_a_rate():
    lab = LabStatus(AbRequest(a=Optimizations(), b=Optimizations()), active=True)
    stalled = LiveStatus(LivePhase.STALLED)
    playing = at(100.0, 10)
    assert list(asdict(playing_rates(playing, 25.0)).values()) == [30.0, 4.0, 25.0]
    for other in (
        replace(playing, state=PAUSED),
        replace(playing, state=PlayState.ENDED),
        replace(playing, lab=lab),
        replace(playing, live=stalled),
    ):
        assert not is_playing(other)
        assert list(asdict(playing_rates(other, 25.0)).values()) == [None, None, None]


def test_they_settle_after_a_pause_by_time_and_what_is_inferred_by_results_too():
    enough = 10 + IN_FLIGHT + 2
    assert shown(
        at(100.0, 10),
        at(101.0, 10, state=PAUSED),
        at(102.0, 10),
        at(102.5, enough),  # all that had piled up came at once
        at(102.9 + SETTLE_S, enough),
        at(110.0, enough, state=PAUSED),
        at(111.0, enough),
        at(111.1 + SETTLE_S, enough),  # seconds a frame: source and screen go on beside it
        at(120.0, enough + IN_FLIGHT + 1),  # two results may be one burst
        at(122.0, enough + IN_FLIGHT + 2),
    ) == [ALL, NONE, NONE, NONE, ALL, NONE, NONE, BUT_INFERRED, BUT_INFERRED, ALL]


def test_source_and_screen_have_rates_where_no_engine_could_be_loaded():
    assert shown(
        at(100.0, 0, engine=LOADING),
        at(101.0, 0, engine=FAILED),
        at(100.9 + SETTLE_S, 0, engine=FAILED),
        at(101.1 + SETTLE_S, 0, engine=FAILED),
        at(200.0, 0, engine=FAILED),
    ) == [NONE, NONE, NONE, BUT_INFERRED, BUT_INFERRED]


def test_an_engine_that_was_given_up_has_no_rate_until_there_is_another():
    assert shown(
        at(100.0, 50),
        at(101.0, 50, engine=FAILED),
        at(101.1 + SETTLE_S, 50, engine=FAILED),
        at(110.0, 50, engine=LOADING),
        at(111.0, 50),
        at(111.1 + SETTLE_S, 50 + IN_FLIGHT + 2),
    ) == [ALL, NONE, BUT_INFERRED, NONE, NONE, ALL]


def test_another_engine_or_source_settles_anew():
    info = replace(FIRST.engine.info, backend="torch")
    other = replace(FIRST.engine, info=info)
    assert shown(
        at(100.0, 50),
        at(101.0, 50, engine=other),
        at(104.0, 60, engine=other),
        at(105.0, 3, engine=other),
        at(110.0, 20, engine=other),
    ) == [ALL, NONE, ALL, NONE, ALL]


def test_every_place_shows_the_same_reading_at_once(window, qtbot):
    cells, parts = window.status.cells, window.lab_parts
    qtbot.waitUntil(lambda: cells["inferred"].figure.text() == "3.9")
    parts.show_page(LATENCY)
    page = parts.strip.built(LATENCY)
    qtbot.waitUntil(page.isVisible)
    window.poller.stop()
    for fps in (5.1, 2.7):
        snapshot = window.model.snapshot
        window.model.apply(replace(snapshot, inferred_fps=fps, source_fps=fps + 10))
        legend = [figure.text() for figure in window.live.plots._fps_legend.figures]
        bar = [cells[name].figure.text().split(" ")[0] for name in ("source", "inferred", "shown")]
        latency = [page.rates[name].text() for name in ("source", "inferred", "shown")]
        assert legend == bar == latency
        assert bar[:2] == [f"{fps + 10:.1f}", f"{fps:.1f}"]


def test_the_whole_frame_is_no_sum_of_medians_and_says_so(qapp):
    """Two stages that are slow in turns: medians of 1 and 5.5 ms, and of 11 ms together."""
    turns = [(1.0, 10.0), (10.0, 1.0), (1.0, 10.0), (1.0, 1.0), (10.0, 1.0), (1.0, 10.0)]
    samples = [
        FrameSample(
            index,
            index / 25,
            (index + 1) * 10**9,
            StageTimings({Stage.PREPROCESS: pre, Stage.INFER: infer}, 0, (index + 1) * 10**9),
            Optimizations(),
            0,
        )
        for index, (pre, infer) in enumerate(turns)
    ]
    history = History()
    history.add(replace(at(10.0, 6), samples=tuple(samples)), NONE)
    strip = PlotStrip(history)
    strip.repaint_now()
    assert strip._whole_frame.full_text == "whole frame p50 11.0 ms"
    assert "do not add up to it" in strip._whole_frame.toolTip()
