"""Runs something that may block beside the window and brings its result back to it."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from rfviewer import log
from rfviewer.errors import RfviewerError
from rfviewer.gui.services import StartThread


class Background(QObject):
    """Background jobs of one window. Results arrive on the GUI thread, never after `close`.

    Signals:
        failed: one sentence, when a job raised an error that a user can act on.
    """

    failed = Signal(str)
    _finished = Signal(object, object)

    def __init__(self, start_thread: StartThread, parent: QObject) -> None:
        super().__init__(parent)
        self._start_thread = start_thread
        self._closed = False
        self._finished.connect(self._on_finished, Qt.ConnectionType.QueuedConnection)

    def run[T](self, name: str, job: Callable[[], T], on_done: Callable[[T], None]) -> None:
        """Run `job` on a thread called `name`, then `on_done(result)` on the GUI thread."""

        def work() -> None:
            try:
                result = job()
            except RfviewerError as error:
                self._deliver(None, str(error))
            except Exception:  # noqa: BLE001 - foreign code: one sentence to the user, all to the log
                log.gui.exception("background job %s failed", name)
                self._deliver(None, f"{name} failed; the log tells why.")
            else:
                self._deliver(on_done, result)

        self._start_thread(f"gui-{name}", work)

    def close(self) -> None:
        """Deliver nothing any more."""
        self._closed = True

    def _deliver(self, on_done: Callable[[Any], None] | None, value: object) -> None:
        if not self._closed:
            self._finished.emit(on_done, value)

    def _on_finished(self, on_done: Callable[[Any], None] | None, value: object) -> None:
        if self._closed:
            return
        if on_done is None:
            self.failed.emit(str(value))
        else:
            on_done(value)
