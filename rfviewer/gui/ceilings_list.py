"""What bounds the running configuration: each ceiling in frames per second, and the verdict."""

from typing import override

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from rfviewer.experiment import CeilingsResult, ReplayPart
from rfviewer.gui.controls import heading, label
from rfviewer.gui.margins import without_margins
from rfviewer.gui.text import fps_text, tooltip
from rfviewer.gui.tokens import GAP_PX, PAD_PX, current_tokens, scaled
from rfviewer.gui.waterfall_table import CEILING_DASHES, ceiling_color
from rfviewer.lab.bound import Found

_SHORT = {
    ReplayPart.COPY_IN.value: "copy in + network",
    ReplayPart.CLONES.value: "copy in + network + clones",
}
"""Names that are too long for the list; the tooltip has them whole."""
_LEAST_BAR_PX = 60
_WORDS, _FIGURES = 4, 6
"""Shares of the width while words stand beside figures."""


class _Share(QWidget):
    """A bar for one rate, and the dash of its reference line in the waterfall."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._share = 0.0
        self._line: int | None = None
        self.running = False

    def show_share(self, share: float, line: int | None) -> None:
        """Draw `share` 0..1 of the width; `line` is the number of the reference line."""
        self._share, self._line = share, line
        self.update()

    @override
    def sizeHint(self) -> QSize:
        return QSize(_LEAST_BAR_PX, 12)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current_tokens()
        painter = QPainter(self)
        y = self.height() / 2
        painter.fillRect(QRectF(22, y - 4, self.width() - 22, 8), QColor(tokens.pressed))
        color = tokens.accent if self.running else tokens.muted
        painter.fillRect(QRectF(22, y - 4, (self.width() - 22) * self._share, 8), QColor(color))
        if self._line is not None:
            pen = QPen(ceiling_color(self._line, tokens), 1.6)
            pen.setDashPattern(CEILING_DASHES[self._line])
            painter.setPen(pen)
            painter.drawLine(QPointF(0, y), QPointF(17, y))
        painter.end()


class CeilingsList(QWidget):
    """Names, rates and bars, fastest first, with the running configuration among them."""

    def __init__(self) -> None:
        super().__init__()
        self._halves = without_margins(
            QBoxLayout(QBoxLayout.Direction.TopToBottom, self), spacing_px=4
        )
        self._words = words = QVBoxLayout()
        words.setSpacing(4)
        self._heading = heading("What bounds it")
        self.bound = label()
        self.bound.setFont(scaled(self.bound.font(), 1.2, bold=True))
        self.verdict = label(muted=True)
        for text in (self.bound, self.verdict):
            text.setWordWrap(True)
        for widget in (self._heading, self.bound, self.verdict):
            words.addWidget(widget)
        words.addStretch(1)
        self._list = QWidget()
        figures = QVBoxLayout(self._list)
        figures.setContentsMargins(0, 0, 0, 0)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(GAP_PX)
        self._grid.setVerticalSpacing(1)
        self._grid.setColumnStretch(2, 1)
        self._grid.setColumnMinimumWidth(2, _LEAST_BAR_PX)
        figures.addLayout(self._grid)
        figures.addStretch(1)
        self._halves.addLayout(words)
        self._halves.addWidget(self._list)
        self.rows: list[tuple[QLabel, QLabel, QWidget]] = []
        self._alone = False
        self._measured = False
        self._live: Found | None = None
        self.show_result(None, {})

    def set_alone(self, *, alone: bool) -> None:
        """Stand alone in a low and wide place, words beside figures; the tab is the heading then.

        Otherwise, and where one of them would be cut, the figures are below the words.
        """
        self._alone = alone
        self._heading.setVisible(not alone)
        self._arrange()

    def least_width(self) -> int:
        """Return the width in px from which nothing is cut while the figures are below."""
        return max(self._words.minimumSize().width(), self._figures_width())

    def _figures_width(self) -> int:
        """Return the width in px that names, rates and bars need."""
        widths = [
            max((row[place].sizeHint().width() for row in self.rows), default=0)
            for place in range(3)
        ]
        return sum(widths) + 2 * GAP_PX

    def _arrange(self) -> None:
        words_px, figures_px = self._words.minimumSize().width(), self._figures_width()
        room_px, whole = self.width() - PAD_PX, _WORDS + _FIGURES
        beside = (
            self._alone
            and room_px * _WORDS >= words_px * whole
            and room_px * _FIGURES >= figures_px * whole
        )
        directions = QBoxLayout.Direction
        self._halves.setDirection(directions.LeftToRight if beside else directions.TopToBottom)
        self._halves.setSpacing(PAD_PX if beside else GAP_PX)
        self._halves.setStretchFactor(self._words, _WORDS if beside else 0)
        self._halves.setStretchFactor(self._list, _FIGURES if beside else 1)
        bars = beside or self.width() >= figures_px  # they show what the rates say
        self._grid.setColumnMinimumWidth(2, _LEAST_BAR_PX if bars else 0)
        for _, _, bar in self.rows:
            bar.setVisible(bars)

    @override
    def minimumSizeHint(self) -> QSize:
        # What is around must not make it wider than its place, which would cut its right side.
        return QSize(0, super().minimumSizeHint().height())

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()
        super().resizeEvent(event)

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange:
            self._arrange()
        super().changeEvent(event)

    def show_live(self, found: Found | None) -> None:
        """Say what binds the video right now, as long as nothing was measured."""
        self._live = found
        if not self._measured:
            self.show_result(None, {})

    def show_result(self, result: CeilingsResult | None, lines: dict[str, int]) -> None:
        """Show the ceilings; `lines` gives the number of the reference line of some of them."""
        for row in self.rows:
            for widget in row:
                widget.deleteLater()
        self.rows = []
        self._measured = result is not None
        self._list.setVisible(result is not None)
        live = self._live
        self.bound.setVisible(result is not None or live is not None)
        if result is None:
            if live is not None:
                self.bound.setText(f"{live.bound[:1].upper()}{live.bound[1:]} right now")
            why = "" if live is None else f"{live.why[:1].upper()}{live.why[1:]}. "
            self.verdict.setText(f"{why}Measure to see how fast each part could go alone.")
            return
        self.bound.setText(result.bound[:1].upper() + result.bound[1:])
        why = result.verdict.removeprefix(f"{result.bound}: ")
        self.verdict.setText(why[:1].upper() + why[1:])
        entries = [(item.name, item.fps, item.reason) for item in result.ceilings]
        entries.append(("running now", result.running_fps, ""))
        entries.sort(key=lambda entry: -(entry[1] or 0.0))
        top = max((fps for _, fps, _ in entries if fps), default=1.0)
        small = scaled(self.font(), 0.92)
        for index, (name, fps, reason) in enumerate(entries):
            caption, figure, bar = label(_SHORT.get(name, name)), label(figures=True), _Share()
            caption.setAccessibleName(name)
            running = name == "running now"
            for widget in (caption, figure):
                widget.setFont(scaled(small, 1.0, bold=running))
            figure.setText(f"{fps_text(fps)} fps" if fps else "not measured")
            figure.setAccessibleName(f"{name} {figure.text()}")
            for widget in (caption, figure, bar):
                widget.setToolTip(tooltip(f"{name}: {figure.text()} {reason}".strip()))
            bar.running = running
            bar.show_share((fps or 0.0) / top, lines.get(name))
            figure.setAlignment(Qt.AlignmentFlag.AlignRight)
            for place, widget in enumerate((caption, figure, bar)):
                self._grid.addWidget(widget, index, place)
            self.rows.append((caption, figure, bar))
        self._arrange()
