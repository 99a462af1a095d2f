"""The three plots as thin wrappers around pyqtgraph.

Pens are 1 px and nothing is antialiased: a wide smoothed pen costs a hundred times as much to draw.
"""

import math
from typing import Any, override

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontMetricsF
from PySide6.QtWidgets import QSizePolicy, QWidget

from rfviewer.gui.history import STAGES, WINDOW_S, F64Array
from rfviewer.gui.play_clock import PlayClock
from rfviewer.gui.text import clock_text
from rfviewer.gui.tokens import STAGE_COLORS, Tokens, current_tokens, scaled

LOWEST_TOP_FPS = 0.9
"""The fps plot shows at least 0 to 1: noise near zero is not worth a scale of its own."""
_SHRINKS_TO = 0.5
"""A range is given up when half of it would do: a curve that uses less is hard to read, and a
range that follows every change would jump."""
END_ROOM_PX = 24
"""Right of the plots, for half of the word below their end."""
FPS_STYLES = (Qt.PenStyle.DashLine, Qt.PenStyle.SolidLine, Qt.PenStyle.SolidLine)


def fps_colors(tokens: Tokens) -> tuple[str, str, str]:
    """Return the colours of source, inferred and displayed."""
    return (tokens.muted, tokens.accent, "#e69f00" if tokens.dark else "#b06f00")


class PauseMark:
    """A band where a pause takes less room than its length, which is written into it."""

    def __init__(self, item: Any, tokens: Tokens) -> None:  # noqa: ANN401 - pyqtgraph has no types
        self._band: Any = pg.LinearRegionItem((0, 0), movable=False)
        self._text: Any = pg.TextItem(anchor=(0.5, 0.5), angle=90)
        self._length = ""
        for part in (self._band, self._text):
            item.addItem(part, ignoreBounds=True)
        self._text.setFont(scaled(item.getViewWidget().font(), 0.75))
        self.set_tokens(tokens)

    def set_tokens(self, tokens: Tokens) -> None:
        """Take over the colours of a theme."""
        self._band.setBrush(pg.mkBrush(tokens.raised))
        for line in self._band.lines:
            line.setPen(pg.mkPen(tokens.grid, width=1))
        self._text.setColor(tokens.muted)

    def show(self, gap: tuple[float, float, float] | None, top: float) -> None:
        """Show (age of start, age of end, length in s), half up to `top`; None hides it."""
        for part in (self._band, self._text):
            part.setVisible(gap is not None)
        if gap is None:
            return
        start, end, length_s = gap
        self._band.setRegion((start, end))
        self._text.setPos((start + end) / 2, top / 2)
        length = f"{length_s:.0f} s" if length_s < 60 else clock_text(length_s)
        if length != self._length:
            self._length = length
            self._text.setText(f"paused {length}")


class Plot:
    """Time runs from half a minute of playback ago to now; the vertical range grows in steps.

    Owns a pyqtgraph PlotWidget in `widget`. GUI thread only.
    """

    def __init__(self, name: str, *, unit: str, fixed_top: float | None = None) -> None:
        self.widget: Any = pg.PlotWidget(enableMenu=False)
        self.widget.setAccessibleName(name)
        self.widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.widget.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.widget.setMinimumSize(100, 70)
        # Its own wish of 640 x 480 would make a page that can be scrolled that high.
        self.widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.item: Any = self.widget.getPlotItem()
        self.item.hideButtons()
        self.item.setMouseEnabled(x=False, y=False)
        self.item.setContentsMargins(0, 6, END_ROOM_PX, 0)
        # The grid hangs on the right axis: an axis with a grid drops the labels at its ends.
        self.item.showAxis("right")
        right = self.item.getAxis("right")
        right.setStyle(showValues=False, tickLength=0)
        right.setGrid(255)
        right.setWidth(1)
        self.item.disableAutoRange()
        self.item.setXRange(-WINDOW_S, 0, padding=0)
        self._unit = unit
        self._fixed_top = fixed_top
        self._top = 0.0
        self._end_word, self._compact = "now", False
        self._tokens = current_tokens()
        self._gaps: list[PauseMark] = []
        self.set_top(fixed_top or 1.0)
        self.item.getAxis("bottom").setStyle(tickTextOffset=5)
        self.set_compact(compact=False)
        self.fit_text()

    @property
    def view(self) -> QWidget:
        """The widget to put into a layout."""
        widget: QWidget = self.widget
        return widget

    def fit_text(self) -> None:
        """Write the axes in the size of the text, and leave them the room for it."""
        font = scaled(self.view.font(), 0.82)
        metrics = QFontMetricsF(font)
        bottom, left = self.item.getAxis("bottom"), self.item.getAxis("left")
        for axis in (bottom, left):
            axis.setStyle(tickFont=font)
        bottom.setHeight(metrics.height() + 6)
        left.setWidth(max(38.0, metrics.horizontalAdvance("100 %") + 8))

    def set_compact(self, *, compact: bool) -> None:
        """Label only the ends of the time axis when there is little room."""
        self._compact = compact
        between = [] if compact else [(-20, "-20"), (-10, "-10")]
        self.item.getAxis("bottom").setTicks([[(-30, "-30 s"), *between, (0, self._end_word)]])

    def set_top(self, highest: float) -> None:
        """Fit the range to the highest value, in round steps so that it seldom changes."""
        top = self._fixed_top or nice_above(highest * 1.08)
        if top > self._top or top <= self._top * _SHRINKS_TO:
            self._top = top
            self.item.setYRange(0, top, padding=0)
            half = top / 2
            ticks = [(0, "0"), (half, f"{half:g}"), (top, f"{top:g}{self._unit}")]
            for name in ("left", "right"):
                self.item.getAxis(name).setTicks([ticks])

    def set_time(self, clock: PlayClock) -> None:
        """Say what the right end is, and mark pauses that the axis shortens."""
        if clock.end_word != self._end_word:
            self._end_word = clock.end_word
            self.set_compact(compact=self._compact)
        gaps = clock.gaps(WINDOW_S)
        while len(self._gaps) < len(gaps):
            self._gaps.append(PauseMark(self.item, self._tokens))
        for index, mark in enumerate(self._gaps):
            mark.show(gaps[index] if index < len(gaps) else None, self._top)

    def set_tokens(self, tokens: Tokens) -> None:
        """Take over the colours of a theme."""
        self._tokens = tokens
        for mark in self._gaps:
            mark.set_tokens(tokens)
        self.widget.setBackground(tokens.panel)
        for name in ("left", "bottom", "right"):
            axis = self.item.getAxis(name)
            axis.setPen(pg.mkPen(tokens.grid, width=1))
            axis.setTextPen(pg.mkPen(tokens.muted))
            if name != "right":
                axis.setStyle(tickLength=0, hideOverlappingLabels=END_ROOM_PX)


class FpsPlot(Plot):
    """Source, inferred and displayed frames per second."""

    def __init__(self) -> None:
        super().__init__("Frames per second", unit="")
        self._curves = [self.item.plot([], [], connect="finite") for _ in FPS_STYLES]

    @override
    def set_tokens(self, tokens: Tokens) -> None:
        """Take over the colours of a theme."""
        super().set_tokens(tokens)
        for curve, color, style in zip(self._curves, fps_colors(tokens), FPS_STYLES, strict=True):
            curve.setPen(pg.mkPen(color, width=1, style=style))

    def update(self, ages: F64Array, fps: F64Array) -> None:
        """Draw `fps` (n, 3) over `ages` (n,)."""
        for column, curve in enumerate(self._curves):
            curve.setData(ages, fps[:, column])
        self.set_top(_usual_top(fps))


class StagePlot(Plot):
    """Milliseconds per frame, stage upon stage, with a line where the optimisations changed."""

    def __init__(self) -> None:
        super().__init__("Stage times", unit="")
        # The topmost sum is drawn first, so that each lower area covers its part of it.
        self._areas = [
            self.item.plot([], [], fillLevel=0.0, connect="finite") for _ in reversed(STAGES)
        ][::-1]
        self._marks: list[Any] = []
        self._mark_color = "#888888"

    @override
    def set_tokens(self, tokens: Tokens) -> None:
        """Take over the colours of a theme."""
        super().set_tokens(tokens)
        for stage, area in zip(STAGES, self._areas, strict=True):
            color = QColor(STAGE_COLORS[stage])
            area.setPen(pg.mkPen(color, width=1))
            area.setBrush(pg.mkBrush(color))
        self._mark_color = tokens.text
        for mark in self._marks:
            mark.setPen(pg.mkPen(tokens.text, width=1, style=Qt.PenStyle.DotLine))

    def update(self, ages: F64Array, stages_ms: F64Array, changes: list[float]) -> None:
        """Draw `stages_ms` (n, stages) over `ages` (n,); nan counts as nothing in the sum."""
        sums = np.cumsum(np.nan_to_num(stages_ms), axis=1)
        sums[np.isnan(stages_ms).all(axis=1)] = np.nan  # a pause
        for column, area in enumerate(self._areas):
            measured = bool(np.isfinite(stages_ms[:, column]).any()) if len(ages) else False
            area.setVisible(measured)
            if measured:
                area.setData(ages, sums[:, column])
        # One slow frame must not flatten all others: the range follows the 98th percentile.
        totals = sums[np.isfinite(sums[:, -1]), -1] if len(ages) else np.zeros(0)
        self.set_top(float(np.quantile(totals, 0.98)) if len(totals) else 1.0)
        while len(self._marks) < len(changes):
            pen = pg.mkPen(self._mark_color, width=1, style=Qt.PenStyle.DotLine)
            mark = pg.InfiniteLine(angle=90, movable=False, pen=pen)
            self.item.addItem(mark)
            self._marks.append(mark)
        for index, mark in enumerate(self._marks):
            mark.setVisible(index < len(changes))
            if index < len(changes):
                mark.setValue(changes[index])


class IdlePlot(Plot):
    """GPU idle in percent."""

    def __init__(self) -> None:
        super().__init__("GPU idle", unit=" %", fixed_top=100.0)
        self._curve = self.item.plot([], [], fillLevel=0.0, connect="finite")

    @override
    def set_tokens(self, tokens: Tokens) -> None:
        """Take over the colours of a theme."""
        super().set_tokens(tokens)
        color = QColor(tokens.accent)
        self._curve.setPen(pg.mkPen(color, width=1))
        color.setAlpha(60)
        self._curve.setBrush(pg.mkBrush(color))

    def update(self, ages: F64Array, percent: F64Array) -> None:
        """Draw `percent` (n,) over `ages` (n,)."""
        self._curve.setData(ages, percent)


def nice_above(value: float) -> float:
    """Return the smallest 1 to 6 or 8 times a power of ten that is not below `value`."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    for factor in (1, 2, 3, 4, 5, 6, 8, 10):
        if factor * power >= value * (1 - 1e-9):
            return factor * power
    return 10 * power


def _usual_top(values: F64Array) -> float:
    """Return what almost all of `values` and the newest of them stay below.

    The first frames after opening fill the queues much faster than the source plays; scaling to
    them would flatten everything after.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return LOWEST_TOP_FPS
    newest = values[-1][np.isfinite(values[-1])]
    top = max(float(np.quantile(finite, 0.97)), float(newest.max()) if newest.size else 0.0)
    return max(top, LOWEST_TOP_FPS)
