"""The A/B page: two sets of optimizations on the same frames, and what came out."""

from typing import override

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from rfviewer.experiment import AbRequest, AbResult
from rfviewer.gui import icons
from rfviewer.gui.config_picker import ConfigPicker
from rfviewer.gui.controls import label, scrolled
from rfviewer.gui.interval_table import interval_table, outcome_color
from rfviewer.gui.lab_command import CommandFor
from rfviewer.gui.lab_model import LabModel
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
from rfviewer.gui.model import SessionModel
from rfviewer.gui.text import fps_text, tooltip
from rfviewer.gui.tokens import GAP_PX, PAD_PX, current_tokens, scaled
from rfviewer.lab.describe import PAIRED, describe_difference

_EMPTY = (
    "Choose A and B at the left, then Measure. They run in turn, in blocks A B B A, on the frames "
    "seen last, and the video stands still meanwhile. Differences come with a 95 % interval, and "
    "what is not larger than the noise is called so."
)
_ICONS: dict[Outcome, str] = {"good": "check", "bad": "warning", "none": "minus"}


class AbPage(QWidget):
    """Picker at the left; explanation, progress, error or result at the right.

    Signals:
        notice: (severity, sentence) for the user.
    """

    notice = Signal(str, str)

    def __init__(self, model: SessionModel, lab: LabModel, command_for: CommandFor) -> None:
        super().__init__()
        self.setObjectName("LabPage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._model = model
        self._lab = lab
        self._command_for = command_for
        self._shown: AbResult | None = None
        self.picker = ConfigPicker(model)
        self.run_button = QPushButton("Measure")
        self.run_button.setProperty("primary", "true")
        self.run_button.clicked.connect(self.run)
        self._why_not = label(muted=True)
        self._why_not.setWordWrap(True)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(PAD_PX, GAP_PX, PAD_PX, GAP_PX)
        column.setSpacing(GAP_PX)
        column.addWidget(self.picker, 1)
        row = QHBoxLayout()
        row.setSpacing(GAP_PX)
        row.addWidget(self.run_button)
        row.addWidget(self._why_not, 1)
        column.addLayout(row)
        self.pages = QStackedWidget()
        self._empty = label(_EMPTY, muted=True)
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setMargin(PAD_PX)
        self.progress = LabProgress(lab)
        self._result = self._result_page()
        for page in (self._empty, self.progress, self._result):
            self.pages.addWidget(page)
        right = QWidget()
        holder = QVBoxLayout(right)
        holder.setContentsMargins(PAD_PX, GAP_PX, PAD_PX, GAP_PX)
        holder.addWidget(self.pages)
        results = scrolled(right)
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        results.setMinimumWidth(right.minimumSizeHint().width() + bar)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(left)
        split.addWidget(results)
        split.setStretchFactor(0, 0)
        split.setStretchFactor(1, 1)
        split.setSizes([self.picker.whole_width() + 2 * PAD_PX, 10_000])
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(split)
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
            self._lab.run(self.request)

    def copy_text(self) -> None:
        """Put the result on the clipboard."""
        if self._shown is not None:
            QGuiApplication.clipboard().setText(ab_report(self._shown, self._command()))
            self.notice.emit("info", "Copied the result.")

    def copy_command(self) -> None:
        """Put the command line of this comparison on the clipboard."""
        command = self._command()
        QGuiApplication.clipboard().setText(command)
        self.notice.emit("info", f"Copied: {command}")

    def _command(self) -> str:
        request = self.request
        if self._shown is not None:
            request = AbRequest(a=self._shown.a, b=self._shown.b)
        return self._command_for(request)

    def _result_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        head = QHBoxLayout()
        head.setSpacing(GAP_PX)
        self._mark = QLabel()
        self.verdict = label()
        self.verdict.setWordWrap(True)
        self.verdict.setFont(scaled(self.verdict.font(), 1.3, bold=True))
        self.verdict.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        head.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.verdict, 1)
        column.addLayout(head)
        self.rate = label(figures=True)
        self.rate.setWordWrap(True)
        column.addWidget(self.rate)
        self.sides = label(muted=True)
        self.sides.setWordWrap(True)
        column.addWidget(self.sides)
        self.table, self._effects = interval_table()
        column.addWidget(self.table, 1)
        self.notes = label(muted=True)
        self.notes.setWordWrap(True)
        self.notes.setFont(scaled(self.notes.font(), 0.88))
        self.notes.setToolTip(tooltip(f"{PAIRED}."))
        column.addWidget(self.notes)
        foot = QHBoxLayout()
        foot.setSpacing(GAP_PX)
        foot.addStretch(1)
        for text, slot in (("Copy result", self.copy_text), ("Copy as command", self.copy_command)):
            button = QPushButton(text)
            button.clicked.connect(slot)
            foot.addWidget(button)
        column.addLayout(foot)
        return page

    def _reason(self) -> str:
        """Return why nothing can be measured now; empty when it can."""
        if self._lab.running is not None:
            return "measuring"
        if not self._lab.can_run:
            return "needs an open source and a loaded engine"
        return ""

    def _refresh_button(self) -> None:
        reason = self._reason()
        self.run_button.setEnabled(not reason)
        count = len(differing(self.picker.a, self.picker.b))
        hint = "A and B are the same: expect no effect" if not count else ""
        text = reason if reason and reason != "measuring" else hint
        if text != self._why_not.text():
            self._why_not.setText(text)

    def _refresh(self) -> None:
        self._refresh_button()
        status = self._lab.results.get(AbRequest)
        if self._lab.running is not None:
            self.pages.setCurrentWidget(self.progress)
        elif status is None:
            self._show_sentence(_EMPTY)
        elif status.error:
            self._show_sentence(status.error)
        elif isinstance(status.result, AbResult):
            self._show_result(status.result)
            self.pages.setCurrentWidget(self._result)

    def _show_sentence(self, text: str) -> None:
        self._empty.setText(text)
        self._shown = None
        self.pages.setCurrentWidget(self._empty)

    def _show_result(self, result: AbResult) -> None:
        if result is self._shown:
            return
        self._shown = result
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
        self.sides.setText(f"A  {a}    B  {b}" if a else "A and B are the same settings")
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
