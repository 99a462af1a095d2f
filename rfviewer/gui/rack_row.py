"""One row of the rack: the switch of one optimization and what became of the request."""

from typing import override

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QToolButton, QWidget

from rfviewer.gui import icons
from rfviewer.gui.controls import KeyCap, Segments, Switch, label, switch_width_px
from rfviewer.gui.lab_text import ToggleEffect
from rfviewer.gui.text import tooltip
from rfviewer.gui.tokens import GAP_PX, current_tokens, icon_px, scaled
from rfviewer.optimizations import toggle_of
from rfviewer.result import ToggleState
from rfviewer.toggle import Exactness

_EXACTNESS = {
    Exactness.BIT_EXACT: "the result is the same to the bit",
    Exactness.ROUNDING: "the result differs by rounding at most",
    Exactness.TOLERANCE: "the result stays within the stated tolerance",
}


MIN_HEIGHT_PX = 42


class RackRow(QWidget):
    """Label, switch (or choices), effective state as icon and word, reason, digit key.

    Signals:
        requested: (name, value) that the user asked for.
        measure_wanted: name of this toggle, whose effect is to be measured.
    """

    requested = Signal(str, object)
    measure_wanted = Signal(str)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        toggle = toggle_of(name)
        self._why = toggle.why
        self.setMinimumHeight(MIN_HEIGHT_PX)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 2, 0, 2)
        grid.setHorizontalSpacing(GAP_PX)
        grid.setVerticalSpacing(0)
        self._switch: Switch | None = None
        self._choices: Segments[int] | None = None
        title = label(toggle.label)
        self._mark = QLabel()
        self._state = label(muted=True)
        self._state.setFont(scaled(self._state.font(), 0.9))
        self._key = KeyCap()
        self._key.setVisible(False)
        self._note = label(toggle.why, muted=True)
        self._note.setFont(scaled(self._note.font(), 0.88))
        self._note.setWordWrap(True)
        end = QHBoxLayout()
        end.setSpacing(4)
        end.addWidget(self._mark)
        end.addWidget(self._state)
        head, foot = QHBoxLayout(), QHBoxLayout()
        for line in (head, foot):
            line.setSpacing(GAP_PX)
        head.addWidget(title)
        head.addStretch(1)
        foot.addWidget(self._note, 1)
        self._effect = label(figures=True)
        self._effect.setFont(scaled(self._effect.font(), 0.88, bold=True))
        self._measure = QToolButton()
        self._measure.setObjectName("Small")
        self._measure.setAccessibleName(f"Measure {toggle.label}")
        self._measure.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._measure.setToolTip(tooltip(f"Measure what {toggle.label} does, with all else as set"))
        keeps = self._measure.sizePolicy()
        keeps.setRetainSizeWhenHidden(True)
        self._measure.setSizePolicy(keeps)
        self._measure.clicked.connect(lambda: self.measure_wanted.emit(name))
        if toggle.choices:
            self._choices = Segments(toggle.label, {str(c): c for c in toggle.choices})
            self._choices.chosen.connect(lambda value: self.requested.emit(name, value))
            head.addWidget(self._choices)
            # Choices fill the first line, so the state moves to the second.
            foot.addLayout(end)
        else:
            self._switch = Switch(toggle.label)
            self._switch.clicked.connect(lambda checked: self.requested.emit(name, checked))
            grid.addWidget(self._switch, 0, 0)
            title.setBuddy(self._switch)
            head.addLayout(end)
        foot.addWidget(self._effect)
        foot.addWidget(self._measure)
        head.addWidget(self._key)
        grid.addLayout(head, 0, 1)
        grid.addLayout(foot, 1, 1)
        self._grid = grid
        grid.setColumnStretch(1, 1)
        rebuild = (
            "\nA change takes a moment: buffers are made anew." if toggle.needs_rebuild else ""
        )
        self._base_tip = (
            f"{toggle.label}: {toggle.why}.\n"
            f"On: {toggle.on}.\nOff: {toggle.off}.\n"
            f"Moves the {toggle.stage} stage; {_EXACTNESS[toggle.exactness]}.{rebuild}"
        )
        self.setToolTip(tooltip(self._base_tip))
        self._shown: tuple[str, str, str] = ("", "", "")
        self._found: ToggleEffect | None = None
        self._measuring = self._possible = False
        self._retint()

    @property
    def state_word(self) -> str:
        """What the row says about the effect, e.g. "on"."""
        return self._state.text()

    @property
    def note(self) -> str:
        """The muted second line: why it helps, or why it has no effect."""
        return self._note.text()

    @property
    def focus_target(self) -> QWidget:
        """The widget that acts."""
        return self._switch or self._choices or self

    def set_key(self, key: str) -> None:
        """Show the digit that flips this row; nothing for an empty string."""
        self._key.setText(key)
        self._key.setVisible(bool(key))

    def set_requested(self, value: bool | int) -> None:
        """Show what was asked for."""
        if self._switch is not None:
            self._switch.setChecked(bool(value))
        elif self._choices is not None:
            self._choices.set_value(int(value))

    @property
    def effect_text(self) -> str:
        """What it was measured to do, or that it is being measured; empty when neither."""
        return self._effect.text()

    def set_effect(self, effect: ToggleEffect | None) -> None:
        """Show what switching it on was measured to do."""
        self._found = effect
        self._show_effect()

    def set_measuring(self, *, measuring: bool, possible: bool) -> None:
        """Show whether its effect is being measured, and whether that could be asked for."""
        self._possible = possible
        self._offer_measuring()
        if measuring != self._measuring:
            self._measuring = measuring
            self._show_effect()

    def _offer_measuring(self) -> None:
        """Offer it where the switch has an effect here."""
        blocked = self._shown[0] == "blocked"
        self._measure.setVisible(not blocked)
        self._measure.setEnabled(self._possible and not blocked)

    def _show_effect(self) -> None:
        found, tokens = self._found, current_tokens()
        text = found.text if found is not None else ""
        color = {"good": tokens.good, "bad": tokens.bad}.get(
            found.outcome if found is not None and not self._measuring else "none", tokens.muted
        )
        self._effect.setText("measuring\N{HORIZONTAL ELLIPSIS}" if self._measuring else text)
        self._effect.setStyleSheet(f"color: {color};")
        self._effect.setToolTip(tooltip(found.detail) if found is not None else "")
        named = f"{toggle_of(self.name).label} {text}" if text else ""
        self._effect.setAccessibleName(named)

    def set_state(self, state: ToggleState | None, *, engine: bool = True) -> None:
        """Show what became of the request; None while that is unknown, or without an engine."""
        if not engine:
            shown = ("", "no engine", self._why)
        elif state is None:
            shown = ("", "\N{HORIZONTAL ELLIPSIS}", self._why)
        elif state.effective != state.requested or not state.available:
            word = "not now" if state.available else "not here"
            if self._switch is None:
                word = f"runs {int(state.effective)}"
            shown = ("blocked", word, state.reason or self._why)
        elif self._switch is None:
            shown = ("check", "on" if int(state.effective) > 1 else "one", self._why)
        else:
            shown = ("check", "on", self._why) if state.effective else ("minus", "off", self._why)
        if shown == self._shown:
            return
        self._shown = shown
        self._state.setText(shown[1])
        self._note.setText(shown[2])
        why_not = f"\n\nNot in effect: {shown[2]}" if shown[0] == "blocked" else ""
        self.setToolTip(tooltip(self._base_tip + why_not))
        self._offer_measuring()
        self.focus_target.setAccessibleDescription(f"in effect: {shown[1]}. {shown[2]}")
        self._retint()

    def _retint(self) -> None:
        tokens = current_tokens()
        gap_px = GAP_PX if self._switch is None else 0  # a column without a widget has none
        self._grid.setColumnMinimumWidth(0, switch_width_px() + gap_px)
        self._mark.setFixedSize(QSize(icon_px(16), icon_px(16)))
        self._measure.setIconSize(QSize(icon_px(14), icon_px(14)))
        color = {"check": tokens.good, "blocked": tokens.warn}.get(self._shown[0], tokens.muted)
        if self._shown[0]:
            ratio = self.devicePixelRatioF()
            self._mark.setPixmap(icons.pixmap(self._shown[0], color, icon_px(16), ratio))
        else:
            self._mark.clear()
        self._measure.setIcon(icons.icon("stopwatch", tokens.muted))
        self._show_effect()

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._retint()
        super().changeEvent(event)
