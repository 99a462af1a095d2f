"""The latency page: from capture to result and to the screen, beside the rates it is traded for."""

from dataclasses import asdict
from typing import Any, override

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from rfviewer.gui.controls import heading, label
from rfviewer.gui.latency_data import PARTS, WINDOW_S, DepthChange, LatencyBook
from rfviewer.gui.plot_legend import Legend, LegendMark
from rfviewer.gui.plot_strip import COMPACT_BELOW_DIGITS, _Card
from rfviewer.gui.plots import Plot
from rfviewer.gui.rates import Rates
from rfviewer.gui.repainting import RepaintingWidget
from rfviewer.gui.text import DASH, fps_text, ms_text, tooltip
from rfviewer.gui.tokens import GAP_PX, Tokens, current_tokens, scaled
from rfviewer.snapshot import Snapshot

REPAINT_MS = 250
STYLES = (Qt.PenStyle.DashLine, Qt.PenStyle.SolidLine)
"""Of capture to result, which is smooth, and capture to shown: dashes would tear up its spikes."""
_TIPS = {
    "queue wait": "From the source until the engine takes the frame",
    "engine": "From there until its result is complete",
    "capture to result": "Both together, frame by frame, so their p50 need not add up to its p50",
    "capture to shown": "Until the frame is painted in this window",
}


def latency_colors(tokens: Tokens) -> tuple[str, str]:
    """Return the colours of capture to result and capture to shown."""
    return (tokens.accent, "#e69f00" if tokens.dark else "#b06f00")


class LatencyPlot(Plot):
    """Both latencies over the last half minute, with a line where the depth changed."""

    def __init__(self) -> None:
        super().__init__("Latency in ms", unit="")
        self._curves = [self.item.plot([], [], connect="finite") for _ in range(2)]
        self._marks: list[Any] = []

    @override
    def set_tokens(self, tokens: Tokens) -> None:
        """Take over the colours of a theme."""
        super().set_tokens(tokens)
        for curve, color, style in zip(self._curves, latency_colors(tokens), STYLES, strict=True):
            curve.setPen(pg.mkPen(color, width=1, style=style))
        for mark in self._marks:
            mark.setPen(pg.mkPen(tokens.text, width=1, style=Qt.PenStyle.DotLine))

    def update(self, book: LatencyBook) -> None:
        """Draw what the book holds."""
        tops = []
        for curve, (ages, values) in zip(self._curves, book.curves().values(), strict=True):
            curve.setData(ages, values)
            finite = values[np.isfinite(values)]
            if finite.size:
                tops.append(float(np.quantile(finite, 0.97)))
        self.set_top(max(tops, default=1.0))
        self.set_time(book.clock)
        since = [change.time_s - book.clock.now_s for change in book.changes]
        while len(self._marks) < len(since):
            pen = pg.mkPen(current_tokens().text, width=1, style=Qt.PenStyle.DotLine)
            mark = pg.InfiniteLine(angle=90, movable=False, pen=pen)
            self.item.addItem(mark)
            self._marks.append(mark)
        for index, mark in enumerate(self._marks):
            shown = index < len(since) and since[index] > -WINDOW_S
            mark.setVisible(shown)
            if shown:
                mark.setValue(since[index])


class LatencyPage(RepaintingWidget):
    """Plot, percentiles, rates with the last change of the depth, and the device."""

    def __init__(self, book: LatencyBook) -> None:
        super().__init__(REPAINT_MS)
        self.setObjectName("PlotStrip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._book = book
        self._cards = (self._plot_card(), self._table_card(), self._trade_card())
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(GAP_PX, GAP_PX, GAP_PX, GAP_PX)
        self._row.setSpacing(GAP_PX)
        for card, share in zip(self._cards, (32, 34, 34), strict=True):
            self._row.addWidget(card, share)
        self.repaint_timer.timeout.connect(self.repaint_now)
        self._retint()

    def apply(self, snapshot: Snapshot, rates: Rates) -> None:
        """Show rates and device of the newest snapshot."""
        if not self.isVisible():
            return
        for name, rate in asdict(rates).items():
            self._set(self.rates[name], fps_text(rate))
        device = snapshot.device
        entries = {
            "GPU idle": (device.reason or "not measured")
            if device.gpu_idle is None
            else f"{device.gpu_idle * 100:.0f} %",
            "network gap": None
            if device.network_gap_p50_ms is None
            else f"{ms_text(device.network_gap_p50_ms)} / {ms_text(device.network_gap_p95_ms)} ms",
            "power": None if device.power_w is None else f"{device.power_w:.0f} W",
            "clock": None if device.clock_mhz is None else f"{device.clock_mhz} MHz",
        }
        text = "   ".join(f"{name} {value}" for name, value in entries.items() if value)
        self.device.setText(text)
        self.throttle.setText(
            f"\N{WARNING SIGN} held down: {device.throttle}" if device.throttle else ""
        )
        self.throttle.setVisible(bool(device.throttle))

    def repaint_now(self) -> None:
        """Draw the book as it is."""
        self.plot.update(self._book)
        for name, values in self._book.recent().items():
            known = values.size > 0
            for share, cell in zip((0.5, 0.95, 0.99), self.cells[name], strict=True):
                text = ms_text(float(np.quantile(values, share))) if known else DASH
                self._set(cell, text)
                cell.setAccessibleName(f"{name} p{share * 100:.0f} {text} ms")
        newest = self._book.changes[-1] if self._book.changes else None
        self.trade.setText(change_text(newest))

    def _plot_card(self) -> QWidget:
        card = _Card("Latency, ms")
        self.plot = LatencyPlot()
        self._legend = Legend(("to result", "to screen"))
        for figure in self._legend.figures:
            figure.setVisible(False)
        card.head.addWidget(self._legend)
        card.column.addWidget(self.plot.view, 1)
        return card

    def _table_card(self) -> QWidget:
        card = _Card("ms, last 5 s")
        grid = QGridLayout()
        grid.setHorizontalSpacing(PAD)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        small = scaled(self.font(), 0.85)
        for column, text in enumerate(("p50", "p95", "p99"), start=2):
            head = label(text, muted=True)
            head.setFont(small)
            grid.addWidget(head, 0, column, Qt.AlignmentFlag.AlignRight)
        self._marks: list[LegendMark] = []
        """Of the two curves: narrow plots have no legend of their own."""
        self.cells: dict[str, list[QLabel]] = {}
        for index, name in enumerate(PARTS, start=1):
            whole = index > 2
            caption = heading(name) if whole else label(name, muted=True)
            caption.setToolTip(tooltip(_TIPS[name]))
            grid.addWidget(caption, index, 1)
            if whole:
                mark = LegendMark()
                grid.addWidget(mark, index, 0, Qt.AlignmentFlag.AlignVCenter)
                self._marks.append(mark)
            cells = []
            for column in range(2, 5):
                cell = label(DASH, figures=True)
                if whole:
                    cell.setFont(scaled(cell.font(), 1.0, bold=True))
                grid.addWidget(cell, index, column, Qt.AlignmentFlag.AlignRight)
                cells.append(cell)
            self.cells[name] = cells
        card.column.addLayout(grid)
        card.column.addStretch(1)
        return card

    def _trade_card(self) -> QWidget:
        card = _Card("Frames per second")
        row = QHBoxLayout()
        row.setSpacing(2 * GAP_PX)
        self.rates: dict[str, QLabel] = {}
        for name in ("source", "inferred", "shown"):
            column = QVBoxLayout()
            column.setSpacing(0)
            figure = label(DASH, figures=True)
            figure.setFont(scaled(figure.font(), 1.25, bold=True))
            column.addWidget(figure)
            column.addWidget(label(name, muted=True))
            row.addLayout(column)
            self.rates[name] = figure
        row.addStretch(1)
        card.column.addLayout(row)
        card.column.addSpacing(4)
        self.trade = label(change_text(None), figures=True)
        self.trade.setWordWrap(True)
        card.column.addWidget(self.trade)
        card.column.addSpacing(4)
        self.device = label(muted=True, figures=True)
        self.device.setWordWrap(True)
        card.column.addWidget(self.device)
        self.throttle = label(figures=True)
        self.throttle.setObjectName("Bad")
        self.throttle.setVisible(False)
        card.column.addWidget(self.throttle)
        card.column.addStretch(1)
        return card

    @staticmethod
    def _set(widget: QLabel, text: str) -> None:
        if widget.text() != text:
            widget.setText(text)

    def _retint(self) -> None:
        tokens = current_tokens()
        self.plot.set_tokens(tokens)
        self._legend.set_pens(latency_colors(tokens), STYLES)
        for mark, color, style in zip(self._marks, latency_colors(tokens), STYLES, strict=True):
            mark.set_pen(color, style)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        digit = self.fontMetrics().horizontalAdvance("0")
        narrow = self.width() < COMPACT_BELOW_DIGITS * digit
        self.plot.set_compact(compact=narrow)
        self._legend.setVisible(not narrow)
        self._stack_if_narrow()
        super().resizeEvent(event)

    def _stack_if_narrow(self) -> None:
        """Put the cards below one another where they would be cut side by side: the page scrolls.

        Large text makes them wide; the strip scrolls up and down, and never sideways.
        """
        least = sum(card.minimumSizeHint().width() for card in self._cards) + 4 * GAP_PX
        directions = QBoxLayout.Direction
        stacked = least > self.width()
        self._row.setDirection(directions.TopToBottom if stacked else directions.LeftToRight)
        self.plot.view.setMinimumHeight((8 if stacked else 4) * self.fontMetrics().height())

    @override
    def showEvent(self, event: QShowEvent) -> None:
        self.repaint_now()
        super().showEvent(event)

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._retint()
        elif event.type() == QEvent.Type.FontChange:
            self.plot.fit_text()
        super().changeEvent(event)


PAD = 14
"""Distance between the columns of percentiles."""


def change_text(change: DepthChange | None) -> str:
    """Return what the last change of the frames in flight did to latency and rate."""
    if change is None:
        return "Change the frames in flight to see what latency the rate costs."
    arrow = "\N{RIGHTWARDS ARROW}"
    what = f"Frames in flight {change.before} {arrow} {change.after}"
    if change.others:
        what += f" and {change.others} other switch{'es' * (change.others > 1)}"
    if change.latency_after_ms is None:
        does = "they do" if change.others else "it does"
        return f"{what}\nmeasuring what {does}"
    return (
        f"{what}\n"
        f"latency {ms_text(change.latency_before_ms)} {arrow} "
        f"{ms_text(change.latency_after_ms)} ms, "
        f"inferred {fps_text(change.fps_before)} {arrow} {fps_text(change.fps_after)} fps"
    )
