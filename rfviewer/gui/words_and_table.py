"""A result in words with its table: side by side, or the table below where that would be narrow."""

from typing import override

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QStyle, QWidget

from rfviewer.gui.controls import scrolled
from rfviewer.gui.figure_table import FigureTable
from rfviewer.gui.margins import without_margins
from rfviewer.gui.tokens import PAD_PX

_LEAST_DIGITS = 16
"""Width of the words, in digits, below which they would be a word or two a line."""
_LEAST_LINES = 4


class WordsAndTable(QWidget):
    """Beside each other both scroll in what height there is; one below the other both are whole.

    The page around it is scrolled then.
    """

    def __init__(self, words: QWidget, table: FigureTable, shares: tuple[int, int]) -> None:
        """Give words and table these shares of the width while they stand side by side."""
        super().__init__()
        self._words, self._table, self._shares = words, table, shares
        self._area = scrolled(words, least_lines=_LEAST_LINES)
        self._layout = without_margins(
            QBoxLayout(QBoxLayout.Direction.LeftToRight, self), spacing_px=PAD_PX
        )
        self._layout.addWidget(self._area, shares[0])
        self._layout.addWidget(table, shares[1])
        words.installEventFilter(self)
        table.model().modelReset.connect(self._arrange)

    @property
    def stacked(self) -> bool:
        """Whether the table stands below the words."""
        return self._layout.direction() is QBoxLayout.Direction.TopToBottom

    def _is_wide(self) -> bool:
        """Whether no word would be cut, and no column of the table, side by side."""
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        digits = _LEAST_DIGITS * self.fontMetrics().horizontalAdvance("0")
        words = max(self._words.minimumSizeHint().width(), digits) + bar
        table = self._table.least_width() + bar
        room, (first, second) = self.width() - PAD_PX, self._shares
        whole = first + second
        return room * first >= words * whole and room * second >= table * whole

    def _arrange(self) -> None:
        stacked = not self._is_wide()
        down, right = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._layout.setDirection(down if stacked else right)
        # One below the other nothing is scrolled twice: the page has the bar.
        height = _LEAST_LINES * self.fontMetrics().height()
        layout = self._words.layout()
        if stacked and layout is not None:
            layout.activate()  # asked for a height while dirty, it would keep what it had laid out
            height = max(0, layout.totalHeightForWidth(self.width()))
        self._area.setMinimumHeight(height)
        self._area.setVerticalScrollBarPolicy(
            Qt.ScrollBarPolicy.ScrollBarAlwaysOff
            if stacked
            else Qt.ScrollBarPolicy.ScrollBarAsNeeded
        )
        self._table.setMinimumHeight(self._table.whole_height() if stacked else 0)

    @override
    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:  # other words
            self._arrange()
        return super().eventFilter(watched, event)  # type: ignore[arg-type]

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()
        super().resizeEvent(event)

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange:
            self._arrange()
        super().changeEvent(event)
