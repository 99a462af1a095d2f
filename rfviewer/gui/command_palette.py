"""Find a command by typing: every action that is enabled, filtered by its words."""

from typing import override

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from rfviewer.gui.actions import ActionRegistry, shown_key
from rfviewer.gui.tokens import GAP_PX, ROW_PX, current_tokens

_ID = Qt.ItemDataRole.UserRole
_KEYS = Qt.ItemDataRole.UserRole + 1
_DIGITS, _LINES = 58, 25
"""Width and height of the dialog, in the user's text, where the window has the room."""


class _CommandDelegate(QStyledItemDelegate):
    """The keys of a command stand in a column of their own, at the right."""

    @override
    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        super().paint(painter, option, index)
        marked = bool(option.state & QStyle.StateFlag.State_Selected)
        tokens = current_tokens()
        painter.save()
        painter.setPen(QColor(tokens.on_accent if marked else tokens.muted))
        painter.drawText(
            option.rect.adjusted(0, 0, -GAP_PX, 0),
            int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
            str(index.data(_KEYS)),
        )
        painter.restore()


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
        self.list.setItemDelegate(_CommandDelegate(self.list))
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
            item = QListWidgetItem(f"{spec.menu.value}: {action.text()}")
            item.setData(_ID, spec.id)
            item.setData(_KEYS, keys)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{item.text()} {keys}".strip())
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        metrics, room = self.fontMetrics(), parent.window().size()
        self.resize(
            min(_DIGITS * metrics.horizontalAdvance("0"), room.width() - 2 * ROW_PX),
            min(_LINES * metrics.height(), room.height() - 2 * ROW_PX),
        )

    def shown_ids(self) -> list[str]:
        """Return the ids of the commands that match."""
        items = (self.list.item(row) for row in range(self.list.count()))
        return [item.data(_ID) for item in items if not item.isHidden()]

    def _on_text(self, text: str) -> None:
        words = text.lower().split()
        first = None
        for row in range(self.list.count()):
            item = self.list.item(row)
            said = f"{item.text()} {item.data(_KEYS)}".lower()
            matches = all(word in said for word in words)
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
