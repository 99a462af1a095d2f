"""A quiet table of figures with one column that is drawn: real cells, which can be read out."""

from typing import override

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from rfviewer.gui.plot_axis import Axis, tick_text
from rfviewer.gui.tokens import GAP_PX, current_tokens, scaled, tabular

type Index = QModelIndex | QPersistentModelIndex
MARGIN_PX = 14
"""Room left and right of a drawn column, for the labels of its outermost ticks."""
_LEAST_PLOT_DIGITS = 18
_NO_PLOT_DIGITS = 8
"""Below this width the drawn column would show nothing, and is left out."""


def x_of(axis: Axis, rect: QRect, value: float) -> float:
    """Return the horizontal place of `value` in a drawn cell."""
    return rect.left() + MARGIN_PX + axis.share(value) * (rect.width() - 2 * MARGIN_PX)


class FigureModel(QAbstractTableModel):
    """Rows of texts under fixed heads. `PLOT` is the column that a delegate draws.

    Subclasses fill `self.rows` between `beginResetModel` and `endResetModel`.
    """

    HEADS: tuple[str, ...] = ()
    PLOT = -1
    SPARED: tuple[int, ...] = ()
    """Columns that narrow tables leave out, the first one first; tooltips tell their figures."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[tuple[str, ...]] = []
        self.tips: list[str] = []
        self.axis = Axis(0.0, 1.0)

    @override
    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.texts)

    @override
    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.HEADS)

    @override
    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.HEADS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(section)
        return None

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, column = index.row(), index.column()
        if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole}:
            return self.texts[row][column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.tips[row]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(column)
        return None

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        first = column in {0, self.PLOT}
        side = Qt.AlignmentFlag.AlignLeft if first else Qt.AlignmentFlag.AlignRight
        return side | Qt.AlignmentFlag.AlignVCenter


class AxisHeader(QHeaderView):
    """A header that shows the ticks of the drawn column above it."""

    def __init__(self, parent: QTableView) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setSectionsClickable(False)
        self.setHighlightSections(False)
        self.setFont(scaled(tabular(parent.font()), 0.85))

    @override
    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:
        model = self.model()
        tokens = current_tokens()
        painter.fillRect(rect, QColor(tokens.panel))
        painter.setPen(QColor(tokens.muted))
        painter.setFont(self.font())
        if not isinstance(model, FigureModel) or logicalIndex != model.PLOT:
            text = str(model.headerData(logicalIndex, Qt.Orientation.Horizontal) or "")
            side = (
                Qt.AlignmentFlag.AlignRight if logicalIndex else Qt.AlignmentFlag.AlignLeft
            ) | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(rect.adjusted(4, 0, -4, 0), side, text)
            return
        metrics = painter.fontMetrics()
        taken = float(rect.left())
        for tick in sorted(model.axis.ticks, key=lambda value: (value != 0, abs(value))):
            text = tick_text(tick)
            width = metrics.horizontalAdvance(text)
            left = x_of(model.axis, rect, tick) - width / 2
            # Zero comes first; further ticks are left out where they would touch a neighbour.
            place = QRectF(left, rect.top(), width, rect.height())
            if tick and self._touches(painter, model, rect, tick, width):
                continue
            painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), text)
            taken = max(taken, left + width)
        unit = model.HEADS[logicalIndex]
        room = rect.right() - taken
        if metrics.horizontalAdvance(unit) + GAP_PX < room:
            painter.drawText(
                rect.adjusted(0, 0, -4, 0),
                Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
                unit,
            )

    @staticmethod
    def _touches(
        painter: QPainter, model: FigureModel, rect: QRect, tick: float, width: float
    ) -> bool:
        """Whether the label of `tick` would touch one that lies nearer to zero."""
        metrics = painter.fontMetrics()
        here = x_of(model.axis, rect, tick)
        for other in model.axis.ticks:
            if abs(other) < abs(tick) and other * tick >= 0:
                room = (width + metrics.horizontalAdvance(tick_text(other))) / 2 + 4
                if abs(x_of(model.axis, rect, other) - here) < room:
                    return True
        return False


class PlotDelegate(QStyledItemDelegate):
    """Draws the plot column with tick lines; subclasses draw a row's marks on top."""

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, FigureModel)
        tokens = current_tokens()
        rect: QRect = option.rect
        painter.save()
        painter.setClipRect(rect)
        for tick in model.axis.ticks:
            zero = tick == 0 and model.axis.low < 0
            painter.setPen(QPen(QColor(tokens.muted if zero else tokens.grid), 1))
            x = round(x_of(model.axis, rect, tick)) + 0.5
            painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom() + 1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint_row(painter, rect, model, index.row())
        painter.restore()

    def paint_row(self, painter: QPainter, rect: QRect, model: FigureModel, row: int) -> None:
        """Draw what row `row` shows."""
        raise NotImplementedError


class FigureTable(QTableView):
    """Rows as high as the text needs, no grid, one column that takes the room left."""

    def __init__(self, model: FigureModel, delegate: PlotDelegate, name: str) -> None:
        super().__init__()
        self.setObjectName("FigureTable")
        self.setAccessibleName(name)
        self.setModel(model)
        model.setParent(self)
        self._model = model
        self._delegate = delegate
        model.modelReset.connect(self._on_reset)
        delegate.setParent(self)
        self.setItemDelegateForColumn(model.PLOT, delegate)
        self.setHorizontalHeader(AxisHeader(self))
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFont(tabular(scaled(self.font(), 0.92)))
        self.setCornerButtonEnabled(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(10)
        for column in range(len(model.HEADS)):
            wide = column == model.PLOT
            header.setSectionResizeMode(
                column,
                QHeaderView.ResizeMode.Stretch if wide else QHeaderView.ResizeMode.ResizeToContents,
            )
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 4)
        self.verticalHeader().setMinimumSectionSize(10)

    def least_width(self) -> int:
        """Return the width in pixels that shows the drawn column and those that are never left out.

        The scroll bar is not counted.
        """
        texts = (c for c in range(len(self._model.HEADS)) if c != self._model.PLOT)
        return self._plot_px() + sum(
            self._taken_px(column) for column in texts if column not in self._model.SPARED
        )

    def whole_height(self) -> int:
        """Return the height in pixels that shows every row."""
        rows = max(3, self._model.rowCount())
        head = self.horizontalHeader().sizeHint().height()
        return head + rows * self.verticalHeader().defaultSectionSize() + 2

    def _plot_px(self) -> int:
        return _LEAST_PLOT_DIGITS * self.fontMetrics().horizontalAdvance("0")

    def _taken_px(self, column: int) -> int:
        return max(self.sizeHintForColumn(column), 0) + 8

    @override
    def minimumSizeHint(self) -> QSize:
        rows = min(4, max(3, self._model.rowCount()))
        height = self.horizontalHeader().sizeHint().height()
        return QSize(120, height + rows * self.verticalHeader().defaultSectionSize() + 2)

    @override
    def sizeHint(self) -> QSize:
        # A page that is scrolled is as high as its parts wish: a table takes what there is.
        return self.minimumSizeHint()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self.fit_columns()
        super().resizeEvent(event)

    def _on_reset(self) -> None:
        self.updateGeometry()
        self.fit_columns()

    def fit_columns(self) -> None:
        """Leave out what can be spared where the drawn column gets too narrow, or it itself."""
        texts = [column for column in range(len(self._model.HEADS)) if column != self._model.PLOT]
        taken = {column: self._taken_px(column) for column in texts}
        room = self.viewport().width() - self._plot_px() - sum(taken.values())
        for column in self._model.SPARED:
            self.setColumnHidden(column, room < 0)
            room += taken[column] if room < 0 else 0
        least = _NO_PLOT_DIGITS * self.fontMetrics().horizontalAdvance("0")
        self.setColumnHidden(self._model.PLOT, self._plot_px() + room < least)
