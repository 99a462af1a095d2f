"""Writes a report when something crashed, and when the user asks for one."""

import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from rfviewer import log
from rfviewer.gui.background import Background
from rfviewer.gui.model import SessionModel, engine_has_died
from rfviewer.gui.safety_services import SafetyServices
from rfviewer.snapshot import Snapshot

_MAX_AUTOMATIC = 3
"""Per run: a fault that comes back again and again needs no further report."""


class CrashReports(QObject):
    """Knows what crashed already. GUI thread, except `_on_thread_error`.

    Signals:
        notice: (severity, sentence) for the user.
    """

    notice = Signal(str, str)
    _happened = Signal(str, str)

    def __init__(
        self,
        window: QWidget,
        model: SessionModel,
        services: SafetyServices,
        background: Background,
    ) -> None:
        super().__init__(window)
        self._window, self._model = window, model
        self._services, self._background = services, background
        self._told: set[str] = set()
        self._engine_died = False
        model.snapshot_changed.connect(self._on_snapshot)
        self._happened.connect(self._on_happened, Qt.ConnectionType.QueuedConnection)

    @contextmanager
    def catching(self) -> Iterator[None]:
        """Tell uncaught errors of slots and threads in one sentence, once each, with a report.

        PySide prints what a slot raised and goes on; Python prints what a thread raised.
        """
        previous, previous_thread = sys.excepthook, threading.excepthook

        def on_error(
            kind: type[BaseException], error: BaseException, trace: TracebackType | None
        ) -> None:
            self._tell(kind, error, trace)

        def on_thread_error(args: threading.ExceptHookArgs) -> None:
            if args.exc_value is not None and args.exc_type is not SystemExit:
                self._tell(args.exc_type, args.exc_value, args.exc_traceback)

        sys.excepthook, threading.excepthook = on_error, on_thread_error
        try:
            yield
        finally:
            sys.excepthook, threading.excepthook = previous, previous_thread

    def ask_where(self) -> None:
        """Ask for a name, then write a report there."""
        name = f"rfviewer-report-{datetime.now().astimezone():%Y%m%d-%H%M%S}.txt"
        dialog = QFileDialog(self._window, "Save bug report", str(Path.home() / name))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter("Text (*.txt)")
        dialog.setDefaultSuffix("txt")
        dialog.fileSelected.connect(lambda path: self.save(Path(path)))
        dialog.open()

    def save(self, path: Path) -> None:
        """Write a report to `path`, beside the window."""
        self._write(path, "Asked for in the window.", "Saved {}; read it before you attach it.")

    def _tell(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Log an uncaught error and hand it to the GUI thread; any thread."""
        # A fault in a timer's slot comes back ten times a second; the log needs it once.
        place = f"{kind.__name__} {trace.tb_lineno if trace is not None else 0}"
        if place in self._told:
            return
        self._told.add(place)
        log.gui.error("uncaught error in the window", exc_info=(kind, error, trace))
        happened = "".join(traceback.format_exception(kind, error, trace))
        self._happened.emit(kind.__name__, happened)

    def _on_happened(self, kind: str, happened: str) -> None:
        self.notice.emit("error", f"Something went wrong in the window ({kind}); see the log.")
        if len(self._told) <= _MAX_AUTOMATIC:
            self._write(None, happened)

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        died = engine_has_died(snapshot)
        if died and not self._engine_died:
            self._write(None, snapshot.error)
        self._engine_died = died

    def _write(
        self, path: Path | None, happened: str, told: str = "A report about it is in {}"
    ) -> None:
        save, snapshot = self._services.save_report, self._model.snapshot
        if save is None:
            return  # a window without a home, as in tests
        self._background.run(
            "report",
            lambda: save(path, happened, snapshot),
            lambda saved: self.notice.emit("info", told.format(saved)),
        )
