"""The bar above the video of a camera or stream that does not deliver: what happens next."""

from typing import override

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from rfviewer.gui import icons
from rfviewer.gui.controls import label
from rfviewer.gui.text import clock_text
from rfviewer.gui.tokens import GAP_PX, PAD_PX, current_tokens, scaled, tabular
from rfviewer.snapshot import LivePhase, LiveStatus


def live_words(live: LiveStatus) -> str:
    """Return the state of a live source in words; empty while it delivers."""
    age = "" if live.last_frame_age_s is None else seconds_text(live.last_frame_age_s)
    if live.phase is LivePhase.PLAYING:
        return ""
    if live.phase is LivePhase.CONNECTING:
        return "Connecting"
    if live.phase is LivePhase.STALLED:
        return f"Stalled: no picture for {age}" if age else "Connected, but no picture yet"
    text = f"{'Reconnecting' if age else 'Connecting'} ({live.attempt})"
    if live.phase is LivePhase.LOST:
        left = "" if live.retry_in_s is None else f" in {seconds_text(live.retry_in_s + 0.99)}"
        text = f"{'Connection lost' if age else 'No connection'}, attempt {live.attempt}{left}"
    return f"{text} \N{MIDDLE DOT} last picture {age} ago" if age else text


def seconds_text(seconds: float) -> str:
    """Return whole seconds below two minutes, minutes and seconds above."""
    return f"{int(seconds)} s" if seconds < 120 else clock_text(seconds)


class LiveBar(QFrame):
    """One line of state, one line of reason, and two ways on. Hidden while frames come.

    Signals:
        retry: the next attempt should be made now.
        stop: no further attempts are wanted.
    """

    retry = Signal()
    stop = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("Banner")
        row = QHBoxLayout(self)
        row.setContentsMargins(PAD_PX, 6, GAP_PX, 6)
        row.setSpacing(GAP_PX)
        self._mark = QLabel()
        row.addWidget(self._mark)
        words = QVBoxLayout()
        words.setSpacing(1)
        self.state = label(figures=True)
        self.state.setFont(tabular(scaled(self.state.font(), 1.0, bold=True)))
        self.reason = label(muted=True)
        self.reason.setWordWrap(True)
        words.addWidget(self.state)
        words.addWidget(self.reason)
        row.addLayout(words, 1)
        self.now = QPushButton("Try now")
        self.now.setProperty("primary", "true")
        self.now.clicked.connect(self.retry)
        self.end = QPushButton("Stop")
        self.end.clicked.connect(self.stop)
        row.addWidget(self.now)
        row.addWidget(self.end)
        self._phase: LivePhase | None = None
        self.setVisible(False)

    def apply(self, live: LiveStatus | None) -> None:
        """Show the newest state."""
        quiet = live is None or live.phase in (LivePhase.PLAYING, LivePhase.CONNECTING)
        self.setVisible(not quiet)
        changed = live is not None and live.phase is not self._phase
        self._phase = None if live is None else live.phase
        if live is None or quiet:
            return
        text = live_words(live)
        self.state.setText(text)
        self.reason.setText(live.reason)
        self.reason.setVisible(bool(live.reason))
        self.now.setVisible(live.phase is LivePhase.LOST)
        self.end.setVisible(live.phase is not LivePhase.STALLED)
        if changed:
            self._retint()
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def _retint(self) -> None:
        mark = "reload" if self._phase is LivePhase.RECONNECTING else "warning"
        color = current_tokens().warn
        self._mark.setPixmap(icons.pixmap(mark, color, 18, self.devicePixelRatioF()))

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and self._phase is not None:
            self._retint()
        super().changeEvent(event)
