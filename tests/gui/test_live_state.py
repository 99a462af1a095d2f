"""What the window says and offers while a camera or stream does not deliver."""

from dataclasses import replace

import pytest

from rfviewer.gui.live_bar import live_words
from rfviewer.snapshot import LivePhase, LiveStatus


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
    assert live_words(LiveStatus(LivePhase.RECONNECTING, 3)) == "Reconnecting (3)"
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
