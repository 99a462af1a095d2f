"""A widget with a clock for repainting, which runs only while somebody can see it."""

from typing import override

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget


class RepaintingWidget(QWidget):
    """Runs `repaint_timer` from the moment it is shown until it is hidden."""

    def __init__(self, interval_ms: int) -> None:
        super().__init__()
        self.repaint_timer = QTimer(self, interval=interval_ms)
        """Connect what brings the widget up to date; nobody else starts or stops it."""

    @override
    def showEvent(self, event: QShowEvent) -> None:
        self.repaint_timer.start()
        super().showEvent(event)

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        self.repaint_timer.stop()
        super().hideEvent(event)
