"""The video: the newest drawn frame, in its aspect, at fit, 1:1 or any zoom."""

import time
from collections.abc import Callable, Sequence
from typing import override

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from rfviewer.gui.tokens import GAP_PX, current_tokens
from rfviewer.snapshot import PresentedFrame
from rfviewer.timing import RateMeter

_MIN_ZOOM, _MAX_ZOOM = 0.05, 32.0
_WHEEL_STEP = 1.25
_SMOOTH_BELOW = 5.0  # beyond it the user inspects pixels and wants to see them


class VideoView(QWidget):
    """Paints one image. Zoom is in device pixels per image pixel; None fits the widget.

    Signals:
        zoom_changed: the zoom or the place of the image changed.
        double_clicked: the fullscreen gesture.
    """

    zoom_changed = Signal()
    double_clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Video")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 90)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.painted = RateMeter()
        """Rate of new images that really reached the screen."""
        self._frame: PresentedFrame | None = None
        self._image = QImage()
        self._fresh = False
        self._zoom: float | None = None
        self._center = QPointF(0.5, 0.5)
        self._drag_from: QPointF | None = None
        self._greyed = False
        self._stats: tuple[tuple[str, str], ...] = ()
        self.on_painted: Callable[[PresentedFrame, int], object] | None = None
        """Told each new frame that reached the screen, with `time.monotonic_ns()`."""

    @property
    def frame(self) -> PresentedFrame | None:
        """The frame on display."""
        return self._frame

    @property
    def fits(self) -> bool:
        """Whether the image is scaled to the widget."""
        return self._zoom is None

    @property
    def zoom(self) -> float:
        """Device pixels per image pixel in effect; 1.0 without an image."""
        if self._zoom is not None:
            return self._zoom
        if self._image.isNull():
            return 1.0
        ratio = self.devicePixelRatioF()
        return min(
            self.width() * ratio / self._image.width(), self.height() * ratio / self._image.height()
        )

    def set_frame(self, frame: PresentedFrame) -> None:
        """Show `frame`; its array is kept until the next one replaces it."""
        height, width = frame.image.shape[:2]
        resized = (width, height) != (self._image.width(), self._image.height())
        # RGB32 in memory is BGRX on little-endian machines, so nothing is converted or copied.
        self._image = QImage(
            frame.image.data, width, height, frame.image.strides[0], QImage.Format.Format_RGB32
        )
        self._frame = frame
        self._fresh = True
        self._greyed = False
        if resized:
            self.zoom_changed.emit()
        self.update()

    def clear(self) -> None:
        """Show no image, as while another source opens."""
        self._image = QImage()
        self._frame = None
        self.painted.reset()
        self.zoom_changed.emit()
        self.update()

    def set_greyed(self, *, greyed: bool) -> None:
        """Fade the last image, as when its source is lost."""
        if greyed != self._greyed:
            self._greyed = greyed
            self.update()

    def set_stats(self, lines: Sequence[tuple[str, str]]) -> None:
        """Show name and value pairs in the corner; nothing for an empty sequence."""
        if tuple(lines) != self._stats:
            self._stats = tuple(lines)
            self.update()

    def set_zoom(self, zoom: float | None, anchor: QPointF | None = None) -> None:
        """Set the zoom, keeping the image point under `anchor` (widget coordinates) in place."""
        if zoom is None:
            self._zoom = None
            self._center = QPointF(0.5, 0.5)
        else:
            zoom = min(_MAX_ZOOM, max(_MIN_ZOOM, zoom))
            before = self._target()
            point = anchor if anchor is not None else QPointF(self.rect().center())
            if before.width() > 0 and before.height() > 0:
                u = (point.x() - before.left()) / before.width()
                v = (point.y() - before.top()) / before.height()
                self._zoom = zoom
                size = self._scaled_size()
                middle = QPointF(self.width() / 2, self.height() / 2)
                self._center = QPointF(
                    u - (point.x() - middle.x()) / size.width(),
                    v - (point.y() - middle.y()) / size.height(),
                )
            self._zoom = zoom
            self._clamp_center()
        self.zoom_changed.emit()
        self.update()

    def zoom_by(self, factor: float, anchor: QPointF | None = None) -> None:
        """Multiply the zoom in effect."""
        self.set_zoom(self.zoom * factor, anchor)

    def image_rect(self) -> QRectF:
        """Return where the image is in widget coordinates; not valid without an image."""
        return QRectF() if self._image.isNull() else self._target()

    def displayed_fps(self) -> float | None:
        """Return new images painted per second; None until that is known."""
        return self.painted.rate(time.monotonic_ns())

    def _scaled_size(self) -> QSize:
        scale = self.zoom / self.devicePixelRatioF()
        return QSize(
            max(1, round(self._image.width() * scale)), max(1, round(self._image.height() * scale))
        )

    def _target(self) -> QRectF:
        size = self._scaled_size()
        left = self.width() / 2 - self._center.x() * size.width()
        top = self.height() / 2 - self._center.y() * size.height()
        return QRectF(round(left), round(top), size.width(), size.height())

    def _clamp_center(self) -> None:
        size = self._scaled_size()

        def clamp(value: float, shown: int, whole: int) -> float:
            half = shown / 2 / whole
            return 0.5 if half >= 0.5 else min(1 - half, max(half, value))

        self._center = QPointF(
            clamp(self._center.x(), self.width(), size.width()),
            clamp(self._center.y(), self.height(), size.height()),
        )

    def _paint_stats(self, painter: QPainter) -> None:
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPointSizeF(max(7.0, self.font().pointSizeF() * 0.92))
        font.setStyleHint(QFont.StyleHint.Monospace)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        names = max(metrics.horizontalAdvance(name) for name, _ in self._stats)
        values = max(metrics.horizontalAdvance(value) for _, value in self._stats)
        box = QRectF(
            GAP_PX,
            GAP_PX,
            names + values + 5 * GAP_PX,
            metrics.height() * len(self._stats) + 2 * GAP_PX,
        )
        painter.fillRect(box, QColor(10, 12, 16, 205))
        top = box.top() + GAP_PX + metrics.ascent()
        for index, (name, value) in enumerate(self._stats):
            y = top + index * metrics.height()
            painter.setPen(QColor("#a9b2c0"))
            painter.drawText(QPointF(box.left() + GAP_PX, y), name)
            painter.setPen(QColor("#f2f4f7"))
            painter.drawText(QPointF(box.left() + names + 3 * GAP_PX, y), value)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(current_tokens().canvas))
        if not self._image.isNull():
            painter.setRenderHint(
                QPainter.RenderHint.SmoothPixmapTransform, self.zoom < _SMOOTH_BELOW
            )
            if self._greyed:
                painter.setOpacity(0.35)
            painter.drawImage(self._target(), self._image)
            painter.setOpacity(1.0)
            if self._fresh:
                self._fresh = False
                now_ns = time.monotonic_ns()
                self.painted.tick(now_ns)
                if self.on_painted is not None and self._frame is not None:
                    self.on_painted(self._frame, now_ns)
        if self._stats:
            self._paint_stats(painter)
        painter.end()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._clamp_center()
        self.zoom_changed.emit()
        super().resizeEvent(event)

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / 120.0
        if steps and not self._image.isNull():
            self.zoom_by(_WHEEL_STEP**steps, event.position())
        event.accept()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._zoom is not None:
            self._drag_from = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag_from is None:
            return
        moved = event.position() - self._drag_from
        self._drag_from = event.position()
        size = self._scaled_size()
        self._center -= QPointF(moved.x() / size.width(), moved.y() / size.height())
        self._clamp_center()
        self.zoom_changed.emit()
        self.update()

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag_from = None
        self.unsetCursor()

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.double_clicked.emit()
