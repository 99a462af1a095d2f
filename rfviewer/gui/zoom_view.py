"""An image in its aspect, at fit, 1:1 or any zoom: wheel, drag and the keys of who uses it."""

from typing import override

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

_MIN_ZOOM, _MAX_ZOOM = 0.05, 32.0
_WHEEL_STEP = 1.25
_SMOOTH_BELOW = 5.0  # beyond it the user inspects pixels and wants to see them


class ZoomView(QWidget):
    """Holds one image. Zoom is in device pixels per image pixel; None fits the widget.

    Subclasses paint: `paint_image` draws what can be seen of the image.

    Signals:
        zoom_changed: the zoom or the place of the image changed.
        double_clicked: what the user of the widget makes of it.
    """

    zoom_changed = Signal()
    double_clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._image = QImage()
        self._zoom: float | None = None
        self._center = QPointF(0.5, 0.5)
        self._drag_from: QPointF | None = None

    @property
    def image(self) -> QImage:
        """The image; null while there is none."""
        return self._image

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

    def set_image(self, image: QImage) -> None:
        """Show another image; zoom and place stay."""
        resized = image.size() != self._image.size()
        self._image = image
        if resized:
            self._clamp_center()
            self.zoom_changed.emit()
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

    def pan(self, by_x: float, by_y: float) -> None:
        """Move the image by that many pixels of the widget, as far as there is more to see."""
        size = self._scaled_size()
        self._center -= QPointF(by_x / size.width(), by_y / size.height())
        self._clamp_center()
        self.zoom_changed.emit()
        self.update()

    def paint_image(self, painter: QPainter) -> None:
        """Draw the image where it belongs."""
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.zoom < _SMOOTH_BELOW)
        painter.drawImage(self._target(), self._image)

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
        if self._image.isNull():
            return
        size = self._scaled_size()

        def clamp(value: float, shown: int, whole: int) -> float:
            half = shown / 2 / whole
            return 0.5 if half >= 0.5 else min(1 - half, max(half, value))

        self._center = QPointF(
            clamp(self._center.x(), self.width(), size.width()),
            clamp(self._center.y(), self.height(), size.height()),
        )

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
        self.pan(moved.x(), moved.y())

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag_from = None
        self.unsetCursor()

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.double_clicked.emit()
