"""One line above the video: what is open, and chips for mask age, loading and recording."""

from typing import override

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QProgressBar, QToolButton, QWidget

from rfviewer.config import Policy
from rfviewer.gui import icons
from rfviewer.gui.controls import ElidedLabel, label
from rfviewer.gui.model import recording_runs
from rfviewer.gui.text import bytes_text, clock_text, tooltip
from rfviewer.gui.tokens import GAP_PX, current_tokens, icon_px, scaled, tabular
from rfviewer.snapshot import EnginePhase, PlayState, PresentedFrame, Snapshot

_MARK_PX = 14
"""Side of the mark of a chip, at usual text."""


class Chip(QWidget):
    """A small rounded note with an icon. Its meaning never rests on colour alone."""

    def __init__(self, icon_name: str, level: str = "neutral") -> None:
        super().__init__()
        self._icon_name = icon_name
        self._level = level
        row = QHBoxLayout(self)
        row.setContentsMargins(10 + icon_px(_MARK_PX), 2, 8, 2)
        self._text = label(figures=True)
        self._text.setFont(tabular(scaled(self._text.font(), 0.88)))
        row.addWidget(self._text)
        self.setVisible(False)

    @property
    def text(self) -> str:
        """What it says; empty while hidden."""
        return self._text.text() if not self.isHidden() else ""

    def set_text(self, text: str) -> None:
        """Show `text`, or hide for an empty one."""
        if text and text != self._text.text():
            self._text.setText(text)
            self.setAccessibleName(text)
        self.setVisible(bool(text))

    def set_level(self, level: str) -> None:
        """Set "neutral", "warn" or "bad"."""
        if level != self._level:
            self._level = level
            self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current_tokens()
        color = {"warn": tokens.warn, "bad": tokens.bad}.get(self._level, tokens.accent)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill = QColor(color)
        fill.setAlpha(34)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        radius = self.height() / 2
        painter.drawRoundedRect(self.rect(), radius, radius)
        side = icon_px(_MARK_PX)
        mark = icons.pixmap(self._icon_name, color, side, self.devicePixelRatioF())
        painter.drawPixmap(7, (self.height() - side) // 2, mark)
        painter.end()


class VideoHeader(QWidget):
    """Name, size and rate of the source at the left; chips and zoom at the right.

    Signals:
        zoom_chosen: a zoom factor, or None for fit.
    """

    zoom_chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("Header")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 3, 4, 3)
        row.setSpacing(GAP_PX)
        self.setMinimumHeight(32)
        self._name = ElidedLabel()
        row.addWidget(self._name, 1)
        self.loading = Chip("clock")
        self.age = Chip("clock")
        self.recording = Chip("record", "bad")
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setFixedWidth(90)
        self._progress.setAccessibleName("Recording progress")
        self._progress.setVisible(False)
        for widget in (self.loading, self.age, self.recording, self._progress):
            row.addWidget(widget)
        self._zoom = QToolButton()
        self._zoom.setFont(tabular(scaled(self._zoom.font(), 0.92)))
        self._zoom.setAccessibleName("Zoom")
        self._zoom.setToolTip(tooltip("Zoom (wheel, Ctrl+0 fits, Ctrl+1 actual size)"))
        self._zoom.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._zoom.setMinimumWidth(80)
        menu = QMenu(self._zoom)
        for text, zoom in (("Fit", None), ("50 %", 0.5), ("100 %", 1.0), ("200 %", 2.0)):
            menu.addAction(text).triggered.connect(
                lambda _checked=False, value=zoom: self.zoom_chosen.emit(value)
            )
        self._zoom.setMenu(menu)
        row.addWidget(self._zoom)

    def set_zoom(self, zoom: float, *, fits: bool) -> None:
        """Show the zoom in effect."""
        percent = f"{zoom * 100:.0f} %"
        self._zoom.setText(f"Fit {percent}" if fits else percent)

    def apply(self, snapshot: Snapshot, frame: PresentedFrame | None) -> None:
        """Show the newest state."""
        self._name.set_full_text(_describe(snapshot))
        self._name.setToolTip(tooltip(_describe(snapshot)))
        status = snapshot.engine
        loading = status.phase is EnginePhase.LOADING and frame is not None
        count = f" {status.step_index} of {status.step_count}" if status.step_count else ""
        step = f": {status.step}" if status.step else ""
        self.loading.set_text(f"Loading{count}{step}" if loading else "")
        self._apply_age(snapshot, frame)
        self._apply_recording(snapshot)

    def _apply_age(self, snapshot: Snapshot, frame: PresentedFrame | None) -> None:
        ready = snapshot.engine.phase is EnginePhase.READY
        self._zoom.setVisible(frame is not None)
        if (
            frame is None
            or not ready
            or snapshot.state is PlayState.FAILED
            or snapshot.policy is not Policy.KEEP_PACE
        ):
            self.age.set_text("")
        elif frame.masks_age_s is None:
            self.age.set_text("no masks yet")
        else:
            self.age.set_text(f"masks {frame.masks_age_s:.2f} s old")
            self.age.set_level("warn" if frame.masks_age_s > 1.0 else "neutral")

    def _apply_recording(self, snapshot: Snapshot) -> None:
        status = snapshot.recording
        duration = snapshot.source.duration_s if snapshot.source is not None else None
        if status is None or not recording_runs(snapshot):
            self.recording.set_text("")
            self._progress.setVisible(False)
            return
        self.recording.set_text(
            f"REC {clock_text(status.duration_s)}  {bytes_text(status.size_bytes)}"
        )
        known = bool(duration) and not snapshot.playback.loop
        self._progress.setVisible(known)
        if duration and snapshot.pts_s is not None:
            self._progress.setRange(0, 1000)
            self._progress.setValue(round(1000 * min(1.0, snapshot.pts_s / duration)))

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
        super().changeEvent(event)


def _describe(snapshot: Snapshot) -> str:
    source = snapshot.source
    if source is None:
        return "No source" if snapshot.state is not PlayState.OPENING else "Opening"
    parts = [source.name, f"{source.width} \N{MULTIPLICATION SIGN} {source.height}"]
    if source.fps:
        parts.append(f"{source.fps:.4g} fps")
    if source.codec:
        parts.append(source.codec)
    if source.notice:
        parts.append(source.notice)
    return "  \N{MIDDLE DOT}  ".join(parts)
