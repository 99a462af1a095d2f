"""What the pages that measure have in common: their look, their parts, and the clipboard."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from rfviewer.gui.lab_command import CommandFor
from rfviewer.gui.lab_model import LabModel
from rfviewer.gui.model import SessionModel


class LabPage(QWidget):
    """A page below the video that runs experiments and shows what came out.

    Signals:
        notice: (severity, sentence) for the user.
    """

    notice = Signal(str, str)

    def __init__(self, model: SessionModel, lab: LabModel, command_for: CommandFor) -> None:
        super().__init__()
        self.setObjectName("LabPage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._model = model
        self._lab = lab
        self._command_for = command_for

    def _copy(self, text: str, said: str) -> None:
        """Put `text` on the clipboard and say so."""
        QGuiApplication.clipboard().setText(text)
        self.notice.emit("info", said)
