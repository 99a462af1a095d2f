"""Runs the window: the application object, its order of life and death, the exit code."""

import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QTimer
from PySide6.QtWidgets import QApplication

from rfviewer.config import Settings, clean_qt_environment, use_desktop_dialogs
from rfviewer.errors import RfviewerError
from rfviewer.gui import qt_messages
from rfviewer.gui.main_window import MainWindow
from rfviewer.gui.preferences import Preferences
from rfviewer.gui.services import WindowServices
from rfviewer.gui.system_signals import SystemSignals
from rfviewer.gui.theme import ThemeChoice
from rfviewer.session.interface import Session
from rfviewer.snapshot import EnginePhase, PlayState, Snapshot


def run(
    make_session: Callable[[], Session],
    services: WindowServices,
    settings: Settings,
    *,
    source: str | None = None,
    quit_after_s: float | None = None,
    screenshot: Path | None = None,
    theme: str | None = None,
    preferences: Preferences | None = None,
) -> int:
    """Show the window until it is closed; return the exit code. Main thread only.

    SIGINT and SIGTERM close it cleanly from the first line on, and the code is 0. A run that ends
    by itself returns 1, with the sentence on stderr, when source, engine or screenshot failed.

    Args:
        make_session: Makes what the window shows; it is closed with the window. Called before
            the window is built, so that an engine process loads beside it.
        services: What the window needs from other rooms.
        settings: What the session was started with.
        source: What to open at once; None opens the demo clip with the welcome cards.
        quit_after_s: Close by itself after that many seconds.
        screenshot: Save the window as PNG just before closing by itself (after 5 s if
            `quit_after_s` is not given).
        theme: "system", "light" or "dark" for this run only; None takes the remembered one.
        preferences: Where the window remembers things; None takes the user's own.
    """
    signals = SystemSignals()
    try:
        clean_qt_environment()
        use_desktop_dialogs()
        qt_messages.install(services.safety.ends_properly)
        instance = QApplication.instance()
        app = instance if isinstance(instance, QApplication) else QApplication(["rfviewer"])
        app.setApplicationName("rfviewer")
        app.setApplicationDisplayName("rfviewer")
        app.setDesktopFileName("rfviewer")
        choice = ThemeChoice(theme) if theme is not None else None
        session = make_session()
        if signals.arrived:
            session.close()
            return 0
        window = MainWindow(session, services, settings, preferences, choice)
        if screenshot is not None and quit_after_s is None:
            quit_after_s = 5.0
        end = _ScriptedEnd(window, screenshot)
        if quit_after_s is not None:
            QTimer.singleShot(round(quit_after_s * 1000), window, end.finish)
        signals.connect(window.close_now, window)
        with window.safety.watching():
            window.show()
            window.open_first(source)
            QTimer.singleShot(0, window, window.safety.begin)
            code = app.exec()
            # The last window may also be closed by the platform without a close event.
            window.close_now()
        signals.disconnect()
        # Widgets go while the application is whole; at the exit of Python the order is by chance.
        app.processEvents()
        window.deleteLater()
        app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    finally:
        qt_messages.restore()
        signals.close()
    if window.last_words:
        sys.stderr.write(f"rfviewer: {window.last_words}\n")
    if end.failure:
        sys.stderr.write(f"rfviewer: {end.failure}\n")
        return 1
    return code


class _ScriptedEnd:
    """Ends a run that was given a time: takes the screenshot, judges the run, closes."""

    def __init__(self, window: MainWindow, screenshot: Path | None) -> None:
        self._window = window
        self._screenshot = screenshot
        self.failure = ""
        """One sentence when the run did not do what it was asked for."""

    def finish(self) -> None:
        """Do it now."""
        self.failure = _failure(self._window.model.snapshot)
        if self._screenshot is not None:
            try:
                self._window.outputs.write_window(self._screenshot)
            except RfviewerError as error:
                self.failure = str(error)
        self._window.close_now()


def _failure(snapshot: Snapshot | None) -> str:
    """Return why nothing is shown; empty while all is well."""
    if snapshot is None:
        return ""
    if snapshot.state is PlayState.FAILED:
        return snapshot.error or "The source failed."
    if snapshot.live is not None and snapshot.live.reason:
        return snapshot.live.reason
    if snapshot.engine.phase is EnginePhase.FAILED:
        return snapshot.engine.step or "The engine failed."
    return ""
