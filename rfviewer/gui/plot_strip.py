"""The strip below the transport bar: fps, stage times with their table, and the idle GPU."""

from typing import override

import numpy as np
from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from rfviewer.gui.controls import ElidedLabel, heading, label
from rfviewer.gui.history import STAGES, History
from rfviewer.gui.plot_legend import Legend
from rfviewer.gui.plots import FPS_STYLES, FpsPlot, IdlePlot, Plot, StagePlot, fps_colors
from rfviewer.gui.rates import Rates
from rfviewer.gui.repainting import RepaintingWidget
from rfviewer.gui.text import DASH, fps_text, ms_text, tooltip
from rfviewer.gui.tokens import GAP_PX, PAD_PX, STAGE_COLORS, current_tokens, scaled
from rfviewer.snapshot import Snapshot

REPAINT_INTERVAL_MS = 160  # about 6 a second
COMPACT_BELOW_DIGITS = 100  # about 800 px at the usual text size
HIDE_LEGENDS_BELOW_DIGITS = 84  # about 670 px: the curves need the room
_WHOLE_FRAME_TIP = (
    "All stages of each frame together, and the median of that. Medians of single stages do not "
    "add up to it, since the slow moments of one stage are seldom those of another."
)


class StageTable(QWidget):
    """p50 and p95 of every measured stage: the same figures as the plot, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Stage times in milliseconds")
        grid = QGridLayout(self)
        grid.setContentsMargins(4, 0, 0, 0)
        grid.setHorizontalSpacing(GAP_PX)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(1, 1)
        small = scaled(self.font(), 0.82)
        self._rows: list[tuple[QLabel, ...]] = []
        self._heads: list[QLabel] = []
        self._compact = False
        heads = ("", "ms", "p50", "p95")
        for column, text in enumerate(heads):
            head = label(text, muted=True)
            head.setFont(small)
            if column > 1:
                head.setAlignment(Qt.AlignmentFlag.AlignRight)
            grid.addWidget(head, 0, column)
            self._heads.append(head)
        for index, stage in enumerate(STAGES, start=1):
            chip = QLabel()
            chip.setFixedSize(9, 9)
            chip.setStyleSheet(f"background: {STAGE_COLORS[stage]}; border-radius: 2px;")
            row = (chip, label(stage.value), label(figures=True), label(figures=True))
            for column, widget in enumerate(row):
                if column:
                    widget.setFont(scaled(widget.font(), 0.85))
                if column > 1:
                    widget.setAlignment(Qt.AlignmentFlag.AlignRight)
                    widget.setMinimumWidth(widget.fontMetrics().horizontalAdvance("888.8"))
                grid.addWidget(widget, index, column)
                widget.setVisible(False)
            self._rows.append(row)
        grid.setRowStretch(len(STAGES) + 1, 1)

    def set_compact(self, *, compact: bool) -> None:
        """Leave out p95 when there is little room."""
        self._compact = compact
        self._heads[3].setVisible(not compact)

    def update_rows(self, p50: list[float | None], p95: list[float | None]) -> None:
        """Show one row for each stage that was measured."""
        for row, middle, high in zip(self._rows, p50, p95, strict=True):
            for column, widget in enumerate(row):
                widget.setVisible(middle is not None and not (self._compact and column == 3))
            row[2].setText(ms_text(middle))
            row[3].setText(ms_text(high))
            row[2].setAccessibleName(f"{row[1].text()} p50 {ms_text(middle)} ms")
            row[3].setAccessibleName(f"{row[1].text()} p95 {ms_text(high)} ms")


class _Card(QFrame):
    """A titled frame around one plot."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setObjectName("Card")
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(PAD_PX, 6, GAP_PX, 4)
        self.column.setSpacing(2)
        self.head = QHBoxLayout()
        self.head.setSpacing(GAP_PX)
        self.title = heading(title)
        self.head.addWidget(self.title)
        self.head.addStretch(1)
        self.column.addLayout(self.head)


class PlotStrip(RepaintingWidget):
    """Repaints a few times a second, and only while it can be seen."""

    def __init__(self, history: History) -> None:
        super().__init__(REPAINT_INTERVAL_MS)
        self.setObjectName("PlotStrip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._history = history
        self._dirty = False
        self.fps, self.stages, self.idle = FpsPlot(), StagePlot(), IdlePlot()
        row = QHBoxLayout(self)
        row.setContentsMargins(GAP_PX, GAP_PX, GAP_PX, GAP_PX)
        row.setSpacing(GAP_PX)
        row.addWidget(self._fps_card(), 34)
        row.addWidget(self._stage_card(), 42)
        self.idle_card = self._idle_card()
        self.idle_card.setVisible(False)
        row.addWidget(self.idle_card, 24)
        self.setMinimumHeight(120)
        self.repaint_timer.timeout.connect(self._on_repaint_due)
        self._retint()

    def apply(self, snapshot: Snapshot, rates: Rates) -> None:
        """Show the rates of the newest snapshot; drawing waits for the next repaint."""
        self._dirty = True
        # At once, and not with the curves: they stand beside those of the status bar.
        values = (rates.source, rates.inferred, rates.shown)
        for caption, value in zip(self._fps_legend.figures, values, strict=True):
            caption.setText(fps_text(value))
        measured = snapshot.device.gpu_idle
        # An engine on a GPU mostly knows its memory also while nothing runs; where not, the card
        # stays as long as a figure is in the plot.
        known = measured is not None or snapshot.device.memory_used_bytes is not None
        self.idle_card.setVisible(known or bool(np.isfinite(self._history.idle()[1]).any()))
        figure = "" if measured is None else f"{measured * 100:.0f} %"
        self._idle_figure.setText(DASH if figure and self._history.clock.holds else figure)
        stack = self._idle_stack
        stack.setCurrentIndex(1 if measured is not None else 0)
        if measured is None:
            self._idle_reason.setText(snapshot.device.reason or "not measured")

    def repaint_now(self) -> None:
        """Draw the history as it is."""
        ages, fps = self._history.rates()
        self.fps.update(ages, fps)
        ages, stages_ms = self._history.stages()
        self.stages.update(ages, stages_ms, self._history.changes())
        self._update_table()
        if self._history.idle_measured:
            self.idle.update(*self._history.idle())
        for plot in self._plots():
            plot.set_time(self._history.clock)

    def _update_table(self) -> None:
        recent = self._history.recent_stages()
        columns = [recent[:, c][np.isfinite(recent[:, c])] for c in range(recent.shape[1])]
        p50 = [float(np.quantile(c, 0.5)) if c.size else None for c in columns]
        p95 = [float(np.quantile(c, 0.95)) if c.size else None for c in columns]
        self._table.update_rows(p50, p95)
        totals = np.nansum(recent, axis=1) if len(recent) else np.zeros(0)
        if len(totals):
            p50_text = f"p50 {ms_text(float(np.quantile(totals, 0.5)))} ms"
            self._whole_frame.set_full_text(f"whole frame {p50_text}", p50_text)
        else:
            self._whole_frame.set_full_text("no frames yet")

    def _fps_card(self) -> QWidget:
        card = _Card("fps")
        self._fps_title = card.title
        self._fps_legend = Legend(("source", "inferred", "shown"))
        card.head.addWidget(self._fps_legend)
        card.column.addWidget(self.fps.view, 1)
        return card

    def _stage_card(self) -> QWidget:
        card = _Card("Stage times")
        self._whole_frame = ElidedLabel(muted=True)
        self._whole_frame.setFont(scaled(self._whole_frame.font(), 0.88))
        self._whole_frame.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._whole_frame.setToolTip(tooltip(_WHOLE_FRAME_TIP))
        card.head.addWidget(self._whole_frame, 100)
        self._table = StageTable()
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.stages.view, 1)
        row.addWidget(self._table)
        card.column.addLayout(row, 1)
        return card

    def _idle_card(self) -> QWidget:
        card = _Card("GPU idle")
        self._idle_figure = label(figures=True)
        card.head.addWidget(self._idle_figure)
        self._idle_stack = QStackedLayout()
        self._idle_reason = label("not measured", muted=True)
        self._idle_reason.setWordWrap(True)
        self._idle_reason.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._idle_stack.addWidget(self._idle_reason)
        self._idle_stack.addWidget(self.idle.view)
        card.column.addLayout(self._idle_stack, 1)
        return card

    def _plots(self) -> tuple[Plot, ...]:
        return (self.fps, self.stages, self.idle)

    def _retint(self) -> None:
        tokens = current_tokens()
        for plot in self._plots():
            plot.set_tokens(tokens)
        self._fps_legend.set_pens(fps_colors(tokens), FPS_STYLES)

    def _on_repaint_due(self) -> None:
        if self._dirty:
            self._dirty = False
            self.repaint_now()

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())  # legends give way, not the window

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        compact = self.width() < COMPACT_BELOW_DIGITS * self.fontMetrics().horizontalAdvance("0")
        for plot in self._plots():
            plot.set_compact(compact=compact)
        self._table.set_compact(compact=compact)
        digit = self.fontMetrics().horizontalAdvance("0")
        self._fps_legend.setVisible(self.width() >= HIDE_LEGENDS_BELOW_DIGITS * digit)
        self._table.setVisible(self.width() >= HIDE_LEGENDS_BELOW_DIGITS * digit)
        self._fps_title.setVisible(not compact or self._fps_legend.isHidden())
        super().resizeEvent(event)

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._retint()
        elif event.type() == QEvent.Type.FontChange:
            for plot in self._plots():
                plot.fit_text()
        super().changeEvent(event)
