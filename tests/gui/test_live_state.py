"""What the window says and offers while a camera or stream does not deliver."""

from dataclasses import replace

import pytest

from rfviewer.gui.live_bar import live_words
from rfviewer.snapshot import LivePhase, LiveStatus, RecordingStatus


@pytest.fixture
def still(window):
    window.poller.stop()
    return window


def test_words():
    assert live_words(LiveStatus(LivePhase.PLAYING)) == ""
    assert live_words(LiveStatus(LivePhase.STALLED, 0, 3.4)) == "Stalled: no picture for 3 s"
    lost = LiveStatus(LivePhase.LOST, 2, 12.0, 3.2, "Cam does not answer.")
    assert (
        live_words(lost) == "Connection lost, attempt 2 in 4 s \N{MIDDLE DOT} last picture 12 s ago"
    )
    assert live_words(LiveStatus(LivePhase.RECONNECTING, 3)) == "Connecting (3)"
    assert live_words(LiveStatus(LivePhase.RECONNECTING, 3, 3725.0)).endswith("1:02:05 ago")


def test_a_lost_source_is_greyed_and_can_be_tried_again_or_left(still, session):
    bar, view = still.video.live, still.video.view
    assert bar.isHidden()
    lost = LiveStatus(LivePhase.LOST, 2, 12.0, 3.0, "<b>Cam</b> does not answer.")
    still.model.apply(replace(session.poll(), live=lost))
    assert not bar.isHidden()
    assert view._greyed
    assert bar.reason.text() == "<b>Cam</b> does not answer."
    assert still.status.state_text.startswith("Connection lost, attempt 2 in 3 s")
    bar.now.click()
    bar.end.click()
    assert session.asked("retry_now") == [()]
    assert session.asked("give_up") == [()]
    stalled = LiveStatus(LivePhase.STALLED, 0, 3.0)
    still.model.apply(replace(session.poll(), live=stalled))
    assert bar.end.isHidden()
    assert view._greyed
    still.model.apply(replace(session.poll(), live=LiveStatus(LivePhase.PLAYING)))
    assert bar.isHidden()
    assert not view._greyed


@pytest.mark.qt_log_ignore("propagateSizeHints")
def test_closing_waits_for_the_recording_and_says_so(still, session, qtbot, tmp_path):
    running = RecordingStatus(video=tmp_path / "a.mp4", labels=None)
    still.model.apply(replace(session.poll(), recording=running))
    still.close()
    assert still.isVisible()
    assert session.asked("stop_recording") == [()]
    still.close()  # a second press changes nothing
    assert session.asked("stop_recording") == [()]
    qtbot.waitUntil(lambda: still._finishing.box is not None)
    still.model.apply(replace(session.poll(), recording=replace(running, active=False)))
    qtbot.waitUntil(lambda: session.closed)
    assert not still.isVisible()
    assert still._finishing.box is None


@pytest.mark.qt_log_ignore("propagateSizeHints")
def test_closing_now_leaves_the_partial_file(still, session, qtbot, tmp_path):
    running = RecordingStatus(video=tmp_path / "a.mp4", labels=None)
    still.model.apply(replace(session.poll(), recording=running))
    still.close()
    qtbot.waitUntil(lambda: still._finishing.box is not None)
    still._finishing.box.buttons()[0].click()
    qtbot.waitUntil(lambda: session.closed)
    assert session.asked("close") == [(5.0,)]


def test_the_system_does_not_wait(still, session, tmp_path):
    running = RecordingStatus(video=tmp_path / "a.mp4", labels=None)
    still.model.apply(replace(session.poll(), recording=running))
    still.close_now()
    assert session.closed
    assert session.asked("close") == [(5.0,)]
