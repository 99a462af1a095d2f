"""What A and B took, stage by stage, with the interval of each difference drawn around zero."""

from typing import override

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from rfviewer.experiment import Effect
from rfviewer.gui.figure_table import FigureModel, FigureTable, PlotDelegate, x_of
from rfviewer.gui.lab_text import (
    MARKS,
    Outcome,
    figure_text,
    interval_text,
    outcome_of,
    signed_text,
    word_of,
)
from rfviewer.gui.plot_axis import difference_axis
from rfviewer.gui.text import tooltip
from rfviewer.gui.tokens import Tokens, current_tokens


def outcome_color(outcome: Outcome, tokens: Tokens) -> QColor:
    """Return the colour of an outcome; its shape says the same."""
    return QColor({"good": tokens.good, "bad": tokens.bad, "none": tokens.muted}[outcome])


class EffectModel(FigureModel):
    """One row for each stage and one for the latency."""

    HEADS = ("ms, depth 1", "A", "B", "B \N{MINUS SIGN} A", "", "ms")
    PLOT = 5
    SPARED = (1, 2)

    def __init__(self) -> None:
        super().__init__()
        self.effects: tuple[Effect, ...] = ()

    def set_effects(self, effects: tuple[Effect, ...]) -> None:
        """Show these; all of them are times in ms."""
        self.beginResetModel()
        self.effects = effects
        ends = [end for e in effects for end in (e.interval.low, e.interval.high)]
        self.axis = difference_axis(ends, [e.difference for e in effects if e.significant])
        self.texts = [self._texts(effect) for effect in effects]
        self.tips = [self._tip(effect) for effect in effects]
        self.endResetModel()

    @staticmethod
    def _texts(effect: Effect) -> tuple[str, ...]:
        outcome = outcome_of(effect)
        return (
            effect.quantity,
            figure_text(effect.a, "ms"),
            figure_text(effect.b, "ms"),
            signed_text(effect.difference, "ms"),
            f"{word_of(effect)} {MARKS[outcome]}",
            interval_text(effect.interval, "ms"),
        )

    @staticmethod
    def _tip(effect: Effect) -> str:
        p95 = ""
        if effect.a_p95 is not None and effect.b_p95 is not None:
            p95 = (
                f"\np95: {figure_text(effect.a_p95, 'ms')} and {figure_text(effect.b_p95, 'ms')} ms"
            )
        return tooltip(
            f"{effect.quantity}: median {figure_text(effect.a, 'ms')} ms with A, "
            f"{figure_text(effect.b, 'ms')} ms with B{p95}\n"
            f"difference {signed_text(effect.difference, 'ms')} ms, "
            f"95 % interval {interval_text(effect.interval, 'ms')} ms"
        )

    @override
    def data(self, index: object, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, column = index.row(), index.column()  # type: ignore[attr-defined]
        if role == Qt.ItemDataRole.ForegroundRole and column in {3, 4}:
            return outcome_color(outcome_of(self.effects[row]), current_tokens())
        return super().data(index, role)  # type: ignore[arg-type]


class _Intervals(PlotDelegate):
    """A dot for the estimate and a line for its interval."""

    @override
    def paint_row(self, painter: QPainter, rect: QRect, model: FigureModel, row: int) -> None:
        assert isinstance(model, EffectModel)
        effect = model.effects[row]
        outcome = outcome_of(effect)
        color = outcome_color(outcome, current_tokens())
        y = rect.center().y() + 0.5
        low, middle, high = (
            x_of(model.axis, rect, value)
            for value in (effect.interval.low, effect.difference, effect.interval.high)
        )
        painter.setPen(QPen(color, 2 if outcome != "none" else 1.4))
        painter.drawLine(QPointF(low, y), QPointF(high, y))
        for end in (low, high):
            painter.drawLine(QPointF(end, y - 3.5), QPointF(end, y + 3.5))
        paint_mark(painter, QPointF(middle, y), outcome, color)


def paint_mark(painter: QPainter, at: QPointF, outcome: Outcome, color: QColor) -> None:
    """Draw the shape of an outcome: a triangle, a diamond, or an open circle."""
    painter.setPen(QPen(color, 1.6))
    painter.setBrush(color)
    x, y = at.x(), at.y()
    if outcome == "good":
        painter.drawPolygon(
            QPolygonF([QPointF(x - 4.5, y - 3.5), QPointF(x + 4.5, y - 3.5), QPointF(x, y + 4.5)])
        )
    elif outcome == "bad":
        corners = ((0, -5), (5, 0), (0, 5), (-5, 0))
        painter.drawPolygon(QPolygonF([QPointF(x + dx, y + dy) for dx, dy in corners]))
    else:
        painter.setBrush(QColor(current_tokens().panel))
        painter.drawEllipse(at, 3.8, 3.8)


def interval_table() -> tuple[FigureTable, EffectModel]:
    """Return the table of an A/B result and its model."""
    model = EffectModel()
    return FigureTable(model, _Intervals(), "Stage times with A and with B"), model
