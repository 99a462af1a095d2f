"""Chooses the two sets of optimizations of an A/B comparison, as a whole or toggle by toggle."""

from typing import override

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QLabel,
    QMenu,
    QStyle,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rfviewer.gui.controls import ElidedLabel, Switch, heading, label, scrolled
from rfviewer.gui.lab_text import configuration_name, differing
from rfviewer.gui.margins import without_margins
from rfviewer.gui.model import SessionModel
from rfviewer.gui.text import tooltip
from rfviewer.gui.toggle_search import ToggleSearch, others_text
from rfviewer.gui.tokens import icon_px, scaled
from rfviewer.gui.wrapping_row import Together, WrappingRow
from rfviewer.optimizations import Optimizations, toggle_names, toggle_of
from rfviewer.snapshot import Snapshot

_SIDES = ("A", "B")
_ROW_PX = 20
"""Of a switch or a choice: rows are this low so that all of them are seen below a video."""
_GAP_PX = 6
_MOST_COLUMNS = 4
_FIND_ABOVE = 16
"""From more toggles on, which seldom are all in sight, one can be looked for."""
_PLACES = 5
"""Of one column of toggles: mark, name, A, B, and the room before the next one."""


class ConfigPicker(QWidget):
    """A switch a side for every toggle, under two menus of whole sets. B follows the window.

    The toggles stand in as many columns as there is width for, since the strip below the video is
    wide and low.

    Signals:
        changed: A or B is another one now.
    """

    changed = Signal()

    def __init__(self, model: SessionModel) -> None:
        super().__init__()
        self._model = model
        self._chosen: dict[str, Optimizations | None] = {"A": Optimizations.baseline(), "B": None}
        self._controls: dict[tuple[str, str], Switch | QComboBox] = {}
        self._names: dict[str, QLabel] = {}
        self._marks: dict[str, QLabel] = {}
        self._buttons: dict[str, QToolButton] = {}
        self._heads: list[tuple[QLabel, ...]] = []
        self._blocked: frozenset[str] = frozenset()
        self._columns = 0
        column = without_margins(QVBoxLayout(self), spacing_px=4)
        self._menus = WrappingRow()
        for side in _SIDES:
            self._menus.add(Together(heading(side), self._menu_button(side)))
        column.addLayout(self._menus)
        self.search = ToggleSearch()
        """For the place behind the menus; shown while there is much to look through."""
        self.search.textChanged.connect(lambda _: self._rearrange())
        self.search.taken.connect(self._go_to_first)
        self._left_out = ElidedLabel(muted=True)
        self._left_out.setFont(scaled(self._left_out.font(), 0.88))
        self._left_out.setVisible(False)
        self.area = scrolled(self._make_grid(), least_lines=3)
        column.addWidget(self.area, 1)
        self._fit_text()
        self._arrange()
        model.optimizations_changed.connect(lambda _: self._on_current())
        model.snapshot_changed.connect(self._on_snapshot)
        self._show()

    @property
    def a(self) -> Optimizations:
        """The first set."""
        return self._value("A")

    @property
    def b(self) -> Optimizations:
        """The second set."""
        return self._value("B")

    def add_to_head(self, widget: QWidget, *, at_end: bool = False) -> None:
        """Put a widget behind the two menus, or at the right."""
        self._menus.add(widget, at_end=at_end)

    def column_width(self) -> int:
        """Return the width of one column in which no name is cut off."""
        return self._names_width() + self._controls_width()

    def _names_width(self) -> int:
        metrics = QFontMetrics(self.font())
        shown = self._able_names() or toggle_names()
        return max(metrics.horizontalAdvance(toggle_of(name).label) for name in shown) + 2

    def _controls_width(self) -> int:
        """Return what a column holds beside the name, with the gap to the next one."""
        control = max(control.sizeHint().width() for control in self._controls.values())
        return self._marks[toggle_names()[0]].width() + 2 * control + 5 * _GAP_PX

    def choose(self, a: Optimizations | None, b: Optimizations | None) -> None:
        """Choose both; None follows what the window is set to."""
        self._chosen = {"A": a, "B": b}
        self._show()
        self.changed.emit()

    def _value(self, side: str) -> Optimizations:
        return self._chosen[side] or self._model.optimizations

    def _menu_button(self, side: str) -> QToolButton:
        button = QToolButton()
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setObjectName("Choice")
        menu = QMenu(button)
        other = "B" if side == "A" else "A"
        for text, value in (
            ("Baseline", Optimizations.baseline),
            ("All on", Optimizations),
            ("As set now, following", lambda: None),
            ("As set now, kept", lambda: self._model.optimizations),
            (f"Same as {other}", lambda: self._value(other)),
        ):
            menu.addAction(text).triggered.connect(
                lambda _checked=False, make=value: self._choose_side(side, make())
            )
        button.setMenu(menu)
        self._buttons[side] = button
        return button

    def _choose_side(self, side: str, value: Optimizations | None) -> None:
        self._chosen[side] = value
        self._show()
        self.changed.emit()

    def _make_grid(self) -> QWidget:
        content = QWidget()
        self._grid = QGridLayout(content)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(_GAP_PX)
        self._grid.setVerticalSpacing(0)
        for name in toggle_names():
            toggle = toggle_of(name)
            mark, text = label(figures=True), ElidedLabel(toggle.label)
            text.setToolTip(tooltip(f"{toggle.label}: {toggle.why}"))
            self._marks[name], self._names[name] = mark, text
            for side in _SIDES:
                self._controls[side, name] = self._control(side, name)
        for _ in range(_MOST_COLUMNS):
            heads = tuple(label(side, muted=True) for side in _SIDES)
            for head in heads:
                head.setFont(scaled(head.font(), 0.85))
            self._heads.append(heads)
        return content

    def _able_names(self) -> tuple[str, ...]:
        return tuple(name for name in toggle_names() if name not in self._blocked)

    def _shown_names(self) -> tuple[str, ...]:
        return tuple(name for name in self._able_names() if self.search.finds(name))

    def _go_to_first(self) -> None:
        """Let the keyboard change side B of the first toggle that was found."""
        for name in self._shown_names()[:1]:
            self._controls["B", name].setFocus()

    def _row(self, name: str) -> tuple[QWidget, ...]:
        """Return the widgets of one toggle from left to right."""
        controls = (self._controls[side, name] for side in _SIDES)
        return (self._marks[name], self._names[name], *controls)

    def _arrange(self) -> None:
        """Share the toggles out over the columns that the width allows, top to bottom in each."""
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        columns = (self.width() - bar + _GAP_PX) // self.column_width()
        columns = min(_MOST_COLUMNS, max(1, columns))
        name_px = min(self._names_width(), self.width() - bar - self._controls_width())
        for number in range(_MOST_COLUMNS):
            self._grid.setColumnMinimumWidth(_PLACES * number + 1, name_px * (number < columns))
        if columns == self._columns:
            return
        self._columns = columns
        grid, shown = self._grid, self._shown_names()
        while grid.takeAt(0) is not None:
            pass
        for row in range(grid.rowCount()):
            grid.setRowStretch(row, 0)
        self.search.setVisible(len(self._able_names()) > _FIND_ABOVE)
        for name in toggle_names():
            for widget in self._row(name):
                widget.setVisible(name in shown)
        told = others_text(len(shown), len(self._able_names()), len(self._blocked))
        self._left_out.set_full_text(told)
        self._left_out.setVisible(bool(told))
        rows = -(-(len(shown) + bool(told)) // columns)
        for index, name in enumerate(shown):
            for place, widget in enumerate(self._row(name)):
                column = _PLACES * (index // rows) + place
                grid.addWidget(widget, 1 + index % rows, column)
        for number, heads in enumerate(self._heads):
            grid.setColumnStretch(_PLACES * number + _PLACES - 1, int(number < columns))
            for place, head in enumerate(heads, start=2):
                grid.addWidget(head, 0, _PLACES * number + place, Qt.AlignmentFlag.AlignHCenter)
                head.setVisible(number < columns and number * rows < len(shown))
        last = len(shown)
        grid.addWidget(self._left_out, 1 + last % rows, _PLACES * (last // rows) + 1, 1, 3)
        grid.setRowStretch(rows + 1, 1)

    def _control(self, side: str, name: str) -> Switch | QComboBox:
        toggle = toggle_of(name)
        if toggle.choices:
            box = QComboBox()
            box.addItems([str(choice) for choice in toggle.choices])
            box.setAccessibleName(f"{side}: {toggle.label}")
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            box.activated.connect(lambda index: self._set(side, name, toggle.choices[index]))
            return box
        switch = Switch(f"{side}: {toggle.label}")
        switch.clicked.connect(lambda checked: self._set(side, name, checked))
        return switch

    def _set(self, side: str, name: str, value: bool | int) -> None:
        self._choose_side(side, self._value(side).set(name, value))

    def _show(self) -> None:
        current = self._model.optimizations
        differ = set(differing(self.a, self.b))
        for side in _SIDES:
            value, button = self._value(side), self._buttons[side]
            text = configuration_name(value, current)
            if self._chosen[side] is None:
                text = "As set now"
            button.setText(text)
            button.setAccessibleName(f"{side}: {text}")
            button.setToolTip(tooltip(f"{side}: {text}. Click to choose a whole set."))
            for name in toggle_names():
                control, wanted = self._controls[side, name], getattr(value, name)
                if isinstance(control, Switch):
                    control.setChecked(bool(wanted))
                else:
                    control.setCurrentText(str(wanted))
        for name in toggle_names():
            self._marks[name].setText("\N{NOT EQUAL TO}" if name in differ else "")
            self._names[name].setAccessibleName(
                f"{toggle_of(name).label}{', differs' if name in differ else ''}"
            )

    def _on_current(self) -> None:
        self._show()
        if None in self._chosen.values():
            self.changed.emit()

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        info = snapshot.engine.info
        if info is None:
            return
        blocked = frozenset(state.name for state in info.toggles if not state.available)
        if blocked != self._blocked:
            self._blocked = blocked
            self.search.clear()  # it may go out of sight
            self._rearrange()

    def _fit_text(self) -> None:
        """Make marks, switches and choices as large as the text asks for."""
        metrics = self.fontMetrics()
        self.search.fit_text()
        for mark in self._marks.values():
            mark.setFixedWidth(metrics.horizontalAdvance("\N{NOT EQUAL TO}") + 2)
        for button in self._buttons.values():
            button.setMinimumWidth(20 * metrics.horizontalAdvance("0"))
        choice_px, switch_px = max(_ROW_PX, metrics.height() + 2), icon_px(_ROW_PX)
        for control in self._controls.values():
            control.setFixedHeight(switch_px if isinstance(control, Switch) else choice_px)

    def _rearrange(self) -> None:
        self._columns = 0
        self._arrange()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()
        super().resizeEvent(event)

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange and self._names:
            self._fit_text()
            self._show()
            self._rearrange()
        super().changeEvent(event)
