"""Runs the window: the application object, signals of the system, screenshots, exit code."""

import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType

from PySide6.QtCore import QSocketNotifier, QTimer
from PySide6.QtWidgets import QApplication

from rfviewer import log
from rfviewer.config import Settings, clean_qt_environment
from rfviewer.gui import qt_messages
from rfviewer.gui.main_window import MainWindow
from rfviewer.gui.preferences import Preferences
from rfviewer.gui.services import WindowServices
from rfviewer.gui.theme import ThemeChoice
from rfviewer.interfaces import Session


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
    clean_qt_environment()
    qt_messages.install()
    instance = QApplication.instance()
    app = instance if isinstance(instance, QApplication) else QApplication(["rfviewer"])
    app.setApplicationName("rfviewer")
    app.setApplicationDisplayName("rfviewer")
    app.setDesktopFileName("rfviewer")
    choice = ThemeChoice(theme) if theme is not None else None
    session = make_session()
    window = MainWindow(session, services, settings, preferences, choice)
    failed = False

    def finish() -> None:
        nonlocal failed
        if screenshot is not None:
            failed = not window.outputs.save_window(screenshot)
        window.close()

    if screenshot is not None and quit_after_s is None:
        quit_after_s = 5.0
    if quit_after_s is not None:
        QTimer.singleShot(round(quit_after_s * 1000), window, finish)
    with _system_signals(window), _uncaught_errors(window):
        window.show()
        window.open_first(source)
        code = app.exec()
        # The last window may also be closed by the platform without a close event.
        window.close()
    qt_messages.restore()
    return 1 if failed else code


@contextmanager
def _system_signals(window: MainWindow) -> Iterator[None]:
    """Close the window on SIGINT and SIGTERM.

    Qt's event loop runs no Python between events, so a Python handler alone would wait for the
    next one. The wake-up descriptor makes the signal itself an event.
    """
    reader, writer = socket.socketpair()
    for end in (reader, writer):
        end.setblocking(False)  # noqa: FBT003 - the standard library's signature
    notifier = QSocketNotifier(reader.fileno(), QSocketNotifier.Type.Read, window)

    def on_readable() -> None:
        numbers = reader.recv(64)
        log.app.info("closing on signal %s", ", ".join(map(str, numbers)))
        window.close()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        """Do nothing here: the descriptor wakes the loop, which closes the window."""

    notifier.activated.connect(on_readable)
    old_fd = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    old = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(old_fd)
        notifier.setEnabled(False)
        reader.close()
        writer.close()


@contextmanager
def _uncaught_errors(window: MainWindow) -> Iterator[None]:
    """Log what a slot raised and tell it in one sentence: PySide prints it and goes on."""
    previous = sys.excepthook
    told: set[tuple[str, int]] = set()

    def on_error(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        # A fault in a timer's slot comes back ten times a second; the log needs it once.
        place = (kind.__name__, trace.tb_lineno if trace is not None else 0)
        if place in told:
            return
        told.add(place)
        log.gui.error("uncaught error in the window", exc_info=(kind, error, trace))
        window.show_notice(
            "error", f"Something went wrong in the window ({kind.__name__}); see the log."
        )

    sys.excepthook = on_error
    try:
        yield
    finally:
        sys.excepthook = previous
