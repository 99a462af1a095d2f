"""Pauses: the plots stand still, go on with a marked gap, and rates are those of playback."""

from dataclasses import replace

import numpy as np
import pytest

from rfviewer.experiment import AbRequest, LabStatus
from rfviewer.gui.history import History
from rfviewer.gui.latency_data import LatencyBook
from rfviewer.gui.play_clock import BREAK_S, PlayClock
from rfviewer.gui.rates import Rates
from rfviewer.optimizations import Optimizations
from rfviewer.snapshot import FrameSample, PlayState
from rfviewer.timing import Stage, StageTimings
from tests.gui.fake_session import FakeSession

PLAYING, PAUSED = PlayState.PLAYING, PlayState.PAUSED
RATES = Rates(30.0, 4.0, 25.0)


SNAPSHOT = FakeSession().poll()


def at(second: float, state: PlayState = PLAYING, **changes):
    return replace(SNAPSHOT, time_ns=round(second * 1e9), state=state, samples=(), **changes)


def sample(second: float, **changes) -> FrameSample:
    done = round(second * 1e9)
    timings = StageTimings({Stage.INFER: 5.0}, done - 5_000_000, done)
    return replace(
        FrameSample(0, 0.0, done, timings, Optimizations(), 0, done - 9_000_000), **changes
    )


def clock_of(*moments) -> PlayClock:
    clock = PlayClock()
    for moment in moments:
        clock.add(at(*moment))
    return clock


def test_it_stands_still_in_a_pause_and_goes_on_from_there():
    clock = clock_of((100.0, PLAYING), (101.0, PAUSED))
    assert clock.holds
    held = clock.now_s
    clock.add(at(151.0, PAUSED))
    assert clock.now_s == held
    assert clock.end_word == "paused"
    clock.add(at(161.0))
    assert not clock.holds
    assert clock.end_word == "now"
    assert clock.now_s == pytest.approx(held + BREAK_S)
    clock.add(at(165.0))
    assert clock.now_s == pytest.approx(held + BREAK_S + 4.0)


def test_a_long_pause_is_marked_with_its_true_length_and_a_short_one_keeps_it():
    long = clock_of((100.0, PLAYING), (101.0, PAUSED), (161.0, PLAYING), (165.0, PLAYING))
    ((start, end, length),) = long.gaps(30.0)
    assert (start, end) == (pytest.approx(-4.0 - BREAK_S), pytest.approx(-4.0))
    assert length == pytest.approx(60.0)
    assert long.gaps(3.0) == []
    short = clock_of((100.0, PLAYING), (101.0, PAUSED), (101.5, PLAYING), (102.0, PLAYING))
    assert short.gaps(30.0) == []
    assert short.now_s - short.place(100.0) == pytest.approx(2.0)


def test_places_never_go_back_and_playback_keeps_its_length():
    clock = clock_of(
        (100.0, PLAYING), (101.0, PAUSED), (111.0, PLAYING), (112.0, PAUSED), (112.4, PLAYING),
        (115.0, PLAYING), (116.0, PlayState.ENDED),
    )  # fmt: skip
    times = np.arange(98.0, 120.0, 0.1)
    places = np.array([clock.place(t) for t in times])
    assert (np.diff(places) >= -1e-9).all()
    assert clock.place(115.0) - clock.place(112.4) == pytest.approx(2.6)
    assert clock.place(101.0) - clock.place(98.0) == pytest.approx(3.0)


def test_an_experiment_holds_it_too():
    lab = LabStatus(AbRequest(a=Optimizations(), b=Optimizations()), active=True)
    clock = clock_of((100.0, PLAYING))
    clock.add(at(101.0, lab=lab))
    assert clock.holds
    clock.add(at(140.0, lab=replace(lab, active=False)))
    assert clock.gaps(30.0)


def test_no_curve_is_drawn_across_a_pause_and_nothing_is_pushed_out():
    history = History()
    for tenth in range(20):
        history.add(replace(at(100 + tenth / 10), samples=(sample(100 + tenth / 10),)), RATES)
    before = history.rates(), history.stages()
    for tenth in range(6000):
        history.add(at(102 + tenth / 10, PAUSED), RATES)
    for old, new in zip(before, (history.rates(), history.stages()), strict=True):
        assert len(new[0]) == len(old[0])
        assert new[0] == pytest.approx(old[0], abs=0.2)
    for tenth in range(30):
        second = 702 + tenth / 10
        history.add(replace(at(second), samples=(sample(second),)), RATES)
    ages, stages = history.stages()
    ((start, end, _length),) = history.clock.gaps(30.0)
    unknown = np.isnan(stages).all(axis=1)
    assert ages[unknown].tolist() == pytest.approx([start, end])
    assert not ((ages > start) & (ages < end)).any()


def test_a_flip_in_a_pause_is_drawn_inside_the_gap():
    history = History()
    history.add(replace(at(100.0), samples=(sample(100.0),)), RATES)
    history.add(at(101.0, PAUSED), RATES)
    flipped = sample(131.0, optimizations=Optimizations.baseline())
    history.add(replace(at(131.1, PAUSED), samples=(flipped,)), RATES)
    history.add(replace(at(141.0), samples=(sample(141.0),)), RATES)
    ((start, end, _length),) = history.clock.gaps(30.0)
    assert start <= history.changes()[0] <= end


def test_a_frame_made_anew_in_a_pause_leaves_no_spike():
    history = History()
    for tenth in range(10):
        history.add(replace(at(100 + tenth / 10), samples=(sample(100 + tenth / 10),)), RATES)
    history.add(at(101.0, PAUSED), RATES)
    cold = StageTimings({Stage.INFER: 400.0}, 0, 0)
    flipped = sample(131.0, optimizations=Optimizations(roi_masks=False), timings=cold)
    back = sample(132.0, timings=cold)
    stepped = sample(133.0, timings=cold)
    for second, made in ((131.1, flipped), (132.1, back), (133.1, stepped)):
        history.add(replace(at(second, PAUSED), samples=(made,)), RATES)
    for tenth in range(10):
        second = 141 + tenth / 10
        history.add(replace(at(second), samples=(sample(second),)), RATES)
    assert len(history.changes()) == 2
    assert np.nanmax(history.stages()[1]) == 5.0
    assert np.nanmax(history.recent_stages()) == 5.0


def test_frames_made_anew_in_a_pause_are_no_rate_after_a_change_of_depth():
    book = LatencyBook()
    for tenth in range(10):
        second = 100 + tenth / 10
        book.add(replace(at(second), samples=(sample(second),)))
    deeper = Optimizations(depth=3)
    for tenth in range(10):
        second = 101 + tenth / 10
        book.add(replace(at(second, PAUSED), samples=(sample(second, optimizations=deeper),)))
    assert book.changes[0].fps_after is None
    for half in range(8):
        second = 110 + half / 2
        book.add(replace(at(second), samples=(sample(second, optimizations=deeper),)))
    assert book.changes[0].fps_after == pytest.approx(2.0)


def test_flipping_switches_while_paused_leaves_dashes(window, session, qtbot, monkeypatch):
    monkeypatch.setattr("rfviewer.gui.rates.SETTLE_S", 0.2)
    cells, plots = window.status.cells, window.live.plots
    qtbot.waitUntil(lambda: cells["inferred"].figure.text() == "3.9")
    qtbot.waitUntil(lambda: plots._fps_legend.figures[1].text() == "3.9")
    window.model.play_pause()

    def ticks():
        return [text for _place, text in plots.fps.item.getAxis("bottom")._tickLevels[0]]

    qtbot.waitUntil(lambda: cells["inferred"].figure.text() == "\N{EN DASH}")
    window.panel.rack.rows["roi_masks"].focus_target.click()
    window.panel.rack.rows["roi_masks"].focus_target.click()
    edge = window.live.history.clock.now_s
    count = session._sequence
    qtbot.waitUntil(lambda: session._sequence > count + 3)
    assert [cells[n].figure.text() for n in ("source", "inferred", "shown")] == ["\N{EN DASH}"] * 3
    assert [figure.text() for figure in plots._fps_legend.figures] == ["\N{EN DASH}"] * 3
    assert window.live.history.clock.now_s == edge
    qtbot.waitUntil(lambda: ticks()[-1] == "paused")
    window.model.play_pause()
    qtbot.waitUntil(lambda: ticks()[-1] == "now")
    qtbot.waitUntil(lambda: cells["inferred"].figure.text() == "3.9")
