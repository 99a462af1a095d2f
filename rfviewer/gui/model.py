"""The window's side of a session: what the user asked for, and the newest snapshot.

Every widget changes the session through this object, and only the GUI thread uses it.
"""

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from rfviewer.config import EngineConfig, Playback, Settings, View
from rfviewer.gui.replay_settings import saved_settings
from rfviewer.interfaces import RecordingRequest, ScreenshotKind
from rfviewer.optimizations import Optimizations, toggle_of
from rfviewer.session.interface import Session
from rfviewer.snapshot import EnginePhase, PlayState, Snapshot

SEEK_SETTLES_S = 10.0
"""How long a relative seek may take; what has not arrived by then does not count any more."""


def engine_has_died(snapshot: Snapshot) -> bool:
    """Whether the engine's process or thread is gone, and not just a model that did not load."""
    return (
        snapshot.state is PlayState.FAILED
        and snapshot.engine.phase is EnginePhase.FAILED
        and snapshot.error == snapshot.engine.step
    )


def recording_runs(snapshot: Snapshot) -> bool:
    """Whether frames are being written; nobody writes any more once the engine has died."""
    status = snapshot.recording
    return status is not None and status.active and not engine_has_died(snapshot)


class SessionModel(QObject):
    """Holds requested settings as whole values and forwards them to the session.

    The requests kept here are the truth for the controls: a snapshot is up to 100 ms old, and
    writing it back would make a slider jump under the user's hand.

    Signals:
        view_changed: the requested `View`, after a change.
        optimizations_changed: the requested `Optimizations`, after a change.
        engine_changed: the requested `EngineConfig`, after a change.
        playback_changed: the requested `Playback`, after a change.
        snapshot_changed: the newest `Snapshot`, 10 times a second at most.
        source_requested: the URI that was just asked for.
        held_changed: whether the baseline is held now.
    """

    view_changed = Signal(object)
    optimizations_changed = Signal(object)
    engine_changed = Signal(object)
    playback_changed = Signal(object)
    snapshot_changed = Signal(object)
    source_requested = Signal(str)
    held_changed = Signal(bool)

    def __init__(self, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.view = settings.view
        self.optimizations = settings.optimizations
        self.engine = settings.engine
        self.playback = settings.playback
        self.snapshot: Snapshot | None = None
        self._source: str | None = None
        self._sought: tuple[float, float, float] | None = None
        """Where `seek_by` went last, by how much, and when, until its picture is there."""
        self._before_hold: Optimizations | None = None
        self._before_baseline: Optimizations | None = None

    @property
    def settings(self) -> Settings:
        """Everything as requested now."""
        return Settings(
            engine=self.engine,
            optimizations=self.optimizations,
            view=self.view,
            playback=self.playback,
        )

    @property
    def source_uri(self) -> str | None:
        """The source asked for last, or else the one that was open first."""
        return self._source

    def apply(self, snapshot: Snapshot) -> None:
        """Take over the newest snapshot and tell the widgets."""
        self.snapshot = snapshot
        if self._sought is not None and snapshot.pts_s is not None:
            target_s, step_s, _when = self._sought
            if abs(snapshot.pts_s - target_s) < abs(step_s) / 2:
                self._sought = None
        if self._source is None and snapshot.source is not None:
            self._source = snapshot.source.uri
        self.snapshot_changed.emit(snapshot)

    def open(self, source: str, *, loop: bool | None = None, as_saved: bool = True) -> None:
        """Open `source` from its start; the policy is chosen anew for it.

        `loop` None keeps what is set. A replay brings its settings, unless not `as_saved`.
        """
        saved = saved_settings(source) if as_saved else None
        if saved is not None:
            self.update_engine(**asdict(saved.engine))
            self.update_view(**asdict(saved.view))
            self.set_optimizations(saved.optimizations)
        self.playback = replace(
            self.playback, policy=None, start_s=0.0, end_s=None, max_frames=None, paused=False
        )
        if loop is not None:
            self.playback = replace(self.playback, loop=loop)
        self._source, self._sought = source, None
        self.session.open(source, self.playback)
        self.playback_changed.emit(self.playback)
        self.source_requested.emit(source)

    def update_view(self, **changes: Any) -> None:  # noqa: ANN401 - fields of View
        """Request the view with these fields changed."""
        view: View = replace(self.view, **changes)
        if view != self.view:
            self.view = view
            self.session.set_view(view)
            self.view_changed.emit(view)

    def update_engine(self, **changes: Any) -> None:  # noqa: ANN401 - fields of EngineConfig
        """Request another engine."""
        engine: EngineConfig = replace(self.engine, **changes)
        if engine != self.engine:
            self.engine = engine
            self.session.set_engine(engine)
            self.engine_changed.emit(engine)

    def engine_refused(self, kept: EngineConfig) -> None:
        """Take back a request that failed: `kept` is what still runs. The session is not asked."""
        if kept != self.engine:
            self.engine = kept
            self.engine_changed.emit(kept)

    def update_playback(self, **changes: Any) -> None:  # noqa: ANN401 - fields of Playback
        """Request another policy, speed or loop."""
        playback: Playback = replace(self.playback, **changes)
        if playback != self.playback:
            self.playback = playback
            self.session.set_playback(playback)
            self.playback_changed.emit(playback)

    def set_optimizations(self, optimizations: Optimizations) -> None:
        """Request this set."""
        if optimizations != self.optimizations:
            self.optimizations = optimizations
            self.session.set_optimizations(optimizations)
            self.optimizations_changed.emit(optimizations)

    def set_toggle(self, name: str, value: bool | int) -> None:
        """Request the current set with one field changed."""
        self.set_optimizations(self.optimizations.set(name, value))

    def flip_toggle(self, name: str) -> None:
        """Turn a switch over, or take a number to its next choice."""
        value = getattr(self.optimizations, name)
        if isinstance(value, bool):
            self.set_toggle(name, not value)
            return
        choices = toggle_of(name).choices
        self.set_toggle(name, choices[(choices.index(value) + 1) % len(choices)])

    def flip_baseline(self) -> None:
        """Go to the baseline, or back to the set before it."""
        baseline = Optimizations.baseline()
        if self.optimizations == baseline:
            self.set_optimizations(self._before_baseline or Optimizations())
        else:
            self._before_baseline = self.optimizations
            self.set_optimizations(baseline)

    def hold_baseline(self, *, held: bool) -> None:
        """Show the baseline while `held`, then the set from before."""
        if held and self._before_hold is None:
            self._before_hold = self.optimizations
            self.set_optimizations(Optimizations.baseline())
            self.held_changed.emit(True)  # noqa: FBT003 - a signal's value
        elif not held and self._before_hold is not None:
            before, self._before_hold = self._before_hold, None
            self.set_optimizations(before)
            self.held_changed.emit(False)  # noqa: FBT003 - a signal's value

    def play_pause(self) -> None:
        """Pause when playing, else play."""
        if self.snapshot is not None and self.snapshot.state is PlayState.PLAYING:
            self.session.pause()
        else:
            self.session.play()

    def step(self, frames: int) -> None:
        """Pause and move by `frames`."""
        self.session.step(frames)

    def seek(self, pts_s: float) -> None:
        """Go to `pts_s`, clipped to the source."""
        self._sought = None
        source = self.snapshot.source if self.snapshot else None
        if source is None or not source.seekable:
            return
        end = source.duration_s
        self.session.seek(max(0.0, pts_s if end is None else min(pts_s, end)))

    def seek_by(self, seconds: float) -> None:
        """Go on or back by `seconds`; presses add up also while the picture is not there yet."""
        if self.snapshot is None or self.snapshot.pts_s is None or self.snapshot.source is None:
            return
        base_s, now_s = self.snapshot.pts_s, time.monotonic()
        if self._sought is not None and now_s - self._sought[2] < SEEK_SETTLES_S:
            base_s = self._sought[0]
        end_s = self.snapshot.source.duration_s
        target_s = max(0.0, base_s + seconds)
        target_s = target_s if end_s is None else min(target_s, end_s)
        self.seek(target_s)
        self._sought = (target_s, seconds, now_s)

    def start_recording(self, request: RecordingRequest) -> None:
        """Start writing files with the next frame."""
        self.session.start_recording(request)

    def stop_recording(self) -> None:
        """Finalise the running recording."""
        self.session.stop_recording()

    @property
    def recording(self) -> bool:
        """Whether a recording runs."""
        return self.snapshot is not None and recording_runs(self.snapshot)

    def screenshot(self, path: Path, kind: ScreenshotKind) -> None:
        """Save the frame on display."""
        self.session.screenshot(path, kind)

    def restart(self) -> None:
        """Start the engine again where it was."""
        self.session.restart()
