"""A row of controls that goes on in a next line where the first one is full, as with large text."""

from typing import override

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLayout, QLayoutItem, QWidget

from rfviewer.gui.margins import without_margins
from rfviewer.gui.tokens import GAP_PX


class Together(QWidget):
    """Widgets that stay side by side, whatever the row around them does."""

    def __init__(self, *widgets: QWidget, spacing_px: int = GAP_PX) -> None:
        super().__init__()
        self._row = without_margins(QHBoxLayout(self), spacing_px=spacing_px)
        for widget in widgets:
            self.add(widget)

    def add(self, widget: QWidget) -> None:
        """Append a widget."""
        self._row.addWidget(widget)


class WrappingRow(QLayout):
    """Widgets at their preferred widths from the left; those added `at_end` keep to the right.

    A widget that ignores its preferred width, as an `ElidedLabel`, gets what its line leaves, and
    its minimum width at least.
    """

    def __init__(self) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self._at_end: set[QWidget] = set()
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(GAP_PX)

    def add(self, widget: QWidget, *, at_end: bool = False) -> None:
        """Append a widget; `at_end` puts it at the right of the line while all fit into one."""
        self.addWidget(widget)
        if at_end:
            self._at_end.add(widget)

    @override
    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    @override
    def count(self) -> int:
        return len(self._items)

    @override
    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    @override
    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    @override
    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    @override
    def hasHeightForWidth(self) -> bool:
        return True

    @override
    def heightForWidth(self, width: int) -> int:
        lines = self._lines(width)
        heights = sum(self._height_of(line) for line in lines)
        return heights + self.spacing() * max(0, len(lines) - 1)

    @override
    def sizeHint(self) -> QSize:
        shown = self._shown()
        width = sum(self._width_of(item, item.maximumSize().width()) for item in shown)
        return QSize(width + self.spacing() * max(0, len(shown) - 1), self._height_of(shown))

    @override
    def minimumSize(self) -> QSize:
        shown = self._shown()
        widest = max((item.minimumSize().width() for item in shown), default=0)
        return QSize(widest, self._height_of(shown))

    @override
    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        lines, top = self._lines(rect.width()), rect.top()
        for line in lines:
            left, height = rect.left(), self._height_of(line)
            taken = sum(self._width_of(item, rect.width()) + self.spacing() for item in line)
            spare = rect.width() - taken + self.spacing()
            if len(lines) > 1 and not any(map(self._fills, line)):
                spare = 0
            for item in line:
                width = self._width_of(item, rect.width())
                if spare and self._fills(item):
                    width, spare = width + spare, 0
                elif spare and item.widget() in self._at_end:
                    left, spare = left + spare, 0
                own = min(height, item.sizeHint().height())
                item.setGeometry(QRect(left, top + (height - own) // 2, width, own))
                left += width + self.spacing()
            top += height + self.spacing()

    def _shown(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _lines(self, width: int) -> list[list[QLayoutItem]]:
        lines: list[list[QLayoutItem]] = []
        left = 0
        for item in self._shown():
            needs = self._width_of(item, width)
            if not lines or left + needs > width:
                lines.append([])
                left = 0
            lines[-1].append(item)
            left += needs + self.spacing()
        return lines

    @staticmethod
    def _fills(item: QLayoutItem) -> bool:
        return not item.sizeHint().width()

    @staticmethod
    def _width_of(item: QLayoutItem, most: int) -> int:
        return min(item.sizeHint().width() or item.minimumSize().width(), most)

    @staticmethod
    def _height_of(line: list[QLayoutItem]) -> int:
        return max((item.sizeHint().height() for item in line), default=0)
