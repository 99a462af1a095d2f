"""The status bar: what is red, what waits, and messages that do not fit."""

from dataclasses import replace

import pytest
from PySide6.QtGui import QFontMetrics

from rfviewer.config import Policy
from rfviewer.frame import SourceKind
from rfviewer.gui.elision import elided
from rfviewer.gui.history import History
from rfviewer.gui.rates import Rates
from rfviewer.gui.stats_text import stats_lines, waiting_frames
from rfviewer.gui.status_strip import wanted_fps
from rfviewer.snapshot import Counters
from tests.gui.fake_session import FakeSession

SLOW = Rates(source=0.7, inferred=0.7, shown=0.7)


@pytest.fixture
def status(window):
    """The status bar of a window that is no longer fed."""
    window.poller.stop()
    return window.status


def test_a_file_that_waits_for_the_engine_is_not_slow(status, session):
    snapshot = replace(session.poll(), policy=Policy.EVERY_FRAME)
    status.apply(snapshot, SLOW)
    shown = status.cells["shown"]
    assert shown.figure.text() == "0.7 fps"
    assert shown.health.level == 0
    assert wanted_fps(snapshot) is None


def test_what_is_not_kept_up_with_is_red(status, session):
    file = replace(session.poll(), policy=Policy.KEEP_PACE)
    camera = replace(file.source, live=True, kind=SourceKind.CAMERA, duration_s=None)
    live = replace(file, policy=Policy.EVERY_FRAME, source=camera)
    for snapshot in (file, live):
        status.apply(snapshot, SLOW)
        assert status.cells["shown"].figure.text() == "0.7 fps slow"
        assert status.cells["shown"].health.level == 2
    status.apply(file, Rates(30.0, 4.0, 30.0))
    assert status.cells["shown"].health.level == 0


def test_frames_on_their_way_are_told_apart_from_dropped_ones(status, session):
    snapshot = replace(
        session.poll(),
        policy=Policy.EVERY_FRAME,
        counters=Counters(captured=100, dropped=0, inferred=94),
        queues={"to engine": (4, 4), "in flight": (2, 2), "to draw": (1, 2), "to write": (0, 8)},
    )
    status.apply(snapshot, SLOW)
    assert waiting_frames(snapshot) == 6
    assert status.cells["waiting"].figure.text() == "6"
    assert status.cells["dropped"].figure.text() == "0"
    assert "to engine 4 of 4" in status.cells["waiting"].toolTip()
    lines = dict(stats_lines(snapshot, History(), None, SLOW))
    assert lines["frames inferred / waiting / dropped"] == "94  6  0"
    assert not any("captured" in name for name in lines)


def test_a_path_is_shortened_in_its_middle_and_the_outcome_stays(qapp):
    metrics = QFontMetrics(qapp.font())
    path = "/home/someone/A long name of a folder/videos/street-20261128-101530.mp4"
    for text, ends in (
        (f"Saved {path} (1284 frames)", " (1284 frames)"),
        (f"Saved {path}", "530.mp4"),
        (rf"Saved C:\Users\someone\A long name of a folder\{'x' * 40}.mp4 (9 frames)", "frames)"),
    ):
        width = metrics.horizontalAdvance(text) * 2 // 3
        shown = elided(text, metrics, width)
        assert metrics.horizontalAdvance(shown) <= width
        assert shown.startswith("Saved ")
        assert shown.endswith(ends)
        assert "\N{HORIZONTAL ELLIPSIS}" in shown
        assert elided(text, metrics, metrics.horizontalAdvance(text)) == text
    told = "The measurement was stopped after 3 of 4 rounds."
    assert elided(told, metrics, metrics.horizontalAdvance(told) // 2).startswith("The meas")
    tiny = elided(f"Saved {path}", metrics, metrics.horizontalAdvance("Saved /h"))
    assert tiny.startswith("Saved")


def test_a_saved_file_is_told_whole_in_the_tooltip(window, status):
    window.resize(1024, 700)
    text = "Saved /home/someone/A long name of a folder/videos/street-20261128.mp4 (1284 frames)"
    status.show_notice("info", text)
    label = status._state
    assert status.state_text == text
    assert text in label.toolTip()
    shown = elided(text, label.fontMetrics(), label.width())
    assert shown.endswith("(1284 frames)")
    assert shown.startswith("Saved /")


def test_the_wanted_rate_needs_a_video_that_should_not_wait():
    snapshot = FakeSession().poll()
    assert wanted_fps(replace(snapshot, policy=Policy.KEEP_PACE)) == 30.0
    assert wanted_fps(replace(snapshot, policy=Policy.EVERY_FRAME)) is None
