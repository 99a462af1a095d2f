"""The legend of a plot: its curves in small, each with a name and the newest figure."""

from typing import override

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from rfviewer.gui.controls import label
from rfviewer.gui.margins import without_margins
from rfviewer.gui.tokens import scaled


class LegendMark(QWidget):
    """A short piece of a curve, dashed where the curve is."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(14, 3)
        self.color = QColor()
        self.dashed = False

    def set_pen(self, color: str, style: Qt.PenStyle) -> None:
        """Look as a curve drawn with that pen."""
        self.color, self.dashed = QColor(color), style is Qt.PenStyle.DashLine
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        for left, width in ((0, 6), (8, 6)) if self.dashed else ((0, 14),):
            painter.fillRect(left, 0, width, self.height(), self.color)
        painter.end()


class Legend(QWidget):
    """Marks as their curves are, with a name and the newest figure."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        row = without_margins(QHBoxLayout(self), spacing_px=4)
        self.marks: list[LegendMark] = []
        self.figures: list[QLabel] = []
        for name in names:
            mark = LegendMark()
            caption = label(name, muted=True)
            caption.setFont(scaled(caption.font(), 0.88))
            figure = label("\N{EN DASH}", figures=True)
            figure.setFont(scaled(figure.font(), 0.88, bold=True))
            figure.setAccessibleName(f"{name} figure")
            for widget in (mark, caption, figure):
                row.addWidget(widget)
            row.addSpacing(2)
            self.marks.append(mark)
            self.figures.append(figure)

    def set_pens(self, colors: tuple[str, ...], styles: tuple[Qt.PenStyle, ...]) -> None:
        """Show the marks as the curves are drawn."""
        for mark, color, style in zip(self.marks, colors, styles, strict=True):
            mark.set_pen(color, style)
