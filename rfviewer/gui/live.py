"""Hands the newest image and snapshot to every part of the window that shows them."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from rfviewer.gui.banner import Banner
from rfviewer.gui.history import History
from rfviewer.gui.model import SessionModel
from rfviewer.gui.preferences import Preferences
from rfviewer.gui.stats_text import stats_lines
from rfviewer.gui.status_strip import StatusStrip
from rfviewer.gui.video_area import VideoArea
from rfviewer.snapshot import EnginePhase, PlayState, PresentedFrame, Snapshot

if TYPE_CHECKING:
    from rfviewer.gui.plot_strip import PlotStrip

STATS_SHORT_MS = 4_000


class LiveView(QObject):
    """What runs while the session runs. GUI thread only."""

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
        self._stats_pinned = False
        self._stats_timer = QTimer(self, singleShot=True, interval=STATS_SHORT_MS)
        self._stats_timer.timeout.connect(self._update_stats)
        self._remembered: str | None = None
        model.snapshot_changed.connect(self.apply)
        model.source_requested.connect(self._on_source_requested)

    def show_image(self, frame: PresentedFrame) -> None:
        """Show the newest image."""
        self._video.show_image(frame)

    def apply(self, snapshot: Snapshot) -> None:
        """Show the newest snapshot."""
        displayed = self._video.view.displayed_fps()
        self.history.add(snapshot, displayed)
        self._video.apply(snapshot)
        self._status.apply(snapshot, displayed)
        if self.plots is not None:
            self.plots.apply(snapshot)
        self._apply_engine_failure(snapshot)
        for severity, sentence in snapshot.notices:
            if sentence != snapshot.engine.step:  # the banner says it already, with its button
                self.show_notice(severity, sentence)
        self._remember(snapshot)
        self._update_stats()

    def show_notice(self, severity: str, sentence: str) -> None:
        """Tell the user one sentence: errors stay until dismissed, the rest passes by."""
        if severity == "error" and self._banner.key != "engine":
            self._banner.show_message(f"notice {sentence}", sentence)
        else:
            self._status.show_notice(severity, sentence)

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
        view.set_stats(stats_lines(snapshot, self.history, view.frame, view.displayed_fps()))

    def _apply_engine_failure(self, snapshot: Snapshot) -> None:
        if snapshot.engine.phase is EnginePhase.FAILED:
            sentence = snapshot.engine.step or snapshot.error or "The engine has stopped."
            self._banner.show_message("engine", sentence, "Restart", self._model.restart)
        else:
            self._banner.take_back("engine")

    def _remember(self, snapshot: Snapshot) -> None:
        source = snapshot.source
        shown = snapshot.state in {PlayState.PLAYING, PlayState.PAUSED}
        if source is not None and shown and source.uri != self._remembered:
            self._remembered = source.uri
            self._preferences.add_recent(source.name, source.uri)

    def _on_source_requested(self, _uri: str) -> None:
        self.history.clear()
        self._banner.take_back(self._banner.key)
