"""Fixtures of the window tests: isolated preferences, a fake session, a window that is closed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from rfviewer.config import Settings
from rfviewer.gui.main_window import MainWindow
from rfviewer.gui.preferences import Preferences
from rfviewer.gui.theme import ThemeChoice
from tests.gui.fake_services import fake_services
from tests.gui.fake_session import FakeSession

PATIENCE_MS = 60_000


class PatientBot(QtBot):
    """Waits as long as a busy machine may need; all is well long before that."""

    def waitUntil(self, callback, *, timeout=PATIENCE_MS):  # noqa: N802 - Qt's way
        super().waitUntil(callback, timeout=timeout)

    def waitExposed(self, widget, *, timeout=PATIENCE_MS):  # noqa: N802
        return super().waitExposed(widget, timeout=timeout)


@pytest.fixture
def qtbot(qapp, request) -> QtBot:
    return PatientBot(request)


@pytest.fixture(autouse=True)
def dialogs_of_qt() -> None:
    """Show Qt's own file dialogs: those of a desktop cannot be looked into, and would stay open."""
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)


@pytest.fixture
def set_text_size(qapp) -> Iterator[Callable[[float], None]]:
    """Sets the desktop's text size to a share of its usual one, which it has again in the end."""
    before = qapp.font()

    def change(factor: float) -> None:
        font = QFont(before)
        font.setPointSizeF(factor * before.pointSizeF())
        qapp.setFont(font)

    yield change
    qapp.setFont(before)


@pytest.fixture
def large_text(set_text_size) -> None:
    """Text at 200 % of its usual size, as some desktops and eyes ask for."""
    set_text_size(2.0)


@pytest.fixture
def preferences(tmp_path: Path) -> Preferences:
    return Preferences(QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()


@pytest.fixture
def make_window(qtbot, tmp_path: Path, preferences: Preferences) -> Iterator[Callable]:
    windows = []

    def make(session: FakeSession, settings: Settings | None = None, **services) -> MainWindow:
        window = MainWindow(
            session,
            fake_services(tmp_path, **services),
            settings or Settings(),
            preferences,
            ThemeChoice.DARK,
        )
        windows.append(window)
        window.show()
        qtbot.waitUntil(lambda: window.live.plots is not None)
        return window

    yield make
    for window in windows:
        window.close()
        window.deleteLater()
    for widget in QApplication.topLevelWidgets():
        if isinstance(widget, QMenu):  # of a plot: it has no parent that would take it along
            widget.deleteLater()
    # Now: a style that the next window sets is given to every widget there is.
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def settles_soon(monkeypatch) -> None:
    """Let what binds be named after some tenths of a second of playback."""
    monkeypatch.setattr("rfviewer.gui.bound_meter.MIN_NS", 300_000_000)
    monkeypatch.setattr("rfviewer.gui.bound_meter.FIRST_AGREE_NS", 100_000_000)


@pytest.fixture
def window(make_window, session: FakeSession, qtbot) -> MainWindow:
    """A window that plays the fake clip and has an engine."""
    made = make_window(session)
    qtbot.waitUntil(lambda: made.model.snapshot is not None and made.video.view.frame is not None)
    return made
