"""The classes of the model as a list: name, colour, count on the frame, shown or hidden."""

from dataclasses import dataclass
from typing import override

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from rfviewer.snapshot import Snapshot

type AnyIndex = QModelIndex | QPersistentModelIndex

ROOT = QModelIndex()


@dataclass(slots=True)
class ClassRow:
    """One class."""

    class_id: int
    name: str
    count: int = 0
    color: tuple[int, int, int] | None = None
    """None where the class decides no colour."""


class ClassListModel(QAbstractListModel):
    """Rows in the order of the class ids; what was seen in this source comes first.

    Signals:
        hidden_changed: the whole new set of hidden class ids, after the user changed one.
    """

    hidden_changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[ClassRow] = []
        self._hidden: frozenset[int] = frozenset()
        self._seen: set[int] = set()

    def set_names(self, names: tuple[str | None, ...]) -> None:
        """Take over the class names of another model."""
        self.beginResetModel()
        self._seen.clear()
        self.rows = [ClassRow(index, name) for index, name in enumerate(names) if name]
        self.endResetModel()

    def set_hidden(self, hidden: frozenset[int]) -> None:
        """Take over which classes are hidden."""
        if hidden != self._hidden:
            self._hidden = hidden
            self._all_changed()

    def set_colors(self, colors: dict[int, tuple[int, int, int]]) -> None:
        """Take over the colour of each class id."""
        for row in self.rows:
            row.color = colors.get(row.class_id)
        self._all_changed()

    def apply(self, snapshot: Snapshot) -> None:
        """Take over the counts of the frame on display."""
        counts = snapshot.class_counts
        fresh = {class_id for class_id, count in counts.items() if count} - self._seen
        if fresh and len(self.rows) > 12:
            # Only long lists are sorted: five rows that change places would just be restless.
            self._seen |= fresh
            self.layoutAboutToBeChanged.emit()
            self.rows.sort(key=lambda row: (row.class_id not in self._seen, row.class_id))
            self.layoutChanged.emit()
        changed = False
        for row in self.rows:
            count = counts.get(row.class_id, 0)
            changed |= count != row.count
            row.count = count
        if changed:
            self._all_changed()

    def is_hidden(self, class_id: int) -> bool:
        """Whether the class is neither shown nor saved."""
        return class_id in self._hidden

    def all_ids(self) -> frozenset[int]:
        """Return the ids of all named classes."""
        return frozenset(row.class_id for row in self.rows)

    def _all_changed(self) -> None:
        if self.rows:
            self.dataChanged.emit(self.index(0), self.index(len(self.rows) - 1))

    @override
    def rowCount(self, parent: AnyIndex = ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    @override
    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not 0 <= index.row() < len(self.rows):
            return None
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.name
        if role == Qt.ItemDataRole.CheckStateRole:
            hidden = row.class_id in self._hidden
            return Qt.CheckState.Unchecked if hidden else Qt.CheckState.Checked
        if role == Qt.ItemDataRole.AccessibleTextRole:
            state = "hidden" if row.class_id in self._hidden else "shown"
            return f"{row.name}, {row.count} on this frame, {state}"
        if role == Qt.ItemDataRole.UserRole:
            return row
        return None

    @override
    def setData(self, index: AnyIndex, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.CheckStateRole or not index.isValid():
            return False
        class_id = self.rows[index.row()].class_id
        shown = Qt.CheckState(value) == Qt.CheckState.Checked
        hidden = self._hidden - {class_id} if shown else self._hidden | {class_id}
        if hidden != self._hidden:
            self._hidden = hidden
            self._all_changed()
            self.hidden_changed.emit(hidden)
        return True

    @override
    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        return (
            Qt.ItemFlag.ItemIsEnabled
            | Qt.ItemFlag.ItemIsSelectable
            | Qt.ItemFlag.ItemIsUserCheckable
        )
