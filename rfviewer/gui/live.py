"""Hands the newest image and snapshot to every part of the window that shows them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from rfviewer.config import EngineConfig, Policy
from rfviewer.gui.banner import Banner
from rfviewer.gui.history import History
from rfviewer.gui.model import SessionModel, engine_has_died
from rfviewer.gui.preferences import Preferences
from rfviewer.gui.rates import Rates, SteadyRates, is_playing
from rfviewer.gui.stats_text import stats_lines
from rfviewer.gui.status_strip import StatusStrip
from rfviewer.gui.video_area import VideoArea
from rfviewer.lab.bound import Found
from rfviewer.snapshot import (
    EnginePhase,
    PlayState,
    PresentedFrame,
    RecordingStatus,
    Snapshot,
)

if TYPE_CHECKING:
    from rfviewer.gui.plot_strip import PlotStrip

STATS_SHORT_MS = 4_000
_POLICY_NEWS = {
    Policy.KEEP_PACE: "The engine is slower than the video: it keeps pace now, with older masks.",
    Policy.EVERY_FRAME: "The engine is fast enough: every frame gets its own masks now.",
}


class LiveView(QObject):
    """What runs while the session runs. GUI thread only.

    Signals:
        model_file_wanted: the user wants to pick another model file.
        applied: the newest snapshot and the `Rates` that are shown with it, so that whoever shows
            rates shows these.
    """

    model_file_wanted = Signal()
    applied = Signal(object, object)

    def __init__(
        self,
        window: QObject,
        model: SessionModel,
        preferences: Preferences,
        video: VideoArea,
        status: StatusStrip,
        banner: Banner,
    ) -> None:
        super().__init__(window)
        self._model = model
        self._preferences = preferences
        self._video = video
        self._status = status
        self._banner = banner
        self.history = History()
        self.plots: PlotStrip | None = None
        """Set once the plots are built, shortly after the first paint."""
        self.displayed_fps: float | None = None
        """New images a second that reached the screen, at the newest snapshot."""
        self.rates = Rates(None, None, None)
        """What is shown of them, at the newest snapshot."""
        self._steady = SteadyRates()
        self._stats_pinned = False
        self._stats_timer = QTimer(self, singleShot=True, interval=STATS_SHORT_MS)
        self._stats_timer.timeout.connect(self._update_stats)
        self._remembered: str | None = None
        self._policy: tuple[str | None, Policy] | None = None
        model.snapshot_changed.connect(self.apply)
        model.source_requested.connect(self._on_source_requested)

    def show_image(self, frame: PresentedFrame) -> None:
        """Show the newest image."""
        self._video.show_image(frame)

    def apply(self, snapshot: Snapshot) -> None:
        """Show the newest snapshot."""
        displayed = self._video.view.displayed_fps() if is_playing(snapshot) else None
        self.displayed_fps = displayed
        self.rates = self._steady.read(snapshot, displayed)
        self.history.add(snapshot, self.rates)
        self._video.apply(snapshot)
        self._status.apply(snapshot, self.rates)
        if self.plots is not None:
            self.plots.apply(snapshot, self.rates)
        self.applied.emit(snapshot, self.rates)
        self._apply_engine_failure(snapshot)
        for severity, sentence in snapshot.notices:
            if sentence != snapshot.engine.step:  # the banner says it already, with its button
                self.show_notice(severity, sentence)
        self._remember(snapshot)
        self._tell_policy(snapshot)
        self._update_stats()

    def show_notice(self, severity: str, sentence: str) -> None:
        """Tell the user one sentence: errors stay until dismissed, the rest passes by."""
        if severity == "error" and self._banner.key != "engine":
            self._banner.show_message(f"notice {sentence}", sentence)
        else:
            self._status.show_notice(severity, sentence)

    def show_bound(self, found: Found | None) -> None:
        """Show what binds the video; None while that is not known."""
        self._status.show_bound(found)

    def show_stats_briefly(self) -> None:
        """Show the statistics on the video for a few seconds."""
        self._stats_timer.start()
        self._update_stats()

    def pin_stats(self, *, pinned: bool) -> None:
        """Keep the statistics on the video."""
        self._stats_pinned = pinned
        self._stats_timer.stop()
        self._update_stats()

    def clear_plots(self) -> None:
        """Forget the history."""
        self.history.clear()
        if self.plots is not None:
            self.plots.repaint_now()

    def _update_stats(self) -> None:
        view = self._video.view
        snapshot = self._model.snapshot
        if snapshot is None or not (self._stats_pinned or self._stats_timer.isActive()):
            view.set_stats(())
            return
        view.set_stats(stats_lines(snapshot, self.history, view.frame, self.rates))

    def _apply_engine_failure(self, snapshot: Snapshot) -> None:
        if snapshot.engine.phase is EnginePhase.FAILED:
            sentence = snapshot.engine.step or snapshot.error or "The engine has stopped."
            status = snapshot.recording
            if engine_has_died(snapshot) and status is not None and status.error:
                path = _kept_file(status)
                named = path is None or str(path) in status.error
                sentence = f"{sentence} {status.error}" + ("" if named else f" ({path})")
            self._banner.show_message("engine", sentence, *self._ways_out(snapshot))
        else:
            self._banner.take_back("engine")

    def _ways_out(self, snapshot: Snapshot) -> tuple[tuple[str, Callable[[], object]], ...]:
        """Return the buttons for an engine that failed: the same again helps only a dead one."""
        model = self._model
        if engine_has_died(snapshot):
            restart = ("Restart", model.restart)
            if model.engine.backend == "onnxruntime":
                return (restart,)
            return (restart, ("Use the CPU", self._restart_on_cpu))
        choose = ("Choose a model…", self.model_file_wanted.emit)
        plain = EngineConfig(threads=model.engine.threads)
        if model.engine.model != plain.model:
            return (
                ("Use the demo model", lambda: model.update_engine(model=plain.model)),
                choose,
            )
        if (model.engine.backend, model.engine.precision) != (plain.backend, plain.precision):
            return (
                (
                    "Use the automatic backend",
                    lambda: model.update_engine(
                        backend=plain.backend, precision=plain.precision, cuda=plain.cuda
                    ),
                ),
                choose,
            )
        return (("Try again", model.restart), choose)

    def _restart_on_cpu(self) -> None:
        self._model.update_engine(backend="onnxruntime", precision="auto", cuda=False)
        self._model.restart()

    def _tell_policy(self, snapshot: Snapshot) -> None:
        """Tell when the policy in effect changed although nobody asked for it."""
        uri = snapshot.source.uri if snapshot.source is not None else None
        before, self._policy = self._policy, (uri, snapshot.policy)
        if uri is None or before is None or before[0] != uri or before[1] is snapshot.policy:
            return
        if snapshot.policy is self._model.playback.policy:
            return
        self._status.show_notice("info", _POLICY_NEWS[snapshot.policy])

    def _remember(self, snapshot: Snapshot) -> None:
        source = snapshot.source
        shown = snapshot.state in {PlayState.PLAYING, PlayState.PAUSED}
        if source is not None and shown and source.uri != self._remembered:
            self._remembered = source.uri
            self._preferences.add_recent(source.name, source.uri)

    def _on_source_requested(self, _uri: str) -> None:
        self.history.clear()
        self._banner.take_back(self._banner.key)


def _kept_file(status: RecordingStatus) -> Path | None:
    """Return what a recording that was cut off has left."""
    paths = (status.partial, status.video, status.labels, status.coco)
    return next((path for path in paths if path is not None and path.exists()), None)
