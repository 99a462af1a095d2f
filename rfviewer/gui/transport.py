"""The transport bar: seek bar above, then play, steps, readout, speed, loop, policy and zoom."""

from typing import override

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QToolButton, QVBoxLayout, QWidget

from rfviewer.config import Playback, Policy
from rfviewer.gui import icons
from rfviewer.gui.actions import ActionRegistry
from rfviewer.gui.controls import ElidedLabel, Segments
from rfviewer.gui.model import SessionModel
from rfviewer.gui.seek_bar import SeekBar
from rfviewer.gui.text import count_text, time_text, tooltip
from rfviewer.gui.tokens import GAP_PX, tabular
from rfviewer.gui.wrapping_row import Together, WrappingRow
from rfviewer.snapshot import PlayState, Snapshot

SPEEDS: tuple[float | None, ...] = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 4.0, None)
"""Offered speeds; None plays as fast as possible."""


def speed_text(rate: float | None) -> str:
    """Return a speed as written on its button."""
    return "Max" if rate is None else f"{rate:g}\N{MULTIPLICATION SIGN}"


class TransportBar(QWidget):
    """Controls of playback. What does not apply to a source is disabled, not hidden."""

    def __init__(self, model: SessionModel, actions: ActionRegistry) -> None:
        super().__init__()
        self.setObjectName("TransportBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._model = model
        self._actions = actions
        self._shown_playing: bool | None = None
        self.seek_bar = SeekBar()
        self.seek_bar.seek_requested.connect(model.seek)
        column = QVBoxLayout(self)
        column.setContentsMargins(GAP_PX, 4, GAP_PX, 6)
        column.setSpacing(2)
        column.addWidget(self.seek_bar)
        row = WrappingRow()
        row.add(self._buttons("step_back", "play", "step_forward"))
        self.readout = ElidedLabel()
        row.add(self.readout)
        self.policy = Segments(
            "Policy", {"Every frame": Policy.EVERY_FRAME, "Keep pace": Policy.KEEP_PACE}
        )
        self.policy.set_tooltip(
            Policy.EVERY_FRAME, tooltip("The video waits: every frame gets its own masks (k)")
        )
        self.policy.set_tooltip(
            Policy.KEEP_PACE,
            tooltip("The video runs on: the newest masks are shown with their age (k)"),
        )
        self.policy.chosen.connect(lambda value: model.update_playback(policy=value))
        row.add(self.policy)
        self._speed = QToolButton()
        self._speed.setFont(tabular(self._speed.font()))
        self._speed.setAccessibleName("Speed")
        self._speed.setToolTip(tooltip("Speed ([ and ], Backspace resets)"))
        self._speed.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._speed.setMinimumWidth(56)
        menu = QMenu(self._speed)
        for rate in SPEEDS:
            text = "As fast as possible" if rate is None else speed_text(rate)
            menu.addAction(text).triggered.connect(
                lambda _checked=False, value=rate: model.update_playback(rate=value)
            )
        self._speed.setMenu(menu)
        row.add(self._speed)
        row.add(self._buttons("loop", "fullscreen"))
        column.addLayout(row)
        model.playback_changed.connect(self._on_playback)
        model.snapshot_changed.connect(self._on_snapshot)
        self._on_playback(model.playback)
        self.seek_bar.set_position(None, None)
        self._fit_readout()

    def change_speed(self, steps: int) -> None:
        """Go to the next faster or slower offered speed."""
        rates = [rate for rate in SPEEDS if rate is not None]
        current = self._model.playback.rate
        if current is None:
            if steps < 0:
                self._model.update_playback(rate=rates[-1])
            return
        nearest = min(range(len(rates)), key=lambda i: abs(rates[i] - current))
        target = nearest + steps
        if target >= len(rates):
            self._model.update_playback(rate=None)
        else:
            self._model.update_playback(rate=rates[max(0, target)])

    def flip_policy(self) -> None:
        """Change between every frame and keep pace."""
        current = self._model.snapshot.policy if self._model.snapshot else Policy.EVERY_FRAME
        other = Policy.KEEP_PACE if current is Policy.EVERY_FRAME else Policy.EVERY_FRAME
        self._model.update_playback(policy=other)

    def retint(self) -> None:
        """Draw the play icon in the colours of the current palette."""
        name = "pause" if self._shown_playing else "play"
        self._actions["play"].setIcon(icons.icon(name))

    def _fit_readout(self) -> None:
        """Leave the readout room for the time, in the text's size."""
        self.readout.setFont(tabular(self.font()))
        self.readout.setMinimumWidth(self.readout.fontMetrics().horizontalAdvance("0:00:00.00"))

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange:
            self._fit_readout()
        super().changeEvent(event)

    def _buttons(self, *names: str) -> Together:
        buttons = (self._button(self._actions[name]) for name in names)
        return Together(*buttons, spacing_px=2)

    def _button(self, action: QAction) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(action)
        button.setAccessibleName(action.text())
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _on_playback(self, playback: Playback) -> None:
        self._speed.setText(speed_text(playback.rate))
        self._actions.set_checked("loop", checked=playback.loop)
        if playback.policy is not None:
            self.policy.set_value(playback.policy)

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        source = snapshot.source
        open_ = source is not None
        seekable = source is not None and source.seekable
        duration = source.duration_s if source is not None else None
        self.seek_bar.set_position(snapshot.pts_s, duration if seekable else None)
        if self._model.playback.policy is None:
            self.policy.set_value(snapshot.policy)
        for name in ("step_back", "seek_back", "seek_back_1", "seek_back_60", "seek_start"):
            self._actions[name].setEnabled(seekable)
        for name in ("step_forward", "play", "seek_forward", "seek_forward_1", "seek_forward_60"):
            self._actions[name].setEnabled(open_)
        self._speed.setEnabled(open_ and not (source and source.live))
        self._actions["loop"].setEnabled(seekable)
        self.readout.set_full_text(*_readout(snapshot))
        playing = snapshot.state is PlayState.PLAYING
        if playing is not self._shown_playing:
            self._shown_playing = playing
            self._actions["play"].setText("Pause" if playing else "Play")
            self.retint()


def _readout(snapshot: Snapshot) -> tuple[str, ...]:
    """Return where playback is, and the same in fewer words for narrow bars."""
    source = snapshot.source
    if source is None or snapshot.pts_s is None:
        return ("\N{EN DASH}",)
    hours = (source.duration_s or 0.0) >= 3600
    now = text = time_text(snapshot.pts_s, hours=hours)
    if source.live:
        text = f"live {text}"
    elif source.duration_s is not None:
        text += f" / {time_text(source.duration_s, hours=hours)}"
    if snapshot.frame_index is None:
        return text, now
    return f"{text}   frame {count_text(snapshot.frame_index)}", text, now
