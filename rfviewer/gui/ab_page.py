"""The A/B page: two sets of optimizations on the same frames, and what came out."""

from collections.abc import Callable
from typing import override

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from rfviewer.experiment import AbRequest, AbResult
from rfviewer.gui import icons
from rfviewer.gui.config_picker import ConfigPicker
from rfviewer.gui.controls import label
from rfviewer.gui.interval_table import interval_table, outcome_color
from rfviewer.gui.lab_command import CommandFor
from rfviewer.gui.lab_model import LabModel
from rfviewer.gui.lab_page import LabPage
from rfviewer.gui.lab_progress import LabProgress
from rfviewer.gui.lab_text import (
    Outcome,
    ab_report,
    blocks_text,
    compact_notes,
    differing,
    interval_text,
    is_unsure,
    outcome_of,
    percent_text,
    word_of,
)
from rfviewer.gui.margins import without_margins
from rfviewer.gui.model import SessionModel
from rfviewer.gui.text import fps_text, tooltip
from rfviewer.gui.tokens import GAP_PX, PAD_PX, current_tokens, scaled
from rfviewer.gui.words_and_table import WordsAndTable
from rfviewer.gui.wrapping_row import WrappingRow
from rfviewer.lab.describe import PAIRED, describe_difference

_EXPLAINED = (
    "A and B run in turn on the frames seen last; the video stands still meanwhile. Differences "
    "have 95 % intervals."
)
_ICONS: dict[Outcome, str] = {"good": "check", "bad": "warning", "none": "minus"}


class AbPage(LabPage):
    """One thing at a time, as the strip is low: what to measure, the progress, or what came out."""

    def __init__(self, model: SessionModel, lab: LabModel, command_for: CommandFor) -> None:
        super().__init__(model, lab, command_for)
        self._shown: AbResult | None = None
        self._choosing = False
        """Whether the user went back from the result to the picker."""
        self.progress = LabProgress(lab)
        self.setup = self._setup_page(model)
        self.result = self._result_page()
        self.pages = QStackedWidget()
        for page in (self.setup, self.progress, self.result):
            self.pages.addWidget(page)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(PAD_PX, 4, PAD_PX, 4)
        outer.addWidget(self.pages)
        lab.changed.connect(self._refresh)
        model.snapshot_changed.connect(lambda _: self._refresh_button())
        self.picker.changed.connect(self._refresh_button)
        self._refresh()

    @property
    def request(self) -> AbRequest:
        """What would be measured."""
        return AbRequest(a=self.picker.a, b=self.picker.b)

    def run(self) -> None:
        """Start the comparison."""
        if not self._reason():
            self._choosing = False
            self._lab.run(self.request)

    def choose(self) -> None:
        """Show the picker in place of the result."""
        self._choosing = True
        self._refresh()

    def show_result(self) -> None:
        """Show the result again in place of the picker."""
        self._choosing = False
        self._refresh()

    def copy_text(self) -> None:
        """Put the result on the clipboard."""
        if self._shown is not None:
            self._copy(ab_report(self._shown, self._command()), "Copied the result.")

    def copy_command(self) -> None:
        """Put the command line of this comparison on the clipboard."""
        command = self._command()
        self._copy(command, f"Copied: {command}")

    def _command(self) -> str:
        request = self.request
        if self._shown is not None:
            request = AbRequest(a=self._shown.a, b=self._shown.b)
        return self._command_for(request)

    def _setup_page(self, model: SessionModel) -> QWidget:
        page = QWidget()
        column = without_margins(QVBoxLayout(page), spacing_px=4)
        self.picker = ConfigPicker(model)
        self.run_button = _button("Measure", self.run, primary=True)
        self._back = _button("Last result", self.show_result)
        self._why_not = label(muted=True)
        for widget in (self.run_button, self._back, self._why_not):
            self.picker.add_to_head(widget)
        self.picker.add_to_head(self.picker.search, at_end=True)
        column.addWidget(self.picker, 1)
        self.said = label(_EXPLAINED, muted=True)
        self.said.setWordWrap(True)
        self.said.setFont(scaled(self.said.font(), 0.88))
        column.addWidget(self.said)
        return page

    def _result_page(self) -> QWidget:
        page = QWidget()
        column = without_margins(QVBoxLayout(page), spacing_px=4)
        self.table, self._effects = interval_table()
        self.result_view = WordsAndTable(self._words(), self.table, (4, 6))
        column.addWidget(self.result_view, 1)
        foot = WrappingRow()
        self.again = _button("Measure again", self.run, primary=True)
        foot.add(_button("Choose A and B", self.choose))
        foot.add(self.again)
        foot.add(_button("Copy result", self.copy_text), at_end=True)
        foot.add(_button("Copy as command", self.copy_command), at_end=True)
        column.addLayout(foot)
        return page

    def _words(self) -> QWidget:
        """Return the result in words, which stand beside its table."""
        words = QWidget()
        column = without_margins(QVBoxLayout(words), spacing_px=4)
        head = QHBoxLayout()
        head.setSpacing(GAP_PX)
        self._mark = QLabel()
        self.verdict = label()
        self.verdict.setFont(scaled(self.verdict.font(), 1.2, bold=True))
        self.verdict.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.rate, self.sides = label(figures=True), label(muted=True)
        self.notes = label(muted=True)
        self.notes.setFont(scaled(self.notes.font(), 0.88))
        self.notes.setToolTip(tooltip(f"{PAIRED}."))
        head.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.verdict, 1)
        column.addLayout(head)
        for text in (self.rate, self.sides, self.notes):
            column.addWidget(text)
        for text in (self.verdict, self.rate, self.sides, self.notes):
            text.setWordWrap(True)
        column.addStretch(1)
        return words

    def _reason(self) -> str:
        """Return why nothing can be measured now; empty when it can."""
        if self._lab.running is not None:
            return "measuring"
        if not self._lab.can_run:
            return "needs an open source and a loaded engine"
        return ""

    def _refresh_button(self) -> None:
        reason = self._reason()
        for button in (self.run_button, self.again):
            button.setEnabled(not reason)
            button.setToolTip(tooltip(reason) if reason else "")
        count = len(differing(self.picker.a, self.picker.b))
        hint = "A and B are the same: expect no effect" if not count else ""
        text = reason if reason and reason != "measuring" else hint
        if text != self._why_not.text():
            self._why_not.setText(text)

    def _refresh(self) -> None:
        self._refresh_button()
        status = self._lab.results.get(AbRequest)
        result = status.result if status is not None else None
        if isinstance(result, AbResult):
            self._show_result(result)
        else:
            self._shown = None
        self.said.setText((status.error if status is not None else "") or _EXPLAINED)
        self._back.setVisible(self._shown is not None)
        if self._lab.running is not None:
            self.pages.setCurrentWidget(self.progress)
        elif self._shown is None or self._choosing:
            self.pages.setCurrentWidget(self.setup)
        else:
            self.pages.setCurrentWidget(self.result)

    def _show_result(self, result: AbResult) -> None:
        if result is self._shown:
            return
        self._shown, self._choosing = result, False
        rate = result.throughput
        outcomes = {outcome_of(effect) for effect in (*result.stages, rate)} - {"none"}
        outcome: Outcome = "none"
        if result.effect:
            outcome = "bad" if "good" not in outcomes else "good"
        color = outcome_color(outcome, current_tokens()).name()
        self._mark.setPixmap(icons.pixmap(_ICONS[outcome], color, 22, self.devicePixelRatioF()))
        short = result.verdict.startswith("too few rounds")
        doubt = "; too few rounds to be sure" if is_unsure(result) and not short else ""
        self.verdict.setText(result.verdict[:1].upper() + result.verdict[1:] + doubt)
        # The paired estimate, as in the verdict: the medians may differ by another share.
        told = percent_text(rate.a, rate.a + rate.difference)
        change = told if rate.significant else word_of(rate)
        self.rate.setText(
            f"{fps_text(rate.a)} \N{RIGHTWARDS ARROW} {fps_text(rate.b)} fps  ({change}; "
            f"95 % interval of the difference {interval_text(rate.interval, 'fps')} fps)"
        )
        a, b = describe_difference(result.a, result.b)
        self.sides.setText(f"A  {a}\nB  {b}" if a else "A and B are the same settings")
        self._effects.set_effects(result.stages)
        parts = [blocks_text(result)]
        if result.excluded:
            parts.append(f"{result.excluded} left out because the device was throttled")
        paired = "A and B are medians, the difference is estimated from neighbouring blocks."
        notes = (f"{', '.join(parts)}. {paired}", *compact_notes(result.notes))
        self.notes.setText("\n".join(notes))

    @override
    def sizeHint(self) -> QSize:
        return QSize(800, 18 * self.fontMetrics().height())


def _button(text: str, slot: Callable[[], object], *, primary: bool = False) -> QPushButton:
    button = QPushButton(text)
    if primary:
        button.setProperty("primary", "true")
    button.clicked.connect(slot)
    return button
