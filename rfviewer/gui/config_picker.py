"""Chooses the two sets of optimizations of an A/B comparison, as a whole or toggle by toggle."""

from typing import override

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QStyle,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rfviewer.gui.controls import ElidedLabel, Switch, heading, label, scrolled
from rfviewer.gui.lab_text import configuration_name, differing
from rfviewer.gui.model import SessionModel
from rfviewer.gui.text import tooltip
from rfviewer.gui.tokens import GAP_PX, scaled
from rfviewer.optimizations import Optimizations, toggle_names, toggle_of
from rfviewer.snapshot import Snapshot

_SIDES = ("A", "B")


class ConfigPicker(QWidget):
    """Two columns of switches under two menus of whole sets. B follows the window until chosen.

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
        self._blocked: frozenset[str] = frozenset()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        heads = QHBoxLayout()
        heads.setSpacing(GAP_PX)
        for side in _SIDES:
            heads.addWidget(heading(side))
            heads.addWidget(self._menu_button(side), 1)
        column.addLayout(heads)
        area = scrolled(self._grid())
        area.setMinimumHeight(3 * self.fontMetrics().height())
        column.addWidget(area, 1)
        self._left_out = ElidedLabel(muted=True)
        self._left_out.setFont(scaled(self._left_out.font(), 0.88))
        column.addWidget(self._left_out)
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

    def whole_width(self) -> int:
        """Return the width at which no name is cut off."""
        bold = QFontMetrics(scaled(self.font(), 1.0, bold=True))
        names = max(bold.horizontalAdvance(toggle_of(name).label) for name in toggle_names())
        controls = max(control.sizeHint().width() for control in self._controls.values())
        mark = self._marks[toggle_names()[0]].width()
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        return mark + names + 2 * controls + 5 * GAP_PX + bar

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
        button.setSizePolicy(self.sizePolicy().Policy.Ignored, self.sizePolicy().Policy.Fixed)
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

    def _grid(self) -> QWidget:
        content = QWidget()
        grid = QGridLayout(content)
        grid.setContentsMargins(0, 0, GAP_PX, 0)
        grid.setHorizontalSpacing(GAP_PX)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(1, 1)
        for row, name in enumerate(toggle_names()):
            toggle = toggle_of(name)
            mark, text = label(figures=True), ElidedLabel(toggle.label)
            text.setToolTip(tooltip(f"{toggle.label}: {toggle.why}"))
            mark.setFixedWidth(mark.fontMetrics().horizontalAdvance("\N{NOT EQUAL TO}") + 2)
            grid.addWidget(mark, row, 0)
            grid.addWidget(text, row, 1)
            self._marks[name], self._names[name] = mark, text
            for place, side in enumerate(_SIDES, start=2):
                control = self._control(side, name)
                self._controls[side, name] = control
                grid.addWidget(control, row, place)
        grid.setRowStretch(len(toggle_names()), 1)
        return content

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
            self._names[name].setFont(scaled(self.font(), 1.0, bold=name in differ))
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
            for name in toggle_names():
                for widget in (
                    self._marks[name],
                    self._names[name],
                    *(self._controls[side, name] for side in _SIDES),
                ):
                    widget.setVisible(name not in blocked)
            self._left_out.set_full_text(f"{len(blocked)} more cannot run here" if blocked else "")
            self._left_out.setVisible(bool(blocked))

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange and self._names:
            self._show()
        super().changeEvent(event)
