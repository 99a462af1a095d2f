"""Latencies: what counts as one, and the page that shows them."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from rfviewer.experiment import CeilingsRequest, LabStatus
from rfviewer.gui.lab_parts import LATENCY
from rfviewer.gui.latency_data import PARTS, LatencyBook
from rfviewer.gui.latency_page import change_text
from rfviewer.optimizations import Optimizations, toggle_names
from rfviewer.result import DeviceUsage
from rfviewer.snapshot import FrameSample, PlayState, PresentedFrame
from rfviewer.timing import StageTimings
from tests.gui.fake_session import FakeSession


def sample(index: int, done_s: float, depth: int, *, wait_ms=5.0, engine_ms=10.0) -> FrameSample:
    done = int(done_s * 1e9)
    submit = done - int(engine_ms * 1e6)
    timings = StageTimings({}, submit, done)
    wanted = Optimizations(depth=depth)
    return FrameSample(index, 0.0, done, timings, wanted, 1, submit - int(wait_ms * 1e6))


def book_with(session: FakeSession, samples) -> LatencyBook:
    book = LatencyBook()
    snapshot = session.poll()
    last = samples[-1].done_time_ns
    book.add(replace(snapshot, samples=tuple(samples), time_ns=last, state=PlayState.PLAYING))
    return book


def test_queue_wait_and_engine_make_the_latency(session):
    book = book_with(session, [sample(i, 100 + i / 50, 2) for i in range(200)])
    recent = book.recent()
    assert recent["queue wait"].mean() == pytest.approx(5.0)
    assert recent["engine"].mean() == pytest.approx(10.0)
    assert recent["capture to result"].mean() == pytest.approx(15.0)
    assert recent["capture to shown"].size == 0
    ages, values = book.curves()["capture to result"]
    assert ages[-1] <= 0
    assert values.mean() == pytest.approx(15.0)


def test_a_frame_is_shown_once_and_only_in_playback(session):
    book = book_with(session, [sample(0, 100.0, 2)])
    frame = PresentedFrame(None, 7, 0.2, 1, int(99.9e9), 0.0)
    book.painted(frame, int(99.95e9))
    book.painted(frame, int(99.99e9))
    assert book.recent()["capture to shown"].tolist() == pytest.approx([50.0])
    book.painted(replace(frame, frame_index=8, capture_time_ns=0), int(99.99e9))
    assert book.recent()["capture to shown"].size == 1


@pytest.mark.parametrize("held", ["pause", "experiment"])
def test_what_a_pause_or_an_experiment_holds_back_is_no_latency(session, held):
    book = book_with(session, [sample(i, 100 + i / 50, 2) for i in range(50)])
    request = CeilingsRequest(target=Optimizations())
    still = replace(session.poll(), samples=(), time_ns=int(500e9), state=PlayState.PLAYING)
    if held == "pause":
        book.add(replace(still, state=PlayState.PAUSED))
    else:
        book.add(replace(still, lab=LabStatus(request, active=True)))
    # Two frames were captured before it began; those that follow come as they are captured.
    waited = [sample(50 + i, 500.2 + i / 50, 2, wait_ms=399_000.0) for i in range(2)]
    fresh = [sample(52 + i, 500.3 + i / 50, 2) for i in range(20)]
    after = replace(still, time_ns=int(501e9), lab=LabStatus(request, active=False))
    book.add(replace(after, samples=(*waited, *fresh)))
    for index, captured_s in ((51, 101.0), (52, 500.95)):
        book.painted(PresentedFrame(None, index, 0.2, 1, int(captured_s * 1e9), 0.0), int(501e9))
    recent = book.recent()
    assert recent["queue wait"].tolist() == pytest.approx([5.0] * 20)
    assert recent["capture to result"].max() == pytest.approx(15.0)
    assert recent["capture to shown"].tolist() == pytest.approx([50.0])
    assert np.nanmax(book.curves()["capture to result"][1]) == pytest.approx(15.0)


def test_a_change_of_the_depth_shows_what_it_costs(session):
    slow = [sample(i, 100 + i / 50, 1) for i in range(200)]
    fast = [sample(200 + i, 104 + i / 80, 3, wait_ms=20.0) for i in range(500)]
    book = book_with(session, slow + fast)
    (change,) = book.changes
    assert (change.before, change.after) == (1, 3)
    assert change.latency_before_ms == pytest.approx(15.0)
    assert change.latency_after_ms == pytest.approx(30.0)
    assert change.fps_before == pytest.approx(50, rel=0.05)
    assert change.fps_after == pytest.approx(80, rel=0.05)
    text = change_text(change)
    assert "1 \N{RIGHTWARDS ARROW} 3" in text
    assert "15.0" in text
    assert "30.0" in text
    assert "Change the frames in flight" in change_text(None)


def test_a_change_of_more_than_the_depth_is_not_put_down_to_it(session):
    all_on = [sample(i, 100 + i / 50, 3) for i in range(200)]
    off = Optimizations.baseline()
    baseline = [replace(sample(200 + i, 104 + i / 80, 1), optimizations=off) for i in range(500)]
    (change,) = book_with(session, all_on + baseline).changes
    names = [name for name in toggle_names() if name != "depth"]
    given = all_on[0].optimizations
    assert change.others == sum(getattr(given, name) != getattr(off, name) for name in names) > 1
    assert f"and {change.others} other switches" in change_text(change)
    assert "measuring what they do" in change_text(replace(change, latency_after_ms=None))


def test_the_latency_page_has_figures_rates_and_the_device(make_window, qtbot):
    session = FakeSession(gpu=True)
    session.usage = DeviceUsage(0.18, "", 10, 0.042, 0.11, 412.0, 1755, "power cap")
    window = make_window(session)
    window.actions_["page_latency"].trigger()
    page = window.lab_parts.strip.page(LATENCY)
    qtbot.waitUntil(lambda: page.cells["engine"][0].text() not in {"", "\N{EN DASH}"})
    qtbot.waitUntil(lambda: "412 W" in page.device.text())
    assert "1755 MHz" in page.device.text()
    assert "power cap" in page.throttle.text()
    assert page.rates["inferred"].text() == "612"
    assert set(page.cells) == set(PARTS)
    assert page.cells["engine"][0].accessibleName().startswith("engine p50")


def test_what_is_not_measured_is_named(window, qtbot):
    window.actions_["page_latency"].trigger()
    page = window.lab_parts.strip.page(LATENCY)
    qtbot.waitUntil(lambda: page.device.text() == "GPU idle not measured: no GPU")


def test_legends_are_drawn_as_their_curves(window, qtbot):
    window.actions_["page_latency"].trigger()
    page, plots = window.lab_parts.strip.page(LATENCY), window.live.plots
    for legend, curves in (
        (page._legend, page.plot._curves),
        (plots._fps_legend, plots.fps._curves),
    ):
        pens = [curve.opts["pen"] for curve in curves]
        assert [mark.color for mark in legend.marks] == [pen.color() for pen in pens]
        dashed = [pen.style() is Qt.PenStyle.DashLine for pen in pens]
        assert [mark.dashed for mark in legend.marks] == dashed
        assert set(dashed) == {True, False}
        if legend is page._legend:
            assert [mark.color for mark in page._marks] == [pen.color() for pen in pens]
            assert [mark.dashed for mark in page._marks] == dashed
        for mark in legend.marks:
            picture = mark.grab().toImage()
            row = [picture.pixelColor(x, 1) for x in range(picture.width())]
            assert (len(set(map(QColor.rgb, row))) > 1) is mark.dashed
