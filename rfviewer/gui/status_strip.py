"""The status bar: source state, three rates, drops, queues, memory, engine."""

from dataclasses import dataclass
from typing import override

from PySide6.QtCore import QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from rfviewer.config import Policy
from rfviewer.experiment import LabStatus
from rfviewer.gui import icons
from rfviewer.gui.controls import ElidedLabel, label
from rfviewer.gui.live_bar import live_words
from rfviewer.gui.margins import without_margins
from rfviewer.gui.rates import Rates
from rfviewer.gui.stats_text import waiting_frames
from rfviewer.gui.text import bytes_text, count_text, fps_text, tooltip
from rfviewer.gui.tokens import GAP_PX, Tokens, current_tokens, icon_px, scaled
from rfviewer.lab.bound import Found
from rfviewer.lab.pacing import head_of
from rfviewer.snapshot import EnginePhase, PlayState, Snapshot

_LIMIT_TIP = "What keeps the video from being faster, by how busy each part was in the last seconds"
_WAITING_TIP = "Frames that wait for the engine or are in it; they are not lost"
_NOTICE_MS = 7_000
_ALL_CELLS_FROM_DIGITS = 110  # about 880 px at the usual text size
_CELL_GAP_PX = 14
_STATE_WORDS = {
    PlayState.IDLE: ("minus", "No source"),
    PlayState.OPENING: ("clock", "Opening"),
    PlayState.PLAYING: ("play", "Playing"),
    PlayState.PAUSED: ("pause", "Paused"),
    PlayState.ENDED: ("stop", "At the end"),
    PlayState.FAILED: ("warning", "Failed"),
}


@dataclass(frozen=True, slots=True)
class Health:
    """How a rate compares with what it should be."""

    word: str
    level: int
    """0 fine, 1 amber, 2 red."""


def rate_health(fps: float | None, wanted: float | None) -> Health:
    """Judge a rate: below 95 % of `wanted` is amber, below 80 % red.

    Source: the thresholds of OBS Studio's statistics panel (frontend/widgets/OBSBasicStats.cpp).
    """
    if fps is None or not wanted:
        return Health("", 0)
    share = fps / wanted
    if share < 0.80:
        return Health("slow", 2)
    return Health("behind", 1) if share < 0.95 else Health("", 0)


def wanted_fps(snapshot: Snapshot) -> float | None:
    """Return the rate that the window should show; None when nothing says so.

    Where a file waits for the engine, a low rate loses nothing: no rate is wanted of it.
    """
    if snapshot.state is not PlayState.PLAYING or snapshot.source is None:
        return None
    if snapshot.policy is Policy.EVERY_FRAME and not snapshot.source.live:
        return None
    rate = snapshot.playback.rate
    measuring = snapshot.lab is not None and snapshot.lab.active  # the video stands still
    if rate is None or measuring:
        return None
    nominal = snapshot.source.fps or snapshot.source_fps
    return None if nominal is None else nominal * (1.0 if snapshot.source.live else rate)


def _measuring_words(lab: LabStatus) -> str:
    """Return that an experiment runs, and how far it is: the times, where it tells them."""
    step = head_of(lab.step)
    return f"Measuring: {step[:1].lower()}{step[1:]}" if step else "Measuring"


class _Cell(QWidget):
    """An optional icon, a muted name and a figure."""

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        row = without_margins(QHBoxLayout(self), spacing_px=4)
        self._mark = QLabel()
        self._mark.setVisible(False)
        self._name = label(name, muted=True)
        self.figure = label(figures=True)
        for widget in (self._name, self.figure):
            widget.setFont(scaled(widget.font(), 0.9))
        for widget in (self._mark, self._name, self.figure):
            row.addWidget(widget)
        if not name:
            self._name.hide()
        self.setToolTip(tooltip(tip))
        self._caption = name
        self._health = Health("", 0)

    def set_text(self, text: str) -> None:
        """Show a figure."""
        if text != self.figure.text():
            self.figure.setText(text)
            self.figure.setAccessibleName(f"{self._caption} {text}")

    def set_health(self, health: Health, tokens: Tokens, *, force: bool = False) -> None:
        """Show icon, colour and word of a judgement."""
        if health == self._health and not force:
            return
        self._health = health
        color = (tokens.text, tokens.warn, tokens.bad)[health.level]
        self.figure.setStyleSheet(f"color: {color};" if health.level else "")
        self._mark.setVisible(health.level > 0)
        if health.level:
            self._mark.setPixmap(
                icons.pixmap("warning", color, icon_px(14), self.devicePixelRatioF())
            )

    @property
    def health(self) -> Health:
        """The judgement on show."""
        return self._health


class StatusStrip(QWidget):
    """One line at the bottom of the window."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("StatusStrip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(self)
        row.setContentsMargins(GAP_PX, 3, GAP_PX, 3)
        row.setSpacing(_CELL_GAP_PX)
        self._mark = QLabel()
        self._state = ElidedLabel()
        self._state.setFont(scaled(self._state.font(), 0.9))
        left = QHBoxLayout()
        left.setSpacing(6)
        left.addWidget(self._mark)
        left.addWidget(self._state, 1)
        row.addLayout(left, 1)
        self.cells = {
            "source": _Cell("source", "Frames a second that the source delivers"),
            "inferred": _Cell("inferred", "Frames a second that got their own masks"),
            "shown": _Cell("shown", "New images a second that reached the screen"),
            "dropped": _Cell("dropped", "Frames that the engine never saw"),
            "waiting": _Cell("waiting", _WAITING_TIP),
            "memory": _Cell("memory", "Memory of the engine process"),
            "limit": _Cell("limit", _LIMIT_TIP),
            "engine": _Cell("", "Backend and precision in effect"),
        }
        for cell in self.cells.values():
            row.addWidget(cell)
        self._notice_timer = QTimer(self, singleShot=True, interval=_NOTICE_MS)
        self._notice_timer.timeout.connect(self._on_notice_over)
        self._notice: tuple[str, str] | None = None
        self._shown_state: tuple[str, str] = ("", "")
        self._snapshot: Snapshot | None = None

    def show_notice(self, severity: str, sentence: str) -> None:
        """Show a sentence in place of the state for a few seconds."""
        self._notice = ("info" if severity == "info" else "warning", sentence)
        self._notice_timer.start()
        self._show_state()

    @property
    def state_text(self) -> str:
        """What the left side says."""
        return self._state.full_text

    def apply(self, snapshot: Snapshot, rates: Rates) -> None:
        """Show the newest figures."""
        self._tell_of_end(self._snapshot, snapshot)
        self._snapshot = snapshot
        tokens = current_tokens()
        cells = self.cells
        wanted = wanted_fps(snapshot)
        cells["source"].set_text(fps_text(rates.source))
        cells["inferred"].set_text(fps_text(rates.inferred))
        health = rate_health(rates.shown, wanted)
        word = f" {health.word}" if health.word else ""
        unit = "" if rates.shown is None else " fps"
        cells["shown"].set_text(f"{fps_text(rates.shown)}{unit}{word}")
        cells["shown"].set_health(health, tokens)
        counters = snapshot.counters
        cells["dropped"].set_text(count_text(counters.dropped))
        lost = counters.dropped / counters.captured if counters.captured else 0.0
        # In keep-pace most frames are skipped by choice, which is no fault.
        skipping = snapshot.policy is Policy.KEEP_PACE
        level = 0 if skipping else 2 if lost > 0.05 else 1 if lost > 0.01 else 0
        cells["dropped"].set_health(Health("", level), tokens)
        cells["waiting"].set_text(count_text(waiting_frames(snapshot)))
        names = ", ".join(f"{name} {n} of {of}" for name, (n, of) in snapshot.queues.items())
        cells["waiting"].setToolTip(tooltip(f"{_WAITING_TIP}\nQueues: {names or 'none yet'}"))
        used = snapshot.device.memory_used_bytes
        gpu = f" + GPU {bytes_text(used)}" if used is not None else ""
        cells["memory"].set_text(f"{bytes_text(snapshot.rss_bytes or None)}{gpu}")
        info = snapshot.engine.info
        loading = "loading" if snapshot.engine.phase is EnginePhase.LOADING else "no engine"
        name = f"{info.backend} {info.precision}".strip() if info is not None else loading
        cells["engine"].set_text(name)
        self._fit()
        self._show_state()

    def show_bound(self, found: Found | None) -> None:
        """Show what binds the live video; None while that is not known."""
        cell = self.cells["limit"]
        cell.set_text("\N{EN DASH}" if found is None else str(found.bound))
        reason = "" if found is None else f"\n{found.sentence}"
        cell.setToolTip(tooltip(f"{_LIMIT_TIP}{reason}"))

    def _tell_of_end(self, before: Snapshot | None, now: Snapshot) -> None:
        """Say once that an experiment has ended without a result, and why."""
        if before is None or before.lab is None or not before.lab.active or now.lab is None:
            return
        if now.lab.request == before.lab.request and not now.lab.active and now.lab.result is None:
            self.show_notice("info", now.lab.error or "The measurement was stopped.")

    def _show_state(self) -> None:
        snapshot = self._snapshot
        if self._notice is not None:
            mark, text = self._notice
        elif snapshot is None:
            mark, text = "clock", "Starting"
        else:
            mark, text = _STATE_WORDS[snapshot.state]
            if snapshot.lab is not None and snapshot.lab.active:  # the video stands still
                mark, text = "stopwatch", _measuring_words(snapshot.lab)
            words = "" if snapshot.live is None else live_words(snapshot.live)
            if words:
                mark, text = "warning", words
            if snapshot.source is not None:
                text += f" \N{MIDDLE DOT} {snapshot.source.name}"
            if snapshot.counters.damaged:
                text += f" \N{MIDDLE DOT} {snapshot.counters.damaged} damaged frames"
        self._state.set_full_text(text)
        self._state.setToolTip(tooltip(text))
        if self._shown_state != (mark, text):
            self._shown_state = (mark, text)
            self._retint()

    def _retint(self) -> None:
        tokens = current_tokens()
        mark = self._shown_state[0]
        color = {"warning": tokens.warn, "info": tokens.accent}.get(mark, tokens.muted)
        if mark:
            self._mark.setPixmap(icons.pixmap(mark, color, icon_px(14), self.devicePixelRatioF()))
        for cell in self.cells.values():
            cell.set_health(cell.health, tokens, force=True)

    def _on_notice_over(self) -> None:
        self._notice = None
        self._show_state()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def _fit(self) -> None:
        """Leave out the cells that there is no room for; none is cut."""
        wide = self.width() >= _ALL_CELLS_FROM_DIGITS * self.fontMetrics().horizontalAdvance("0")
        kept = dict(self.cells)
        if not wide:
            for name in ("source", "waiting", "memory", "limit"):
                del kept[name]
        room_px = self.width() - 2 * GAP_PX - self._mark.sizeHint().width()
        needs_px = {name: cell.sizeHint().width() + _CELL_GAP_PX for name, cell in kept.items()}
        for name in ("engine", "inferred", "dropped"):
            if sum(needs_px[n] for n in kept) > room_px:
                del kept[name]
        for name, cell in self.cells.items():
            cell.setVisible(name in kept)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())  # cells are hidden, not the window held

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._retint()
        super().changeEvent(event)
