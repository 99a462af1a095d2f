"""Section "Classes": which ones are shown, how many there are now, and in which colour."""

from collections.abc import Callable
from typing import override

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
)

from rfviewer.config import ColorBy, View
from rfviewer.gui import icons
from rfviewer.gui.class_model import ClassListModel, ClassRow
from rfviewer.gui.controls import label
from rfviewer.gui.model import SessionModel
from rfviewer.gui.section import Section
from rfviewer.gui.tokens import GAP_PX, current_tokens, icon_px, tabular
from rfviewer.snapshot import EnginePhase, Snapshot

SEARCH_ABOVE = 12
_ROW_PX = 24
_MAX_ROWS = 9
_WAITING = "The classes appear once the engine is ready."


class _ClassDelegate(QStyledItemDelegate):
    """Draws check box, colour chip, name and count in one row."""

    @override
    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(120, max(_ROW_PX, option.fontMetrics.height() + 6))

    @override
    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        row = index.data(Qt.ItemDataRole.UserRole)
        if not isinstance(row, ClassRow):
            return
        tokens = current_tokens()
        box = option.rect
        shown = Qt.CheckState(index.data(Qt.ItemDataRole.CheckStateRole)) == Qt.CheckState.Checked
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if option.state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(QColor(tokens.raised))
            painter.drawRoundedRect(box, 4, 4)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(tokens.accent), 1))
            painter.drawRoundedRect(box.adjusted(0, 0, -1, -1), 4, 4)
        middle = box.center().y()
        side, chip_px = icon_px(15), icon_px(11)
        check = QRect(box.left() + 4, middle - side // 2, side, side)
        self._paint_check(painter, check, option, shown=shown)
        chip = QRect(check.right() + 10, middle - chip_px // 2, chip_px, chip_px)
        painter.setPen(Qt.PenStyle.NoPen)
        color = QColor(tokens.pressed) if row.color is None else QColor(*row.color)
        color.setAlpha(255 if shown else 90)
        painter.setBrush(color)
        painter.drawRoundedRect(chip, 3, 3)
        painter.setFont(tabular(option.font))
        painter.setPen(QColor(tokens.text if row.count and shown else tokens.muted))
        figure_px = max(40, painter.fontMetrics().horizontalAdvance("0000"))
        left, end = chip.right() + 10, box.right() - 6 - figure_px
        text = QRect(left, box.top(), end - left - 2, box.height())
        name = painter.fontMetrics().elidedText(row.name, Qt.TextElideMode.ElideRight, text.width())
        align = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(text, align | Qt.AlignmentFlag.AlignLeft, name)
        figure = QRect(end, box.top(), figure_px, box.height())
        painter.drawText(
            figure, align | Qt.AlignmentFlag.AlignRight, str(row.count) if row.count else "0"
        )
        painter.restore()

    @override
    def editorEvent(
        self,
        event: QEvent,
        model: QAbstractItemModel,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> bool:
        # The whole row is the check box: a 15 px target would be needlessly hard to hit.
        if (
            isinstance(event, QMouseEvent)
            and event.type() == QEvent.Type.MouseButtonRelease
            and event.button() == Qt.MouseButton.LeftButton
        ):
            shown = Qt.CheckState(index.data(Qt.ItemDataRole.CheckStateRole))
            other = (
                Qt.CheckState.Unchecked if shown == Qt.CheckState.Checked else Qt.CheckState.Checked
            )
            return model.setData(index, other, Qt.ItemDataRole.CheckStateRole)
        if event.type() in {QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick}:
            return True
        return super().editorEvent(event, model, option, index)

    def _paint_check(
        self, painter: QPainter, box: QRect, option: QStyleOptionViewItem, *, shown: bool
    ) -> None:
        tokens = current_tokens()
        painter.setPen(QPen(QColor(tokens.accent if shown else tokens.muted), 1))
        painter.setBrush(QColor(tokens.accent if shown else tokens.panel))
        painter.drawRoundedRect(box, 3, 3)
        if shown:
            ratio = painter.device().devicePixelRatio()
            mark = icons.pixmap("check", tokens.on_accent, box.width() - 2, ratio)
            painter.drawPixmap(box.left() + 1, box.top() + 1, mark)


class ClassPanel(Section):
    """A check box for each class, with search when there are many."""

    def __init__(
        self,
        model: SessionModel,
        color_of: Callable[[View, int, int], tuple[int, int, int]],
    ) -> None:
        super().__init__("Classes")
        self._model = model
        self._color_of = color_of
        self._names: tuple[str | None, ...] = ()
        self.rows = ClassListModel()
        self._filter = QSortFilterProxyModel(self)
        self._filter.setSourceModel(self.rows)
        self._filter.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._search = QLineEdit()
        self._search.setPlaceholderText("Search classes")
        self._search.setAccessibleName("Search classes")
        self._search.setClearButtonEnabled(True)
        self._search.textChanged.connect(self._filter.setFilterFixedString)
        self._list = QListView()
        self._list.setFrameShape(QFrame.Shape.NoFrame)
        self._list.setAccessibleName("Classes")
        self._list.setModel(self._filter)
        self._list.setItemDelegate(_ClassDelegate(self._list))
        self._list.setMouseTracking(True)
        self._list.setUniformItemSizes(True)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.empty = label(_WAITING, muted=True)
        self.empty.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.setSpacing(GAP_PX // 2)
        for text, hidden in (("Show all", False), ("Hide all", True)):
            button = QToolButton()
            button.setText(text)
            button.clicked.connect(lambda _checked=False, hide=hidden: self._on_all(hide=hide))
            buttons.addWidget(button)
        buttons.addStretch(1)
        self.body.setSpacing(GAP_PX // 2)
        self.body.addWidget(self._search)
        self.body.addWidget(self.empty)
        self.body.addWidget(self._list)
        self.body.addLayout(buttons)
        self.rows.hidden_changed.connect(lambda hidden: model.update_view(hidden_class_ids=hidden))
        model.view_changed.connect(self._on_view)
        model.snapshot_changed.connect(self._on_snapshot)
        self._on_view(model.view)
        self._resize_list()

    def _resize_list(self) -> None:
        count = len(self.rows.rows)
        self._search.setVisible(count > SEARCH_ABOVE)
        self.empty.setVisible(count == 0)
        self._list.setVisible(count > 0)
        row = max(_ROW_PX, self.fontMetrics().height() + 6)
        self._list.setFixedHeight(row * min(count, _MAX_ROWS) + 4)

    def _on_all(self, *, hide: bool) -> None:
        self._model.update_view(hidden_class_ids=self.rows.all_ids() if hide else frozenset())

    def _on_view(self, view: View) -> None:
        self.rows.set_hidden(view.hidden_class_ids)
        self._recolor()

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        info = snapshot.engine.info
        if info is not None and info.class_names != self._names:
            self._names = info.class_names
            self.rows.set_names(info.class_names)
            self._recolor()
            self._resize_list()
        self.rows.apply(snapshot)
        if snapshot.engine.phase is EnginePhase.FAILED:
            self.empty.setText("There is no engine, so there are no classes.")
        elif snapshot.engine.phase is EnginePhase.READY:
            self.empty.setText("The model has no classes.")
        else:
            self.empty.setText(_WAITING)
        shown = [row for row in self.rows.rows if not self.rows.is_hidden(row.class_id)]
        count = sum(row.count for row in shown)
        of = f"{len(shown)} of {len(self.rows.rows)} shown"
        if self.rows.rows:
            self.set_summary(f"{of} \N{MIDDLE DOT} {count} on screen", shorter=of)
        else:
            self.set_summary("")

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange:
            self._resize_list()
        super().changeEvent(event)

    def _recolor(self) -> None:
        view = self._model.view
        if view.color_by is ColorBy.INSTANCE:
            self.rows.set_colors({})
            return
        self.rows.set_colors(
            {row.class_id: self._color_of(view, row.class_id, 0) for row in self.rows.rows}
        )
