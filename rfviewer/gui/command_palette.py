"""Find a command by typing: every action that is enabled, filtered by its words."""

from typing import override

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from rfviewer.gui.actions import ActionRegistry, shown_key
from rfviewer.gui.tokens import GAP_PX

_ID = Qt.ItemDataRole.UserRole


class CommandPalette(QDialog):
    """A field and a list; Return runs the marked command."""

    def __init__(self, actions: ActionRegistry, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Find a command")
        self._actions = actions
        self.field = QLineEdit()
        self.field.setPlaceholderText("Type a command")
        self.field.setAccessibleName("Find a command")
        self.field.textChanged.connect(self._on_text)
        self.field.returnPressed.connect(self._on_return)
        self.field.installEventFilter(self)
        self.list = QListWidget()
        self.list.setAccessibleName("Commands")
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.itemActivated.connect(self._on_item)
        self.list.itemClicked.connect(self._on_item)
        column = QVBoxLayout(self)
        column.setContentsMargins(GAP_PX, GAP_PX, GAP_PX, GAP_PX)
        column.addWidget(self.field)
        column.addWidget(self.list)
        for spec in actions.specs:
            action = actions[spec.id]
            if spec.held or not action.isEnabled() or spec.id == "palette":
                continue
            keys = " or ".join(shown_key(key) for key in spec.keys)
            item = QListWidgetItem(
                f"{spec.menu.value}: {action.text()}{f'    {keys}' if keys else ''}"
            )
            item.setData(_ID, spec.id)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self.resize(460, 380)

    def shown_ids(self) -> list[str]:
        """Return the ids of the commands that match."""
        items = (self.list.item(row) for row in range(self.list.count()))
        return [item.data(_ID) for item in items if not item.isHidden()]

    def _on_text(self, text: str) -> None:
        words = text.lower().split()
        first = None
        for row in range(self.list.count()):
            item = self.list.item(row)
            matches = all(word in item.text().lower() for word in words)
            item.setHidden(not matches)
            if matches and first is None:
                first = item
        if first is not None:
            self.list.setCurrentItem(first)

    def _on_return(self) -> None:
        if self.shown_ids():
            self._on_item(self.list.currentItem())

    def _on_item(self, item: QListWidgetItem) -> None:
        self.accept()
        self._actions[item.data(_ID)].trigger()

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None:
                row = self.list.currentRow() + step
                while 0 <= row < self.list.count() and self.list.item(row).isHidden():
                    row += step
                if 0 <= row < self.list.count():
                    self.list.setCurrentRow(row)
                return True
        return super().eventFilter(watched, event)
