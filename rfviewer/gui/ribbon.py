"""The ribbon: one lane per stream and thread, the newest work at the right, idle gaps marked."""

import time
from typing import override

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)

from rfviewer.gui.repainting import RepaintingWidget
from rfviewer.gui.ribbon_paint import IDLE, RibbonView, lane_pitch, lane_rect, paint_ribbon
from rfviewer.gui.timeline_data import Hit, SpanStore, is_device
from rfviewer.gui.tokens import GAP_PX, current_tokens, scaled, tabular

REPAINT_MS = 60
LAG_NS = 150_000_000
"""The right edge stays that far behind, so that spans come before their place has passed."""
MIN_WINDOW_NS = 2_000_000
LONGEST_AT_LEAST_NS = 1_000_000_000
"""So much can be shown also where less is kept, as shortly after the start."""
_WHEEL_STEP = 1.25
_OWN_KEYS = {
    Qt.Key.Key_Space, Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus, Qt.Key.Key_Left,
    Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End,
}  # fmt: skip


class Ribbon(RepaintingWidget):
    """Paints the spans of a time window. Wheel, plus and minus zoom; Space or a click freezes.

    Signals:
        hovered: a `Hit` or None.
        frozen_changed: whether it stands still now.
        window_changed: the length of the window in ns.
    """

    hovered = Signal(object)
    frozen_changed = Signal(bool)
    window_changed = Signal(object)

    def __init__(self, store: SpanStore) -> None:
        super().__init__(REPAINT_MS)
        self.setAccessibleName("Timeline")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._live = store
        self._still: SpanStore | None = None
        self.window_ns = 250_000_000
        self._end_ns = 0
        self._hit: Hit | None = None
        self._pointer: QPointF | None = None
        self._drag_from: QPointF | None = None
        self._dragged = False
        self.paint_ms = 0.0
        """Duration of the last paint."""
        self.repaint_timer.timeout.connect(self._on_due)

    @property
    def store(self) -> SpanStore:
        """The spans on show."""
        return self._still or self._live

    @property
    def frozen(self) -> bool:
        """Whether it stands still."""
        return self._still is not None

    @property
    def span_ns(self) -> tuple[int, int]:
        """Start and end of the window."""
        return self._end_ns - self.window_ns, self._end_ns

    @property
    def longest_ns(self) -> int:
        """The longest window: as far back as spans are kept."""
        return max(LONGEST_AT_LEAST_NS, self.store.reach_ns)

    def owns_key(self, key: Qt.Key) -> bool:
        """Whether a plain key acts here and not on the video."""
        return key in _OWN_KEYS

    def set_frozen(self, *, frozen: bool) -> None:
        """Stop at what is shown, or go on."""
        if frozen == self.frozen:
            return
        self._still = self._live.frozen() if frozen else None
        self.frozen_changed.emit(frozen)
        self.refresh()

    def set_window(self, window_ns: float, anchor: float = 1.0) -> None:
        """Show that much time; `anchor` 0..1 of the width stays in place while frozen."""
        window = int(min(self.longest_ns, max(MIN_WINDOW_NS, window_ns)))
        if window == self.window_ns:
            return
        if self.frozen:
            kept = self._end_ns - self.window_ns * (1 - anchor)
            self._end_ns = int(kept + window * (1 - anchor))
        self.window_ns = window
        self.window_changed.emit(window)
        self.refresh()

    def pan(self, by_ns: float) -> None:
        """Move the window of a frozen ribbon, as far as spans are kept."""
        if self._still is not None:
            newest = self._still.newest_ns
            target = self._end_ns + int(by_ns)
            self._end_ns = min(newest, max(newest - self.longest_ns, target))
            self.refresh()

    def lanes(self) -> list[str]:
        """Return the lanes on show: idle above the device's lanes, then the threads."""
        lanes = self.store.lanes(self.window_ns)
        return [IDLE, *lanes] if any(is_device(lane) for lane in lanes) else lanes

    def refresh(self) -> None:
        """Paint the newest state soon."""
        if not self.frozen:
            # While nothing comes, as during a pause, the last spans stay in view.
            now = time.monotonic_ns() - LAG_NS
            self._end_ns = min(now, self._live.newest_ns) if self._live.newest_ns else now
        self._find_hit()
        self.update()

    def name_width(self) -> int:
        """Return the width of the column of names."""
        return self.fontMetrics().horizontalAdvance("decode") + 2 * GAP_PX

    def _plot_rect(self) -> QRectF:
        left = self.name_width()
        foot = self.fontMetrics().height() + 4
        return QRectF(left, 2, max(1, self.width() - left - GAP_PX), max(1, self.height() - foot))

    def _time_at(self, x: float) -> int:
        plot = self._plot_rect()
        return int(self.span_ns[0] + (x - plot.left()) / plot.width() * self.window_ns)

    def _find_hit(self) -> None:
        hit = None
        if self._pointer is not None and self._plot_rect().contains(self._pointer):
            lanes, plot, pitch = self.lanes(), self._plot_rect(), lane_pitch(self.fontMetrics())
            for number, lane in enumerate(lanes):
                if lane_rect(plot, number, len(lanes), pitch).contains(self._pointer):
                    hit = self._hit_at(lane, self._time_at(self._pointer.x()))
        if hit != self._hit:
            self._hit = hit
            self.hovered.emit(hit)

    def _hit_at(self, lane: str, time_ns: int) -> Hit | None:
        if lane != IDLE:
            return self.store.hit(lane, time_ns)
        for start, end in self.store.idle_gaps(*self.span_ns):
            if start <= time_ns < end:
                return Hit(IDLE, None, -1, int(start), int(end))
        return None

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        started = time.perf_counter()
        painter = QPainter(self)
        painter.setFont(scaled(tabular(self.font()), 0.85))
        view = RibbonView(self.store, *self.span_ns, self._plot_rect(), self.devicePixelRatioF())
        paint_ribbon(painter, self.rect(), view, self.lanes(), self._hit)
        if self.hasFocus():
            painter.setPen(QPen(QColor(current_tokens().accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()
        self.paint_ms = (time.perf_counter() - started) * 1e3

    def _on_due(self) -> None:
        if not self.frozen:
            self.refresh()

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / 120.0
        plot = self._plot_rect()
        anchor = (event.position().x() - plot.left()) / plot.width()
        self.set_window(self.window_ns / _WHEEL_STEP**steps, min(1.0, max(0.0, anchor)))
        event.accept()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Space:
            self.set_frozen(frozen=not self.frozen)
        elif key in {Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Up}:
            self.set_window(self.window_ns / _WHEEL_STEP, 0.5)
        elif key in {Qt.Key.Key_Minus, Qt.Key.Key_Down}:
            self.set_window(self.window_ns * _WHEEL_STEP, 0.5)
        elif key in {Qt.Key.Key_Left, Qt.Key.Key_Right}:
            self.set_frozen(frozen=True)
            self.pan(self.window_ns * (0.1 if key == Qt.Key.Key_Right else -0.1))
        elif key in {Qt.Key.Key_Home, Qt.Key.Key_End}:
            self.set_frozen(frozen=True)
            self.pan(self.longest_ns * (2 if key == Qt.Key.Key_End else -2))
        else:
            super().keyPressEvent(event)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._drag_from, self._dragged = event.position(), False

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position()
        if self._drag_from is not None and self.frozen:
            moved = event.position().x() - self._drag_from.x()
            if abs(moved) > 3 or self._dragged:
                self._dragged = True
                self._drag_from = event.position()
                self.pan(-moved / self._plot_rect().width() * self.window_ns)
        self._find_hit()
        self.update()

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag_from is not None and not self._dragged:
            self.set_frozen(frozen=not self.frozen)
        self._drag_from = None

    @override
    def leaveEvent(self, event: object) -> None:
        self._pointer = None
        self._find_hit()
        self.update()

    @override
    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusInEvent(event)

    @override
    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusOutEvent(event)

    @override
    def sizeHint(self) -> QSize:
        return QSize(600, 7 * self.fontMetrics().height())

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(100, self.sizeHint().height())  # with less the lanes cannot be told apart
