"""Starting, hiding and closing in every state; memory of the window; the command line of `run`."""

import os
import signal

import pytest
from PySide6.QtCore import QTimer

from rfviewer.config import Settings
from rfviewer.gui import app_shell
from rfviewer.gui.app_shell import run
from rfviewer.snapshot import PlayState
from tests.gui.fake_services import fake_services
from tests.gui.fake_session import FakeSession


def _idle(session):
    session._state = PlayState.IDLE


def _paused(session):
    session._state = PlayState.PAUSED


def _failed(session):
    session.failure = "It cannot be read; open another."


def _dead(session):
    session.engine_failure = "The engine child ended."


def _ended(session):
    session._state, session._pts = PlayState.ENDED, 20.0


STATES = [_idle, _paused, _failed, _dead, _ended, lambda session: None]


@pytest.mark.parametrize("bring_into", STATES)
@pytest.mark.parametrize("load_s", [0.0, 3600.0])
def test_closing_in_each_state(make_window, qtbot, bring_into, load_s):
    session = FakeSession(load_s=load_s)
    window = make_window(session)
    bring_into(session)
    qtbot.waitUntil(lambda: window.model.snapshot is not None)
    window.close()
    assert session.closed
    assert not window.isVisible()
    window.close()
    assert len(session.asked("close")) == 1


def test_closing_before_the_plots_were_built(qtbot, tmp_path, preferences):
    from rfviewer.gui.main_window import MainWindow

    session = FakeSession()
    window = MainWindow(session, fake_services(tmp_path), Settings(), preferences)
    qtbot.addWidget(window)
    window.show()
    window.close()
    assert session.closed
    assert window.live.plots is None


def test_a_hidden_window_takes_no_images_but_still_listens(window, session, qtbot):
    window.hide()
    assert not window.poller._images.isActive()
    assert window.poller._snapshots.isActive()
    assert not window.live.plots.repaint_timer.isActive()
    window.show()
    assert window.poller._images.isActive()


def test_sizes_and_recent_sources_are_remembered(make_window, session, qtbot, preferences):
    window = make_window(session)
    qtbot.waitUntil(lambda: bool(preferences.recent))
    assert preferences.recent == [("street.mp4", "/videos/street.mp4")]
    window.resize(780, 640)  # the offscreen screen is 800 wide
    window.close()
    again = make_window(FakeSession())
    assert again.size().width() == 780
    again.actions_["reset_layout"].trigger()
    assert preferences.layout_value("geometry") is None


def test_recent_sources_hold_no_password(preferences):
    preferences.add_recent("cam", "rtsp://user:secret@host/live")
    assert preferences.recent == [("cam", "rtsp://host/live")]


def test_an_old_layout_is_not_restored(preferences, window):
    window.layout_.save()
    assert preferences.layout_value("geometry") is not None
    preferences._store.setValue("layout/version", 0)
    assert preferences.layout_value("geometry") is None


@pytest.fixture
def ends_once_told(monkeypatch):
    """Let a run that is given a time go on until it has heard of its session: sooner than any
    time that would do on every machine."""

    class End(app_shell._ScriptedEnd):
        def finish(self) -> None:
            if self._window.model.snapshot is None:
                QTimer.singleShot(10, self._window, self.finish)
            else:
                super().finish()

    monkeypatch.setattr(app_shell, "_ScriptedEnd", End)


@pytest.mark.usefixtures("ends_once_told")
def test_run_saves_a_screenshot_and_ends(qapp, tmp_path, preferences):
    session = FakeSession()
    shot = tmp_path / "deep" / "shot.png"
    code = run(
        lambda: session,
        fake_services(tmp_path),
        Settings(),
        source="/videos/street.mp4",
        quit_after_s=0.1,
        screenshot=shot,
        theme="light",
        preferences=preferences,
    )
    assert code == 0
    assert shot.stat().st_size > 10_000
    assert session.closed
    assert [call[0] for call in session.asked("open")] == ["/videos/street.mp4"]


@pytest.mark.usefixtures("ends_once_told")
@pytest.mark.parametrize("fault", ["source", "engine", "folder"])
def test_a_run_by_itself_tells_its_failure(qapp, tmp_path, preferences, capfd, fault):
    session, shot = FakeSession(), None
    if fault == "source":
        session.failure = sentence = "There is no file a.mp4; check the name."
        session.open = lambda *_: None
    elif fault == "engine":
        session.engine_failure = sentence = "bad.onnx is no ONNX file; choose another."
    else:
        (tmp_path / "file").touch()
        shot = tmp_path / "file" / "shot.png"
        sentence = f"The folder {tmp_path / 'file'} cannot be made"
    code = run(
        lambda: session,
        fake_services(tmp_path),
        Settings(),
        quit_after_s=0.1,
        screenshot=shot,
        preferences=preferences,
        source="a.mp4",
    )
    lines = capfd.readouterr().err.splitlines()
    assert code == 1
    assert len(lines) == 1
    assert lines[0].startswith(f"rfviewer: {sentence}")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_session_is_made_closes_it(qapp, tmp_path, preferences, number):
    session = FakeSession()

    def make():
        os.kill(os.getpid(), number)
        return session

    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert run(make, fake_services(tmp_path), Settings(), preferences=preferences) == 0
    assert session.closed
    assert session.asked("open") == []
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers


def test_run_without_a_source_welcomes_with_the_clip(qapp, tmp_path, preferences):
    session = FakeSession(open_=False)
    run(
        lambda: session,
        fake_services(tmp_path),
        Settings(),
        quit_after_s=0.1,
        preferences=preferences,
    )
    uri, playback = session.asked("open")[0]
    assert uri == "/videos/street.mp4"
    assert playback.loop


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_close_the_window(qapp, tmp_path, preferences, number):
    session = FakeSession()
    QTimer.singleShot(200, lambda: os.kill(os.getpid(), number))
    code = run(
        lambda: session, fake_services(tmp_path), Settings(), source="a", preferences=preferences
    )
    assert code == 0
    assert session.closed
