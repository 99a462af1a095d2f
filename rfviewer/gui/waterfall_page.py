"""The waterfall page: what each toggle saves, and what bounds the whole."""

from typing import override

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
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
from rfviewer.gui.controls import label, rule, scrolled
from rfviewer.gui.lab_command import CommandFor
from rfviewer.gui.lab_model import LabModel
from rfviewer.gui.lab_progress import LabProgress
from rfviewer.gui.lab_text import compact_notes, waterfall_report
from rfviewer.gui.model import SessionModel
from rfviewer.gui.toggle_choice import ToggleChoice
from rfviewer.gui.tokens import GAP_PX, PAD_PX, scaled
from rfviewer.gui.waterfall_table import waterfall_table
from rfviewer.optimizations import Optimizations, toggle_names
from rfviewer.snapshot import Snapshot

_EMPTY = (
    "Press Measure. It measures every optimisation that can run here alone, removed from all "
    "others, and one after another, on the frames seen last; the video stands still meanwhile. "
    "With a network on a CPU this takes many minutes: choose fewer toggles there."
)
_STACK_BELOW_DIGITS = 96


class WaterfallPage(QWidget):
    """Bars at the left, ceilings at the right; one above the other in a narrow window.

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
        self._shown: WaterfallResult | None = None
        self._ceilings: CeilingsResult | None = None
        self.pages = QStackedWidget()
        self._sentence = label(muted=True)
        self._sentence.setWordWrap(True)
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.progress = LabProgress(lab)
        self._result = self._result_page()
        for page in (self._sentence, self.progress, self._result):
            self.pages.addWidget(page)
        self.run_button = QPushButton("Measure")
        self.run_button.setAccessibleName("Measure the waterfall")
        self.run_button.setProperty("primary", "true")
        self.run_button.clicked.connect(self.run)
        self._foot = QHBoxLayout()
        self._foot.setSpacing(GAP_PX)
        self._foot.addWidget(self.run_button)
        self.choice = ToggleChoice()
        self._foot.addWidget(self.choice)
        self.notes = label(muted=True)
        self.notes.setWordWrap(True)
        self.notes.setFont(scaled(self.notes.font(), 0.88))
        self._foot.addStretch(1)
        self._copies = []
        for text, slot in (("Copy result", self.copy_text), ("Copy as command", self.copy_command)):
            button = QPushButton(text)
            button.clicked.connect(slot)
            self._copies.append(button)
            self._foot.addWidget(button)
        left = QVBoxLayout()
        left.setSpacing(GAP_PX)
        left.addWidget(self.pages, 1)
        left.addWidget(self.notes)
        self.ceilings = CeilingsList()
        self.ceilings.measure.clicked.connect(self.run_ceilings)
        content = QWidget()
        self._halves = QBoxLayout(QBoxLayout.Direction.LeftToRight, content)
        self._halves.setContentsMargins(PAD_PX, GAP_PX, PAD_PX, 0)
        self._halves.setSpacing(PAD_PX)
        self._halves.addLayout(left, 7)
        self._rule = rule(vertical=True)
        self._halves.addWidget(self._rule)
        self._halves.addWidget(self.ceilings, 3)
        self._foot.setContentsMargins(PAD_PX, 4, PAD_PX, GAP_PX)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(scrolled(content), 1)
        outer.addLayout(self._foot)
        lab.changed.connect(self._refresh)
        model.snapshot_changed.connect(self._on_snapshot)
        self._refresh()

    def run(self) -> None:
        """Measure the waterfall down to the current settings, or to all on from the baseline."""
        if self._lab.running is None and self._lab.can_run and not self.choice.none:
            self._lab.run(self.request)

    @property
    def request(self) -> WaterfallRequest:
        """What would be measured."""
        return WaterfallRequest(target=self._target(), names=self.choice.names)

    def run_ceilings(self) -> None:
        """Measure what bounds the current settings."""
        if self._lab.running is None and self._lab.can_run:
            self._lab.run(CeilingsRequest(target=self._model.optimizations))

    def copy_text(self) -> None:
        """Put the result on the clipboard."""
        if self._shown is not None:
            text = waterfall_report(self._shown, self._ceilings, self._command_for(self.request))
            QGuiApplication.clipboard().setText(text)
            self.notice.emit("info", "Copied the waterfall.")

    def copy_command(self) -> None:
        """Put the command line of this measurement on the clipboard."""
        command = self._command_for(self.request)
        QGuiApplication.clipboard().setText(command)
        self.notice.emit("info", f"Copied: {command}")

    def _result_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.verdict = label()
        self.verdict.setWordWrap(True)
        self.verdict.setFont(scaled(self.verdict.font(), 1.3, bold=True))
        self.verdict.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(self.verdict)
        self.details = label(muted=True, figures=True)
        self.details.setWordWrap(True)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(self.details)
        self.table, self.bars = waterfall_table()
        column.addWidget(self.table, 1)
        return page

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
        self.ceilings.measure.setEnabled(free)

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
        if self._lab.running is not None:
            self.pages.setCurrentWidget(self.progress)
        elif self._shown is not None:
            self.pages.setCurrentWidget(self._result)
        else:
            self._sentence.setText(status.error if status is not None else _EMPTY)
            self.pages.setCurrentWidget(self._sentence)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        narrow = self.width() < _STACK_BELOW_DIGITS * self.fontMetrics().horizontalAdvance("0")
        directions = QBoxLayout.Direction
        self._halves.setDirection(directions.TopToBottom if narrow else directions.LeftToRight)
        self._rule.setVisible(not narrow)
        super().resizeEvent(event)

    @override
    def sizeHint(self) -> QSize:
        return QSize(800, 20 * self.fontMetrics().height())
