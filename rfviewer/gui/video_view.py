"""The video: the newest drawn frame, with statistics in its corner where the user wants them."""

import time
from collections.abc import Callable, Sequence
from typing import override

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QFont, QFontDatabase, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from rfviewer.gui.tokens import GAP_PX, current_tokens
from rfviewer.gui.zoom_view import ZoomView
from rfviewer.snapshot import PresentedFrame
from rfviewer.timing import RateMeter


class VideoView(ZoomView):
    """Paints the newest frame and counts what reached the screen. A double click is fullscreen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Video")
        self.setMinimumSize(160, 90)
        self.painted = RateMeter()
        """Rate of frames that really reached the screen; one that is drawn anew counts once."""
        self._frame: PresentedFrame | None = None
        self._fresh = False
        self._greyed = False
        self._stats: tuple[tuple[str, str], ...] = ()
        self.on_painted: Callable[[PresentedFrame, int], object] | None = None
        """Told each new frame that reached the screen, with `time.monotonic_ns()`."""

    @property
    def frame(self) -> PresentedFrame | None:
        """The frame on display."""
        return self._frame

    def set_frame(self, frame: PresentedFrame) -> None:
        """Show `frame`; its array is kept until the next one replaces it."""
        height, width = frame.image.shape[:2]
        # RGB32 in memory is BGRX on little-endian machines, so nothing is converted or copied.
        image = QImage(
            frame.image.data, width, height, frame.image.strides[0], QImage.Format.Format_RGB32
        )
        before, self._frame = self._frame, frame  # the old array must outlive its image
        # The split view, newer masks and another look draw a frame again: that is no new frame.
        if before is None or _key(frame) != _key(before):
            self._fresh = True
        self._greyed = False
        self.set_image(image)
        del before

    def clear(self) -> None:
        """Show no image, as while another source opens."""
        before, self._frame = self._frame, None  # who hears of the zoom finds no frame any more
        self._fresh = False
        self.painted.reset()
        self.set_image(QImage())
        del before  # the array, which had to outlive its image

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

    def displayed_fps(self) -> float | None:
        """Return new frames painted per second; None until that is known."""
        return self.painted.rate(time.monotonic_ns())

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
            if self._greyed:
                painter.setOpacity(0.35)
            self.paint_image(painter)
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


def _key(frame: PresentedFrame) -> tuple[int, int]:
    """Return what tells two frames of a session apart."""
    return frame.epoch, frame.frame_index
