"""The seek bar: where the frame on display is, and a place to click or drag."""

from typing import override

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QToolTip, QWidget

from rfviewer.gui.text import time_text, tooltip
from rfviewer.gui.tokens import current_tokens

_STEPS = 100_000


class SeekBar(QAbstractSlider):
    """Position 0..1 of a source of known length, with the time under the pointer.

    Signals:
        seek_requested: seconds, while dragging and on a click.
    """

    seek_requested = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setRange(0, _STEPS)
        self.setAccessibleName("Position")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._duration_s: float | None = None
        self._hover: float | None = None
        self._dragging = False
        self.actionTriggered.connect(self._on_action)

    def set_position(self, pts_s: float | None, duration_s: float | None) -> None:
        """Show where the source is; an unknown length disables the bar."""
        self._duration_s = duration_s
        self.setEnabled(bool(duration_s))
        if not self._dragging:
            share = pts_s / duration_s if pts_s is not None and duration_s else 0.0
            self.setValue(round(min(1.0, max(0.0, share)) * _STEPS))
        if duration_s:
            self.setSingleStep(max(1, round(5.0 / duration_s * _STEPS)))
            self.setPageStep(max(1, round(60.0 / duration_s * _STEPS)))

    def _share_at(self, x: float) -> float:
        return min(1.0, max(0.0, (x - 6) / max(1, self.width() - 12)))

    def _seek_to(self, x: float) -> None:
        if self._duration_s:
            share = self._share_at(x)
            self.setValue(round(share * _STEPS))
            self.seek_requested.emit(share * self._duration_s)

    def _on_action(self, _action: int) -> None:
        if self._duration_s:
            self.seek_requested.emit(self.sliderPosition() / _STEPS * self._duration_s)

    @override
    def sizeHint(self) -> QSize:
        return QSize(200, 20)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current_tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle = self.height() / 2
        thick = 6.0 if self._hover is not None or self._dragging else 4.0
        track = QRectF(6, middle - thick / 2, self.width() - 12, thick)
        painter.setBrush(QColor(tokens.pressed))
        painter.drawRoundedRect(track, thick / 2, thick / 2)
        if self.isEnabled():
            done = QRectF(track)
            done.setWidth(track.width() * self.value() / _STEPS)
            painter.setBrush(QColor(tokens.accent))
            painter.drawRoundedRect(done, thick / 2, thick / 2)
            if self._hover is not None:
                x = track.left() + track.width() * self._hover
                painter.setBrush(QColor(tokens.muted))
                painter.drawRect(QRectF(x - 0.5, middle - 6, 1, 12))
            knob = QPointF(done.right(), middle)
            painter.setBrush(QColor("#ffffff" if tokens.dark else tokens.accent))
            painter.drawEllipse(knob, 6, 6)
            if self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(tokens.accent), 1.5))
                painter.drawEllipse(knob, 8, 8)
        painter.end()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragging = True
            self._seek_to(event.position().x())

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover = self._share_at(event.position().x())
        if self._dragging:
            self._seek_to(event.position().x())
        if self._duration_s:
            text = time_text(self._hover * self._duration_s)
            QToolTip.showText(event.globalPosition().toPoint(), tooltip(text), self)
        self.update()

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragging = False
        self.update()

    @override
    def leaveEvent(self, event: QEvent) -> None:
        self._hover = None
        self.update()
