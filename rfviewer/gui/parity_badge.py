"""The parity badge of the top bar: shape and words, a menu, and the worst frame on a click."""

from dataclasses import replace
from typing import Literal, override

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton

from rfviewer.experiment import Badge, ParityReading
from rfviewer.gui import icons
from rfviewer.gui.lab_model import LabModel
from rfviewer.gui.model import SessionModel
from rfviewer.gui.parity_text import ICONS, badge_text, reading_sentence
from rfviewer.gui.text import tooltip
from rfviewer.gui.tokens import Tokens, current_tokens

EVERY = (10, 30, 100)
type Precision = Literal["auto", "fp32", "fp16"]
_REFERENCES: tuple[tuple[str, Precision], ...] = (
    ("Baseline of the running engine", "auto"),
    ("Baseline in fp32", "fp32"),
    ("Baseline in fp16", "fp16"),
)


def badge_color(badge: Badge, tokens: Tokens) -> str:
    """Return the colour of a state; its shape and its words say the same."""
    colors = {Badge.GREEN: tokens.good, Badge.AMBER: tokens.warn, Badge.RED: tokens.bad}
    return colors.get(badge, tokens.muted)


class ParityBadge(QToolButton):
    """Switches the watch on when it is off, else asks for the details.

    Signals:
        details_wanted: the user wants figures and the worst frame.
        words_changed: it needs another width.
        flipped: the user started or ended the comparison.
    """

    details_wanted = Signal()
    words_changed = Signal()
    flipped = Signal()

    def __init__(self, model: SessionModel, lab: LabModel) -> None:
        super().__init__()
        self._model = model
        self._lab = lab
        self._badge = Badge.OFF
        self.setObjectName("ParityBadge")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        menu = QMenu(self)
        self.watch_entry = menu.addAction("Compare live frames")
        self.watch_entry.setCheckable(True)
        self.watch_entry.triggered.connect(lambda _=False: self.flip())
        self.details_entry = menu.addAction("Figures and worst frame…")
        self.details_entry.triggered.connect(lambda _=False: self.details_wanted.emit())
        menu.addSeparator()
        self.every: dict[int, QAction] = {}
        self.references: dict[str, QAction] = {}
        frequency = QActionGroup(menu)
        for every in EVERY:
            action = menu.addAction(f"Every {every}th frame")
            action.setCheckable(True)
            action.triggered.connect(lambda _=False, n=every: self._change(every=n))
            frequency.addAction(action)
            self.every[every] = action
        menu.addSeparator()
        against = QActionGroup(menu)
        for text, precision in _REFERENCES:
            action = menu.addAction(f"Against: {text}")
            action.setCheckable(True)
            action.triggered.connect(lambda _=False, p=precision: self._set_reference(p))
            against.addAction(action)
            self.references[precision] = action
        self.setMenu(menu)
        self.clicked.connect(self._on_clicked)
        lab.parity_changed.connect(self.show_reading)
        lab.watch_changed.connect(self._on_watch)
        self._on_watch()

    def flip(self) -> None:
        """Start or end the comparison; one that the split line began is taken over first."""
        self._lab.compare(on=not self._lab.compares)
        self.flipped.emit()

    def show_reading(self, reading: ParityReading) -> None:
        """Show a reading; while the watch is on and nothing came yet it is waiting."""
        badge = reading.badge
        if badge is Badge.OFF and self._lab.watch is not None:
            reading = replace(reading, badge=Badge.WAITING)
        elif self._lab.watch is None and badge is not Badge.OFF:
            reading = ParityReading()
        before, self._badge = self._badge, reading.badge
        if self.text() != badge_text(reading):
            self.setText(badge_text(reading))
            self.words_changed.emit()
        sentence = reading_sentence(reading)
        self.setAccessibleName(self.text())
        self.setAccessibleDescription(sentence)
        self.setToolTip(tooltip(sentence))
        self.retint()
        if self._badge is not before and self._badge is Badge.RED:
            event = QAccessibleAnnouncementEvent(self, sentence)
            QAccessible.updateAccessibility(event)

    @property
    def badge(self) -> Badge:
        """The state on show."""
        return self._badge

    def retint(self) -> None:
        """Draw the shape in the colours of the theme."""
        self.setIcon(icons.icon(ICONS[self._badge], badge_color(self._badge, current_tokens())))

    def _on_clicked(self) -> None:
        if self._lab.watch is None:
            self.flip()
        else:
            self.details_wanted.emit()

    def _change(self, **changes: int) -> None:
        wanted = replace(self._lab.wanted_watch, **changes)  # type: ignore[arg-type]
        self._lab.set_wanted_watch(wanted)

    def _set_reference(self, precision: Precision) -> None:
        engine = None
        if precision != "auto":
            engine = replace(self._model.engine, precision=precision)
        self._lab.set_wanted_watch(replace(self._lab.wanted_watch, engine=engine))

    def _on_watch(self) -> None:
        wanted = self._lab.wanted_watch
        self.watch_entry.setChecked(self._lab.compares)
        self.details_entry.setEnabled(self._lab.watch is not None)
        engine = wanted.engine
        self.references["auto" if engine is None else engine.precision].setChecked(True)
        if wanted.every in self.every:
            self.every[wanted.every].setChecked(True)
        self.show_reading(self._lab.parity)

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.retint()
        super().changeEvent(event)
