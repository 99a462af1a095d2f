"""A line across the window for what must not be missed: a dead engine, a failed output."""

from collections.abc import Callable
from typing import override

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton

from rfviewer.gui import icons
from rfviewer.gui.controls import label
from rfviewer.gui.tokens import GAP_PX, PAD_PX, current_tokens


class Banner(QFrame):
    """One sentence, at most two buttons, and a way to dismiss it. The worst message stays."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("Banner")
        row = QHBoxLayout(self)
        row.setContentsMargins(PAD_PX, 5, GAP_PX, 5)
        row.setSpacing(GAP_PX)
        self._mark = QLabel()
        self.sentence = label()
        self.sentence.setWordWrap(True)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.button = QPushButton()
        self.button.setProperty("primary", "true")
        self.second = QPushButton()
        self.button.clicked.connect(lambda: self._on_button(0))
        self.second.clicked.connect(lambda: self._on_button(1))
        self._close = QToolButton()
        self._close.setAccessibleName("Dismiss")
        self._close.setAutoRaise(True)
        self._close.clicked.connect(self._on_dismissed)
        row.addWidget(self._mark)
        row.addWidget(self.sentence, 1)
        row.addWidget(self.button)
        row.addWidget(self.second)
        row.addWidget(self._close)
        self._actions: tuple[Callable[[], object], ...] = ()
        self._key = ""
        self._dismissed = ""
        self.setVisible(False)

    @property
    def key(self) -> str:
        """What the message on show is about; empty while hidden."""
        return self._key

    def show_message(
        self, key: str, sentence: str, *buttons: tuple[str, Callable[[], object]]
    ) -> None:
        """Show `sentence`; `key` names its subject, so that it can be taken back.

        `buttons` are at most two pairs of text and what it does, the better way out first.
        """
        if self._dismissed == f"{key}{sentence}":
            return
        changed = sentence != self.sentence.text() or not self._key
        self._key = key
        self._actions = tuple(action for _, action in buttons)
        self.sentence.setText(sentence)
        for index, widget in enumerate((self.button, self.second)):
            widget.setText(buttons[index][0] if index < len(buttons) else "")
            widget.setVisible(index < len(buttons))
        self._retint()
        self.setVisible(True)
        if changed:
            announcement = QAccessibleAnnouncementEvent(self, sentence)
            QAccessible.updateAccessibility(announcement)

    def take_back(self, key: str) -> None:
        """Hide the message about `key`, if it is the one on show."""
        self._dismissed = "" if self._dismissed.startswith(key) else self._dismissed
        if self._key == key:
            self._key = ""
            self.setVisible(False)

    def _retint(self) -> None:
        tokens = current_tokens()
        self._mark.setPixmap(icons.pixmap("warning", tokens.bad, 18, self.devicePixelRatioF()))
        self._close.setIcon(icons.icon("close"))

    def _on_button(self, index: int) -> None:
        action = self._actions[index]
        self.take_back(self._key)
        action()

    def _on_dismissed(self) -> None:
        self._dismissed = f"{self._key}{self.sentence.text()}"
        self._key = ""
        self.setVisible(False)

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and self._key:
            self._retint()
        super().changeEvent(event)
