"""Draws the lanes of the ribbon: pixels for work, hatching for idle gaps, names where they fit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetrics, QImage, QPainter, QPen

from rfviewer.gui.plot_axis import nice_step
from rfviewer.gui.ribbon_raster import gap_rows, lane_pixels, packed
from rfviewer.gui.timeline_data import STAGES, Columns, Hit, SpanStore, is_device
from rfviewer.gui.tokens import GAP_PX, STAGE_COLORS, Tokens, current_tokens

IDLE = "idle"
"""Name of the lane that shows when no device lane worked."""
_NAMED_FROM_PX = 34
_HATCHED_FROM_PX = 5
_SECONDS_FROM_MS = 2000

type Gaps = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RibbonView:
    """What is drawn, and where."""

    store: SpanStore
    start_ns: int
    end_ns: int
    plot: QRectF
    """Without the names at the left and the axis below."""
    ratio: float
    """Device pixels per logical one."""

    @property
    def window_ns(self) -> int:
        """Length of the time shown."""
        return self.end_ns - self.start_ns

    def x(self, time_ns: float) -> float:
        """Return where a moment is."""
        return self.plot.left() + (time_ns - self.start_ns) / self.window_ns * self.plot.width()

    def ns_of(self, width_px: float) -> float:
        """Return how much time a width stands for."""
        return width_px / self.plot.width() * self.window_ns


def lane_pitch(metrics: QFontMetrics) -> float:
    """Return the greatest distance between lanes."""
    return 2.0 * metrics.height()


def lane_rect(plot: QRectF, number: int, count: int, greatest: float) -> QRectF:
    """Return where lane `number` of `count` is drawn."""
    pitch = min(plot.height() / max(1, count), greatest)
    gap = 3 if pitch > 14 else 1
    return QRectF(plot.left(), plot.top() + number * pitch, plot.width(), pitch - gap)


def paint_ribbon(
    painter: QPainter, area: QRect, view: RibbonView, lanes: list[str], hit: Hit | None
) -> None:
    """Draw axis, lanes and the mark of what is under the pointer."""
    tokens = current_tokens()
    painter.fillRect(area, QColor(tokens.panel))
    _paint_axis(painter, area, view, tokens)
    gaps = view.store.idle_gaps(view.start_ns, view.end_ns)
    pitch = lane_pitch(painter.fontMetrics())
    for number, lane in enumerate(lanes):
        rect = lane_rect(view.plot, number, len(lanes), pitch)
        _paint_lane(painter, view, lane, rect, gaps, tokens)
        if hit is not None and hit.lane == lane:
            left = max(rect.left(), view.x(hit.start_ns))
            right = min(rect.right(), view.x(hit.end_ns))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(tokens.text), 1.5))
            width = max(2.0, right - left)
            painter.drawRect(QRectF(left, rect.top() - 1, width, rect.height() + 2))


def _paint_lane(
    painter: QPainter, view: RibbonView, lane: str, rect: QRectF, gaps: Gaps, tokens: Tokens
) -> None:
    painter.setPen(QColor(tokens.muted))
    names = QRectF(0, rect.top(), rect.left() - GAP_PX, rect.height())
    painter.drawText(names, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), lane)
    idle = lane == IDLE
    rows = gap_rows(gaps) if idle else view.store.between(lane, view.start_ns, view.end_ns)
    colors = [tokens.warn] if idle else [STAGE_COLORS[stage] for stage in STAGES]
    palette = packed([_rgb(color) for color in (*colors, tokens.raised)])
    width = max(1, round(rect.width() * view.ratio))
    pixels = lane_pixels(rows, view.start_ns, view.end_ns, width, palette)
    image = QImage(pixels.data, width, 1, width * 4, QImage.Format.Format_RGB32)
    painter.drawImage(rect, image)
    if idle:
        _hatch(painter, view, rect, gaps, tokens.panel)
        return
    if is_device(lane):
        _hatch(painter, view, rect, gaps, tokens.warn)
    _name_spans(painter, view, rect, rows)


def _hatch(painter: QPainter, view: RibbonView, rect: QRectF, gaps: Gaps, color: str) -> None:
    """Hatch the gaps that are wide enough to be seen as such."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(QColor(color), Qt.BrushStyle.BDiagPattern))
    for start, end in gaps[gaps[:, 1] - gaps[:, 0] > view.ns_of(_HATCHED_FROM_PX)].tolist():
        left = view.x(start)
        painter.drawRect(QRectF(left, rect.top(), view.x(end) - left, rect.height()))


def _name_spans(painter: QPainter, view: RibbonView, rect: QRectF, rows: Columns) -> None:
    """Write the stage into the spans with room for it."""
    metrics = painter.fontMetrics()
    if rect.height() < metrics.ascent():
        return
    wide = rows[rows[:, 1] - rows[:, 0] > view.ns_of(_NAMED_FROM_PX)]
    for start, end, stage, _ in wide.tolist():
        left, right = max(rect.left(), view.x(start)), min(rect.right(), view.x(end))
        text = STAGES[stage].value
        if metrics.horizontalAdvance(text) + 8 < right - left:
            light = QColor(STAGE_COLORS[STAGES[stage]]).lightnessF() > 0.42
            painter.setPen(QColor("#10131a" if light else "#ffffff"))
            box = QRectF(left, rect.top(), right - left, rect.height())
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)


def _paint_axis(painter: QPainter, area: QRect, view: RibbonView, tokens: Tokens) -> None:
    plot, metrics = view.plot, painter.fontMetrics()
    window_ms = view.window_ns / 1e6
    unit, unit_ms = ("s", 1000) if window_ms >= _SECONDS_FROM_MS else ("ms", 1)
    step = nice_step(window_ms, max(2, int(plot.width() // (metrics.averageCharWidth() * 14))))
    for number in range(int(window_ms / step * 1.0001) + 1):
        ago = number * step
        x = plot.right() - ago / window_ms * plot.width()
        painter.setPen(QPen(QColor(tokens.grid), 1))
        line = round(x) + 0.5
        painter.drawLine(QPointF(line, plot.top()), QPointF(line, plot.bottom()))
        text = f"\N{MINUS SIGN}{ago / unit_ms:g}" if number else f"0 {unit}"
        width = metrics.horizontalAdvance(text)
        left = min(x - width / 2, area.width() - width - 2)
        painter.setPen(QColor(tokens.muted))
        painter.drawText(QPointF(left, area.height() - metrics.descent() - 1), text)


def _rgb(color: str) -> tuple[int, int, int]:
    made = QColor(color)
    return made.red(), made.green(), made.blue()
