"""SIGINT and SIGTERM as events of the window: nothing is raised into code that builds widgets."""

import signal
import socket
from collections.abc import Callable
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier

from rfviewer import log

_ENDING = tuple(
    number
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", None))
    if number is not None and signal.getsignal(number) is not signal.SIG_IGN  # as under nohup
)


class SystemSignals:
    """Holds the signals that end the program until an event loop runs. Main thread only.

    Python's own handler would raise KeyboardInterrupt in the middle of whatever Qt calls into;
    half-built widgets then crash while they are destroyed. Here the handler does nothing but note
    the number. The wake-up descriptor makes the signal an event too, since Qt's loop runs no
    Python between events; what came before the loop still waits in it.
    """

    def __init__(self) -> None:
        self.arrived = False
        """Whether one of the signals came."""
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.setblocking(False)  # noqa: FBT003 - the standard library's signature
        self._notifier: QSocketNotifier | None = None
        self._old_fd = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._old = {number: signal.signal(number, self._on_signal) for number in _ENDING}

    def connect(self, on_signal: Callable[[], object], owner: QObject) -> None:
        """Call `on_signal` from the event loop, at once if a signal came already."""

        def on_readable() -> None:
            numbers = self._reader.recv(64)
            if any(number in _ENDING for number in numbers):
                log.app.info("closing on signal %s", ", ".join(map(str, numbers)))
                on_signal()

        self._notifier = QSocketNotifier(self._reader.fileno(), QSocketNotifier.Type.Read, owner)
        self._notifier.activated.connect(on_readable)

    def disconnect(self) -> None:
        """Call nobody any more; the owner is about to go."""
        if self._notifier is not None:
            self._notifier.setEnabled(False)
            self._notifier = None

    def close(self) -> None:
        """Give the signals back to who had them."""
        self.disconnect()
        for number, handler in self._old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_fd)
        self._reader.close()
        self._writer.close()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.arrived = True
