"""The waterfall page: what each toggle saves, and what bounds the whole."""

from typing import override

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from rfviewer.experiment import (
    CeilingsRequest,
    CeilingsResult,
    WaterfallRequest,
    WaterfallResult,
)
from rfviewer.gui.ceilings_list import CeilingsList
from rfviewer.gui.controls import Segments, label, rule, scrolled
from rfviewer.gui.lab_command import CommandFor
from rfviewer.gui.lab_model import LabModel
from rfviewer.gui.lab_page import LabPage
from rfviewer.gui.lab_progress import LabProgress
from rfviewer.gui.lab_text import compact_notes, waterfall_report
from rfviewer.gui.margins import without_margins
from rfviewer.gui.model import SessionModel
from rfviewer.gui.text import tooltip
from rfviewer.gui.toggle_choice import ToggleChoice
from rfviewer.gui.tokens import PAD_PX, scaled
from rfviewer.gui.waterfall_table import waterfall_table
from rfviewer.gui.words_and_table import WordsAndTable
from rfviewer.gui.wrapping_row import WrappingRow
from rfviewer.optimizations import Optimizations, toggle_names
from rfviewer.snapshot import Snapshot

_EMPTY = (
    "Press Measure. It measures every optimisation that can run here alone, removed from all "
    "others, and one after another, on the frames seen last; the video stands still meanwhile. "
    "With a network on a CPU this takes many minutes: choose fewer toggles there."
)
SAVINGS, LIMITS = "savings", "limits"
_BOTH_FROM_DIGITS, _BOTH_FROM_LINES = 96, 18
"""Width and height of the page from which bars and ceilings stand side by side."""


class WaterfallPage(LabPage):
    """Bars at the left, ceilings at the right; where there is no room for both, one of them."""

    def __init__(self, model: SessionModel, lab: LabModel, command_for: CommandFor) -> None:
        super().__init__(model, lab, command_for)
        self._shown: WaterfallResult | None = None
        self._ceilings: CeilingsResult | None = None
        self.pages = QStackedWidget()
        self._sentence = label(muted=True)
        self._sentence.setWordWrap(True)
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.progress = LabProgress(lab)
        self.result_view = self._result_page()
        for page in (self._sentence, self.progress, self.result_view):
            self.pages.addWidget(page)
        self.run_button = QPushButton("Measure")
        self.run_button.setAccessibleName("Measure the waterfall")
        self.run_button.setProperty("primary", "true")
        self.run_button.clicked.connect(self.run)
        self.view = SAVINGS
        """Which half is shown where there is room for one only."""
        self.tabs = Segments("Part of the page", {"Savings": SAVINGS, "Limits": LIMITS})
        self.tabs.set_tooltip(SAVINGS, tooltip("What each optimisation saves"))
        self.tabs.set_tooltip(LIMITS, tooltip("What bounds the whole: how fast each part could go"))
        self.tabs.chosen.connect(self.show_view)
        self._foot = WrappingRow()
        self.choice = ToggleChoice()
        self.limits_button = QPushButton("Measure ceilings")
        self.limits_button.setToolTip(
            tooltip("How fast each part would be if nothing else cost anything")
        )
        self.limits_button.clicked.connect(self.run_ceilings)
        for widget in (self.tabs, self.run_button, self.choice, self.limits_button):
            self._foot.add(widget)
        self._copies = []
        for text, slot in (("Copy result", self.copy_text), ("Copy as command", self.copy_command)):
            button = QPushButton(text)
            button.clicked.connect(slot)
            self._copies.append(button)
            self._foot.add(button, at_end=True)
        self.ceilings = CeilingsList()
        self._limits = scrolled(self.ceilings, least_lines=4)
        self._rule = rule(vertical=True)
        halves = QHBoxLayout()
        halves.setContentsMargins(PAD_PX, 4, PAD_PX, 0)
        halves.setSpacing(PAD_PX)
        halves.addWidget(self.pages, 7)
        halves.addWidget(self._rule)
        halves.addWidget(self._limits, 3)
        foot = QVBoxLayout()
        foot.setContentsMargins(PAD_PX, 4, PAD_PX, 4)
        foot.addLayout(self._foot)
        outer = without_margins(QVBoxLayout(self), spacing_px=0)
        outer.addLayout(halves, 1)
        outer.addLayout(foot)
        lab.changed.connect(self._refresh)
        model.snapshot_changed.connect(self._on_snapshot)
        self._refresh()

    def run(self) -> None:
        """Measure the waterfall down to the current settings, or to all on from the baseline."""
        if self._lab.running is None and self._lab.can_run and not self.choice.none:
            self.show_view(SAVINGS)
            self._lab.run(self.request)

    @property
    def request(self) -> WaterfallRequest:
        """What would be measured."""
        return WaterfallRequest(target=self._target(), names=self.choice.names)

    def run_ceilings(self) -> None:
        """Measure what bounds the current settings."""
        if self._lab.running is None and self._lab.can_run:
            self.show_view(LIMITS)
            self._lab.run(CeilingsRequest(target=self._model.optimizations))

    def show_view(self, view: str) -> None:
        """Show SAVINGS or LIMITS where there is room for one of them."""
        self.view = view
        self._arrange()

    def copy_text(self) -> None:
        """Put the result on the clipboard."""
        if self._shown is not None:
            text = waterfall_report(self._shown, self._ceilings, self._command_for(self.request))
            self._copy(text, "Copied the waterfall.")

    def copy_command(self) -> None:
        """Put the command line of this measurement on the clipboard."""
        command = self._command_for(self.request)
        self._copy(command, f"Copied: {command}")

    def _result_page(self) -> WordsAndTable:
        words = QWidget()
        column = without_margins(QVBoxLayout(words), spacing_px=4)
        self.verdict = label()
        self.verdict.setFont(scaled(self.verdict.font(), 1.2, bold=True))
        self.details, self.notes = label(muted=True, figures=True), label(muted=True)
        self.notes.setFont(scaled(self.notes.font(), 0.88))
        for text in (self.verdict, self.details, self.notes):
            text.setWordWrap(True)
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(text)
        column.addStretch(1)
        self.table, self.bars = waterfall_table()
        return WordsAndTable(words, self.table, (1, 3))

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        info = snapshot.engine.info
        if info is not None:
            target, base = self._target(), Optimizations.baseline()
            states = {state.name: state for state in info.toggles}
            self.choice.set_able(
                tuple(
                    name
                    for name in toggle_names()
                    if (name not in states or states[name].available)
                    and getattr(target, name) != getattr(base, name)
                )
            )
        self._refresh_buttons()

    def _target(self) -> Optimizations:
        current = self._model.optimizations
        return Optimizations() if current == Optimizations.baseline() else current

    def _refresh_buttons(self) -> None:
        free = self._lab.running is None and self._lab.can_run
        self.run_button.setEnabled(free and not self.choice.none)
        self.limits_button.setEnabled(free)

    def _refresh(self) -> None:
        self._refresh_buttons()
        ceilings = self._lab.results.get(CeilingsRequest)
        found = ceilings.result if ceilings is not None else None
        status = self._lab.results.get(WaterfallRequest)
        result = status.result if status is not None else None
        bars = result if isinstance(result, WaterfallResult) else None
        bounds = found if isinstance(found, CeilingsResult) else None
        if bars is not self._shown or bounds is not self._ceilings:
            self._shown, self._ceilings = bars, bounds
            self.bars.show(bars, bounds.ceilings if bounds is not None else ())
            numbers = {name: number for number, (_, name) in enumerate(self.bars.lines)}
            self.ceilings.show_result(bounds, numbers)
        if bars is not None:
            head, _, rest = bars.verdict.partition("; ")
            self.verdict.setText(head[:1].upper() + head[1:])
            self.details.setText(f"{rest[:1].upper()}{rest[1:]}")
            self.details.setVisible(bool(rest))
        if ceilings is not None and ceilings.error:
            self.ceilings.verdict.setText(ceilings.error)
        for button in self._copies:
            button.setVisible(self._shown is not None)
        notes = compact_notes(self._shown.notes) if self._shown is not None else ()
        self.notes.setText("\n".join(notes))
        self.notes.setVisible(bool(self.notes.text()))
        self._arrange()
        if self._lab.running is not None:
            self.pages.setCurrentWidget(self.progress)
        elif self._shown is not None:
            self.pages.setCurrentWidget(self.result_view)
        else:
            self._sentence.setText(status.error if status is not None else _EMPTY)
            self.pages.setCurrentWidget(self._sentence)

    @property
    def shows_both(self) -> bool:
        """Whether there is room for bars and ceilings at once."""
        metrics = self.fontMetrics()
        wide = self.width() >= _BOTH_FROM_DIGITS * metrics.horizontalAdvance("0")
        return wide and self.height() >= _BOTH_FROM_LINES * metrics.height()

    def _arrange(self) -> None:
        """Show both halves, or the chosen one."""
        both = self.shows_both
        # What is measured tells of its progress in the place of the bars, whatever it is.
        savings = both or self.view == SAVINGS or self._lab.running is not None
        self.pages.setVisible(savings)
        self._limits.setVisible(both or not savings)
        self._rule.setVisible(both)
        self.tabs.setVisible(not both)
        self.tabs.set_value(self.view)
        for widget in (self.run_button, self.choice):
            widget.setVisible(savings)
        self.limits_button.setVisible(both or not savings)
        self.ceilings.set_alone(alone=not both)
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        least = self.ceilings.least_width() + bar
        self._limits.setMinimumWidth(least if both else 0)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()
        super().resizeEvent(event)

    @override
    def sizeHint(self) -> QSize:
        return QSize(800, 20 * self.fontMetrics().height())
