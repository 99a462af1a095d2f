"""A field that finds toggles by words of their name, purpose or stage."""

from typing import override

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit

from rfviewer.gui.text import tooltip
from rfviewer.optimizations import toggle_of

_LETTERS = 16
"""Width of the field."""


def others_text(shown: int, able: int, blocked: int) -> str:
    """Return what to say of toggles that are not shown: not found, or unable to run here."""
    if shown < able:
        return f"{able - shown} others" if shown else f"None of {able} is found"
    return f"{blocked} more cannot run here" if blocked else ""


class ToggleSearch(QLineEdit):
    """Tells which toggles match; Escape empties it.

    Signals:
        taken: Enter was pressed.
    """

    taken = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setPlaceholderText("Find a switch")
        self.setAccessibleName("Find a switch")
        self.setToolTip(
            tooltip("By its name, what it does or its stage. Enter goes to the first that is found")
        )
        self.setClearButtonEnabled(True)
        self.returnPressed.connect(self.taken)
        self.fit_text()

    def fit_text(self) -> None:
        """Be as wide as the text asks for."""
        self.setFixedWidth(_LETTERS * self.fontMetrics().averageCharWidth() + 40)

    def finds(self, name: str) -> bool:
        """Whether the toggle has every word that was typed, or its beginning; all with none."""
        toggle = toggle_of(name)
        words = f"{toggle.label} {name} {toggle.stage.value} {toggle.why}".casefold()
        return all(word in words for word in self.text().casefold().split())

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            return
        super().keyPressEvent(event)
