"""The waterfall: from the baseline's frame time down to the optimised one, one bar per toggle."""

from dataclasses import dataclass
from typing import override

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF

from rfviewer.experiment import Ceiling, Interval, WaterfallResult
from rfviewer.gui.figure_table import FigureModel, FigureTable, PlotDelegate, x_of
from rfviewer.gui.interval_table import outcome_color
from rfviewer.gui.lab_text import (
    Outcome,
    figure_text,
    interval_text,
    outcome_of,
    saving_text,
    signed_text,
)
from rfviewer.gui.plot_axis import bar_axis
from rfviewer.gui.text import tooltip
from rfviewer.gui.tokens import Tokens, current_tokens
from rfviewer.optimizations import toggle_of


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar in ms of frame time."""

    start: float
    end: float
    kind: str
    """"total", "step" or "interaction"."""
    outcome: Outcome = "none"
    whisker: Interval | None = None
    """Interval of `end`."""


def ceiling_color(number: int, tokens: Tokens) -> QColor:
    """Return the colour of the `number`-th reference line."""
    dark = ("#e69f00", "#cc79a7", "#56b4e9", "#d9c820")
    light = ("#a86500", "#a0447a", "#1f78b4", "#7d7200")
    return QColor((dark if tokens.dark else light)[number % 4])


CEILING_DASHES: tuple[list[float], ...] = ([4, 3], [1, 2], [7, 3, 1, 3], [2, 5])
"""Dash patterns of the reference lines, which tell them apart without colour."""


class WaterfallModel(FigureModel):
    """Baseline, every toggle in turn, the whole, and what interaction remains."""

    HEADS = ("", "in this order", "alone", "if removed", "ms per frame")
    PLOT = 4
    SPARED = (3, 2)

    def __init__(self) -> None:
        super().__init__()
        self.bars: list[Bar] = []
        self.lines: list[tuple[float, str]] = []
        """Frame time of each ceiling on the axis, with its name."""
        self._result: WaterfallResult | None = None
        self._ceilings: tuple[Ceiling, ...] = ()

    def show(self, result: WaterfallResult | None, ceilings: tuple[Ceiling, ...]) -> None:
        """Show a waterfall, with these ceilings as vertical lines."""
        self._result, self._ceilings = result, ceilings
        self._fill()

    def _fill(self) -> None:
        self.beginResetModel()
        self.bars, self.texts, self.tips, self.lines = [], [], [], []
        if self._result is not None:
            self._fill_rows(self._result)
            ends = [end for bar in self.bars for end in (bar.start, bar.end) if bar.kind != "total"]
            ends += [bar.end for bar in self.bars if bar.kind == "total"]
            times = [
                (1000.0 / item.fps, item.name)
                for item in self._ceilings
                if item.fps and 1000.0 / item.fps < 1.3 * max(ends)
            ]
            self.axis = bar_axis(ends)
            self.lines = [line for line in times if line[0] >= self.axis.low][: len(CEILING_DASHES)]
        self.endResetModel()

    def _fill_rows(self, result: WaterfallResult) -> None:
        whole = result.whole
        self._add("Baseline", (f"{figure_text(whole.a, 'ms')} ms", "", "", ""),
                  "Everything off", Bar(0.0, whole.a, "total"))  # fmt: skip
        level = whole.a
        for step in result.steps:
            own = step.cumulative
            end = level + own.difference
            whisker = Interval(level + own.interval.low, level + own.interval.high)
            texts = (
                saving_text(own.difference, significant=own.significant),
                signed_text(step.alone.difference, "ms"),
                signed_text(step.removed.difference, "ms"),
                f"{figure_text(level, 'ms')} to {figure_text(end, 'ms')}",
            )
            tip = (
                f"{toggle_of(step.name).label}\n"
                f"after those above: {signed_text(own.difference, 'ms')} ms "
                f"({interval_text(own.interval, 'ms')})\n"
                f"alone, on the baseline: {signed_text(step.alone.difference, 'ms')} ms "
                f"({interval_text(step.alone.interval, 'ms')})\n"
                f"removed from all on: {signed_text(step.removed.difference, 'ms')} ms "
                f"({interval_text(step.removed.interval, 'ms')})"
            )
            bar = Bar(level, end, "step", outcome_of(own), whisker)
            self._add(toggle_of(step.name).label, texts, tip, bar)
            level = end
        whisker = Interval(whole.a + whole.interval.low, whole.a + whole.interval.high)
        tip = f"{signed_text(whole.difference, 'ms')} ms ({interval_text(whole.interval, 'ms')})"
        self._add("All of them", (f"{figure_text(whole.b, 'ms')} ms", "", "", ""), tip,
                  Bar(0.0, whole.b, "total", whisker=whisker))  # fmt: skip
        remains = result.interaction_interval
        tip = (
            "What all of them do together beyond the sum of what each does alone: "
            f"{signed_text(result.interaction, 'ms')} ms ({interval_text(remains, 'ms')})"
        )
        outcome: Outcome = "none"
        if remains.excludes_zero:
            outcome = "good" if result.interaction < 0 else "bad"
        start = whole.b - result.interaction
        whisker = Interval(start + remains.low, start + remains.high)
        texts = (f"{signed_text(result.interaction, 'ms')} ms", "", "", "")
        self._add("Interaction", texts, tip, Bar(start, whole.b, "interaction", outcome, whisker))

    def _add(self, name: str, texts: tuple[str, ...], tip: str, bar: Bar) -> None:
        self.texts.append((name, *texts))
        self.tips.append(tooltip(tip))
        self.bars.append(bar)

    @override
    def data(self, index: object, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, column = index.row(), index.column()  # type: ignore[attr-defined]
        if role == Qt.ItemDataRole.ForegroundRole:
            bar, tokens = self.bars[row], current_tokens()
            if column == 1 and bar.kind != "total":
                return outcome_color(bar.outcome, tokens)
            if column in {2, 3}:
                return QColor(tokens.muted)
        return super().data(index, role)  # type: ignore[arg-type]


class _Bars(PlotDelegate):
    """Bars with whiskers; a thin line leads from each end to the next bar's start."""

    @override
    def paint_row(self, painter: QPainter, rect: QRect, model: FigureModel, row: int) -> None:
        assert isinstance(model, WaterfallModel)
        tokens = current_tokens()
        bar = model.bars[row]
        self._paint_lines(painter, rect, model, tokens)
        first, last = (x_of(model.axis, rect, value) for value in (bar.start, bar.end))
        half = min(8.0, rect.height() / 2 - 3)
        box = QRectF(min(first, last), rect.center().y() - half, abs(last - first), 2 * half)
        if bar.kind == "total":
            color = QColor(tokens.accent)
            box.setLeft(x_of(model.axis, rect, model.axis.low))
            painter.fillRect(box, color)
            if model.axis.broken:
                self._paint_break(painter, box, tokens)
        else:
            box.setWidth(max(2.0, box.width()))
            color = outcome_color(bar.outcome, tokens)
            fill = QBrush(color)
            if bar.kind == "interaction" or bar.outcome == "none":
                fill.setStyle(Qt.BrushStyle.BDiagPattern)
                painter.setPen(QPen(color, 1))
            else:
                painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(fill)
            painter.drawRect(box)
        if row + 1 < len(model.bars) and bar.kind != "interaction":
            painter.setPen(QPen(QColor(tokens.muted), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(last, box.bottom()), QPointF(last, rect.bottom() + 1))
        if bar.whisker is not None:
            self._paint_whisker(painter, rect, model, bar.whisker, tokens)

    @staticmethod
    def _paint_whisker(
        painter: QPainter, rect: QRect, model: FigureModel, whisker: Interval, tokens: Tokens
    ) -> None:
        y = rect.center().y() + 0.5
        low, high = (x_of(model.axis, rect, value) for value in (whisker.low, whisker.high))
        for color, width in ((tokens.panel, 3.4), (tokens.text, 1.4)):  # legible on any bar
            painter.setPen(QPen(QColor(color), width))
            painter.drawLine(QPointF(low, y), QPointF(high, y))
            for end in (low, high):
                painter.drawLine(QPointF(end, y - 3), QPointF(end, y + 3))

    @staticmethod
    def _paint_lines(painter: QPainter, rect: QRect, model: WaterfallModel, tokens: Tokens) -> None:
        for number, (ms, _) in enumerate(model.lines):
            pen = QPen(ceiling_color(number, tokens), 1.4)
            pen.setDashPattern(CEILING_DASHES[number])
            painter.setPen(pen)
            x = x_of(model.axis, rect, ms)
            painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom() + 1))

    @staticmethod
    def _paint_break(painter: QPainter, box: QRectF, tokens: Tokens) -> None:
        """Cut a zigzag out of a bar whose start is not on the axis."""
        x, top, bottom = box.left() + 8, box.top() - 1, box.bottom() + 1
        step = (bottom - top) / 4
        left = [QPointF(x + (3 if k % 2 else 0), top + k * step) for k in range(5)]
        right = [QPointF(point.x() + 4, point.y()) for point in reversed(left)]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.panel))
        painter.drawPolygon(QPolygonF([*left, *right]))


def waterfall_table() -> tuple[FigureTable, WaterfallModel]:
    """Return the table of a waterfall and its model."""
    model = WaterfallModel()
    return FigureTable(model, _Bars(), "Waterfall of savings"), model
