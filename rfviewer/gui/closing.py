"""Asks before a running export is cut off by closing the window."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMainWindow, QMessageBox

from rfviewer.gui.model import SessionModel
from rfviewer.gui.outputs import Outputs


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
