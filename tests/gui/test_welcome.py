"""The ways to begin are there until something plays."""

from rfviewer.snapshot import PlayState
from tests.gui.fake_session import FakeSession


def first_window(make_window, session):
    window = make_window(session)
    window.open_first(None)
    return window


def test_they_go_when_the_clip_plays(make_window, qtbot):
    session = FakeSession()
    take, session.take_image = session.take_image, lambda: None
    window = first_window(make_window, session)
    welcome = window.video.welcome
    qtbot.waitUntil(lambda: window.model.snapshot is not None)
    assert welcome.isVisible()
    session.take_image = take
    qtbot.waitUntil(lambda: window.video.view.frame is not None)
    qtbot.waitUntil(lambda: not welcome.isVisible())
    assert window.model.snapshot.state is PlayState.PLAYING


def test_they_stay_where_the_clip_cannot_be_shown(make_window, qtbot):
    session = FakeSession()
    window = first_window(make_window, session)
    window.video.welcome.setVisible(True)
    session.failure = "The clip is missing."
    session.take_image = lambda: None
    window.video.view.clear()
    qtbot.waitUntil(lambda: window.video.pages.currentWidget() is window.video.error_panel)
    window.video.welcome.setVisible(True)
    count = session._sequence
    qtbot.waitUntil(lambda: session._sequence > count + 2)
    assert window.video.welcome.isVisible()
