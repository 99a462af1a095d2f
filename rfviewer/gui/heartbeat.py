"""Measures how long the GUI thread was ever kept from its event loop."""

import time

from PySide6.QtCore import QObject, Qt, QTimer

from rfviewer import log

BEAT_MS = 20
BLOCK_MS = 100.0
"""What the window promises never to exceed (RELIABILITY section 4)."""


class Heartbeat(QObject):
    """A timer that watches its own lateness. A beat later than `BLOCK_MS` is logged."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.max_block_ms = 0.0
        """Worst lateness since `start` or `reset`."""
        self.blocks = 0
        """Beats later than `BLOCK_MS`."""
        self._last_ns = 0
        self._timer = QTimer(self, interval=BEAT_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_beat)

    def start(self) -> None:
        """Begin to measure."""
        self.reset()
        self._timer.start()

    def stop(self) -> None:
        """Stop measuring; the figures stay."""
        self._timer.stop()

    def reset(self) -> None:
        """Forget what was measured, as after start-up."""
        self.max_block_ms = 0.0
        self.blocks = 0
        self._last_ns = time.monotonic_ns()

    def _on_beat(self) -> None:
        now_ns = time.monotonic_ns()
        late_ms = (now_ns - self._last_ns) / 1e6 - BEAT_MS
        self._last_ns = now_ns
        self.max_block_ms = max(self.max_block_ms, late_ms)
        if late_ms > BLOCK_MS:
            self.blocks += 1
            log.gui.info("the GUI thread was blocked for %.0f ms", late_ms)
