"""Closing while files are written: asks before an export is cut off, waits for a recording."""

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QMainWindow, QMessageBox

from rfviewer.gui.model import SessionModel
from rfviewer.gui.outputs import Outputs
from rfviewer.snapshot import Snapshot

_TELL_AFTER_MS = 400
"""A recording that is finished sooner needs no message."""


class ClosingQuestion(QObject):
    """Knows whether the window may close now, and asks when it may not."""

    def __init__(self, window: QMainWindow, model: SessionModel, outputs: Outputs) -> None:
        super().__init__(window)
        self._window = window
        self._model = model
        self._outputs = outputs
        self._answered = False
        self.box: QMessageBox | None = None
        """The question while it is on show."""

    def skip(self) -> None:
        """Ask nothing any more."""
        self._answered = True

    def must_ask(self) -> bool:
        """Whether closing has to wait for an answer; the question is on show then."""
        if self._answered or not self._outputs.exporting or not self._model.recording:
            return False
        if self.box is None:
            self._ask()
        return True

    def _ask(self) -> None:
        snapshot = self._model.snapshot
        status = snapshot.recording if snapshot is not None else None
        seconds = f"{status.duration_s:.1f}" if status is not None else "0"
        self.box = box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("An export is running")
        box.setText(f"An export is running: stop it and keep the first {seconds} s?")
        stop = box.addButton("Stop and close", QMessageBox.ButtonRole.AcceptRole)
        go_on = box.addButton("Go on", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(go_on)
        box.setEscapeButton(go_on)
        box.finished.connect(lambda _result: self._on_finished(stop_it=box.clickedButton() is stop))
        box.open()

    def _on_finished(self, *, stop_it: bool) -> None:
        if self.box is not None:
            self.box.deleteLater()
            self.box = None
        if stop_it:
            self._answered = True
            self._window.close()


class FinishingFiles(QObject):
    """Keeps the window open, with a message, until a running recording is an ordinary file.

    A long recording is copied once at its end, which takes as long as the disk needs. Closing at
    once is offered: then its partial file stays, and the next start offers to finish it.
    """

    def __init__(self, window: QMainWindow, model: SessionModel) -> None:
        super().__init__(window)
        self._window = window
        self._model = model
        self._over = False
        self._waiting = False
        self.box: QMessageBox | None = None
        """The message while it is on show."""
        self._timer = QTimer(self, singleShot=True, interval=_TELL_AFTER_MS)
        self._timer.timeout.connect(self._tell)

    def skip(self) -> None:
        """Wait for nothing any more."""
        self._over = True

    def must_wait(self) -> bool:
        """Whether closing has to wait; it goes on by itself then."""
        if self._over or not self._model.recording:
            return False
        if not self._waiting:
            self._waiting = True
            self._model.snapshot_changed.connect(self._on_snapshot)
            self._timer.start()
            self._model.stop_recording()
        return True

    def _on_snapshot(self, _snapshot: Snapshot) -> None:
        if not self._model.recording:
            self._close()

    def _tell(self) -> None:
        self.box = box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Information)
        box.setWindowTitle("Finishing the recording")
        box.setText("The recording is being finished; the window closes by itself after that.")
        box.setInformativeText(
            "If you close now, its partial file stays, and the next start offers to finish it."
        )
        now = box.addButton("Close now", QMessageBox.ButtonRole.DestructiveRole)
        now.clicked.connect(self._close)
        box.open()

    def _close(self) -> None:
        self._timer.stop()
        self._over = True
        self._model.snapshot_changed.disconnect(self._on_snapshot)
        if self.box is not None:
            self.box.deleteLater()
            self.box = None
        # Not from within a snapshot that other parts are still being told of.
        QTimer.singleShot(0, self._window, self._window.close)
