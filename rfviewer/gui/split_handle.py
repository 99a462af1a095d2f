"""The split line over the video: left of it the reference is drawn, right of it what is set."""

from typing import override

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QWidget

WIDTH_PX = 28
SNAPS = (0.0, 0.25, 0.5, 0.75, 1.0)
_SNAP_PX = 7
_SEND_MS = 30
_STEP, _BIG_STEP = 0.01, 0.1
_OWN_KEYS = {Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End}


class SplitHandle(QWidget):
    """A line with a grip. Arrows move it by 1 %, with Shift by 10 %; a double click centres it.

    Signals:
        moved: the share 0..1 of the image's width, at most 30 times a second.
    """

    moved = Signal(float)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._view = parent
        self.setAccessibleName("Split line")
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setVisible(False)
        self._share = 0.5
        self._image = QRectF()
        self._grabbed_at: float | None = None
        self._timer = QTimer(self, interval=_SEND_MS, singleShot=True)
        self._timer.timeout.connect(lambda: self.moved.emit(self._share))
        self._describe()

    @property
    def share(self) -> float:
        """Where it stands, 0..1 of the image's width."""
        return self._share

    @property
    def dragged(self) -> bool:
        """Whether the user holds it, or its last place is still to be told."""
        return self._grabbed_at is not None or self._timer.isActive()

    def owns_key(self, key: Qt.Key) -> bool:
        """Whether a plain key acts here and not on the video."""
        return key in _OWN_KEYS

    def place(self, image: QRectF, share: float | None = None) -> None:
        """Stand over `image` (coordinates of the parent) at `share`."""
        self._image = image
        if share is not None and share != self._share:
            self._share = share
            self._describe()
        x = image.left() + self._share * image.width()
        visible = image.toRect().intersected(self._view.rect())
        self.setGeometry(
            QRect(round(x) - WIDTH_PX // 2, visible.top(), WIDTH_PX, max(1, visible.height()))
        )

    def move_to(self, share: float) -> None:
        """Go to `share` and tell it."""
        share = min(1.0, max(0.0, share))
        self.place(self._image, share)
        if not self._timer.isActive():
            self._timer.start()

    def _describe(self) -> None:
        self.setAccessibleDescription(f"{self._share * 100:.0f} % of the width shows the reference")

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._grabbed_at = event.position().x() - WIDTH_PX / 2
            self.update()

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grabbed_at is None or self._image.width() <= 0:
            return
        x = self.mapToParent(event.position().toPoint()).x() - self._grabbed_at
        share = (x - self._image.left()) / self._image.width()
        for snap in SNAPS:
            if abs(share - snap) * self._image.width() < _SNAP_PX:
                share = snap
        self.move_to(share)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grabbed_at = None
        self.update()

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.move_to(0.5)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _BIG_STEP if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else _STEP
        targets = {
            Qt.Key.Key_Left: self._share - step,
            Qt.Key.Key_Right: self._share + step,
            Qt.Key.Key_Home: 0.0,
            Qt.Key.Key_End: 1.0,
        }
        key = Qt.Key(event.key())
        if key in targets:
            self.move_to(targets[key])
        else:
            super().keyPressEvent(event)

    @override
    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusInEvent(event)

    @override
    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusOutEvent(event)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, height = WIDTH_PX / 2, self.height()
        # White between two dark lines is visible on every picture, in either theme.
        for color, width in (("#10131a", 4.0), ("#ffffff", 2.0)):
            painter.setPen(QPen(QColor(color), width))
            painter.drawLine(QPointF(middle, 0), QPointF(middle, height))
        active = self._grabbed_at is not None or self.hasFocus()
        painter.setPen(QPen(QColor("#10131a"), 1.5))
        painter.setBrush(QColor("#5a98ff" if active else "#ffffff"))
        center = QPointF(middle, height / 2)
        painter.drawEllipse(center, 11.5, 11.5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#10131a"))
        for sign in (-1, 1):
            tip = center + QPointF(sign * 8, 0)
            back = center + QPointF(sign * 3, 0)
            painter.drawPolygon(QPolygonF([tip, back + QPointF(0, -4), back + QPointF(0, 4)]))
        painter.end()
