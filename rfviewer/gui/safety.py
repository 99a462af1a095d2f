"""What the window does about the last crash and the next one."""

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from rfviewer.gui.actions import ActionRegistry
from rfviewer.gui.background import Background
from rfviewer.gui.banner import Banner
from rfviewer.gui.crash_reports import CrashReports
from rfviewer.gui.live import LiveView
from rfviewer.gui.model import SessionModel
from rfviewer.gui.recovery import Recovery
from rfviewer.gui.safety_services import SafetyServices


class Safety(QObject):
    """Recovery of recordings, crash reports, and the offer of safe mode. GUI thread only."""

    def __init__(
        self,
        window: QWidget,
        *,
        services: SafetyServices,
        model: SessionModel,
        actions: ActionRegistry,
        background: Background,
        banner: Banner,
        live: LiveView,
    ) -> None:
        super().__init__(window)
        self._services, self._model = services, model
        self._banner, self._live = banner, live
        self.recovery = Recovery(window, services, background)
        self.reports = CrashReports(window, model, services, background)
        self.reports.notice.connect(live.show_notice)
        actions["recover"].triggered.connect(self._look_when_asked)
        actions["bug_report"].triggered.connect(self.reports.ask_where)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Catch what nobody else does while the block runs."""
        with self.reports.catching():
            yield

    def begin(self) -> None:
        """Offer what the last run left behind; once, after the window has appeared."""
        self.recovery.look()
        if not self._services.ended_badly:
            return
        buttons = [("Save report…", self.reports.ask_where)]
        if self._services.safe_settings is not None:
            buttons.insert(0, ("Go on in safe mode", self.enter_safe_mode))
        self._banner.show_message(
            "unclean end",
            "rfviewer did not end properly last time. If that happens again, safe mode helps:"
            " default settings, the demo model on the CPU.",
            *buttons,
        )

    def enter_safe_mode(self) -> None:
        """Set what safe mode sets; the video goes on."""
        settings = self._services.safe_settings
        if settings is None:
            return
        engine, playback = settings.engine, settings.playback
        self._model.set_optimizations(settings.optimizations)
        self._model.update_engine(
            model=engine.model,
            backend=engine.backend,
            precision=engine.precision,
            resize=engine.resize,
            threads=engine.threads,
            cuda=engine.cuda,
        )
        view = settings.view
        self._model.update_view(
            **{name: getattr(view, name) for name in ("threshold", "masks", "boxes", "labels")}
        )
        self._model.update_playback(
            policy=playback.policy, rate=playback.rate, decode=playback.decode
        )
        self._live.show_notice("info", "Safe mode: default settings, the demo model on the CPU.")

    def _look_when_asked(self) -> None:
        self.recovery.look(lambda: self._live.show_notice("info", "No recording was cut off."))
