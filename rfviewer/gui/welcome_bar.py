"""The row of ways to begin that is shown while the demo clip is loading, until it plays."""

from typing import override

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton

from rfviewer.gui import icons
from rfviewer.gui.controls import label
from rfviewer.gui.tokens import GAP_PX, PAD_PX

_WAYS = (
    ("film", "Try the clip", "open_clip"),
    ("folder", "Open video", "open_file"),
    ("webcam", "Use camera", "open_camera"),
    ("link", "Add stream", "open_address"),
)


class WelcomeBar(QFrame):
    """Four buttons and a cross.

    Signals:
        chosen: the id of the action to trigger.
        dismissed: the cross was pressed; the bar hides itself.
    """

    chosen = Signal(str)
    dismissed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("Banner")
        row = QHBoxLayout(self)
        row.setContentsMargins(PAD_PX, 6, GAP_PX, 6)
        row.setSpacing(GAP_PX)
        row.addWidget(label("Start with", muted=True))
        self._buttons: dict[str, QPushButton] = {}
        for icon_name, text, action in _WAYS:
            button = QPushButton(text)
            button.clicked.connect(lambda _checked=False, name=action: self.chosen.emit(name))
            self._buttons[icon_name] = button
            row.addWidget(button)
        row.addStretch(1)
        self._close = QToolButton()
        self._close.setAccessibleName("Dismiss")
        self._close.clicked.connect(self._on_dismissed)
        row.addWidget(self._close)
        self.setVisible(False)
        self._retint()

    def _retint(self) -> None:
        for icon_name, button in self._buttons.items():
            button.setIcon(icons.icon(icon_name))
        self._close.setIcon(icons.icon("close"))

    def _on_dismissed(self) -> None:
        self.setVisible(False)
        self.dismissed.emit()

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._retint()
        super().changeEvent(event)
