"""The window: makes the parts and connects them. Each part lives in its own module.

Order at start: actions and widgets without data, first paint, then the plots (their library takes
a fifth of a second to load), models and polling.
"""

from typing import override

from PySide6.QtCore import QEvent, QTimer
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QHideEvent,
    QKeyEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QApplication, QMainWindow

from rfviewer.config import Settings
from rfviewer.gui import icons
from rfviewer.gui.action_table import Menu
from rfviewer.gui.actions import ActionRegistry, widget_owns_key
from rfviewer.gui.background import Background
from rfviewer.gui.banner import Banner
from rfviewer.gui.closing import ClosingQuestion, FinishingFiles
from rfviewer.gui.commands import Commands
from rfviewer.gui.focus import ControlManners
from rfviewer.gui.heartbeat import Heartbeat
from rfviewer.gui.lab_model import LabModel
from rfviewer.gui.lab_parts import LabParts
from rfviewer.gui.layout import MINIMUM_SIZE, WindowLayout
from rfviewer.gui.live import LiveView
from rfviewer.gui.menu_bar import MenuBar
from rfviewer.gui.model import SessionModel
from rfviewer.gui.outputs import Outputs
from rfviewer.gui.polling import Poller
from rfviewer.gui.preferences import Preferences
from rfviewer.gui.safety import Safety
from rfviewer.gui.services import WindowServices
from rfviewer.gui.side_panel import SidePanel
from rfviewer.gui.source_menu import SourceMenu, dropped_source
from rfviewer.gui.status_strip import StatusStrip
from rfviewer.gui.theme import ThemeChoice, ThemeController
from rfviewer.gui.theme_menu import theme_menu
from rfviewer.gui.top_bar import TopBar
from rfviewer.gui.transport import TransportBar
from rfviewer.gui.video_area import VideoArea
from rfviewer.session.interface import Session
from rfviewer.snapshot import Snapshot

CLOSE_TIMEOUT_S = 5.0
"""For a session that records, when the system wants the program to end."""
QUICK_CLOSE_S = 2.5
"""For one that has no files to finish."""


class MainWindow(QMainWindow):
    """The main window. Speaks to `session` only, through `SessionModel`."""

    def __init__(
        self,
        session: Session,
        services: WindowServices,
        settings: Settings,
        preferences: Preferences | None = None,
        theme: ThemeChoice | None = None,
    ) -> None:
        super().__init__()
        self.setWindowTitle("rfviewer")
        self.setWindowIcon(icons.app_icon())
        self.setMinimumSize(*MINIMUM_SIZE)
        self.setAcceptDrops(True)
        self._services = services
        self._closed = False
        self.last_words = ""
        """What became of a recording that closing has cut off, for stderr."""
        self.preferences = preferences if preferences is not None else Preferences()
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self.theme = ThemeController(app, theme or self.preferences.theme, self)
        self.model = SessionModel(session, settings, self)
        self.heartbeat = Heartbeat(self)
        self.background = Background(services.start_thread, self)
        self.poller = Poller(self.model, self)
        self.actions_ = ActionRegistry(self)
        self.sources = SourceMenu(
            self, self.model, services, self.preferences, self.actions_, self.background
        )
        self.outputs = Outputs(self, self.model, services, self.preferences)
        self.video = VideoArea(self.model)
        self.transport = TransportBar(self.model, self.actions_)
        self.lab = LabModel(self.model)
        self.panel = SidePanel(self.model, services, self.lab)
        self.status = StatusStrip()
        self.banner = Banner()
        self.theme_menu = theme_menu(self.theme, self._on_theme, self)
        self.lab_parts = LabParts(
            self,
            lab=self.lab,
            actions=self.actions_,
            services=services,
            preferences=self.preferences,
            background=self.background,
            outputs=self.outputs,
            view=self.video.view,
        )
        self.top_bar = TopBar(
            self.actions_, self.sources.menu, self.outputs, self.theme_menu, self.lab_parts.badge
        )
        self.layout_ = WindowLayout(
            self,
            self.preferences,
            bars=(self.top_bar, self.banner),
            video=self.video,
            transport=self.transport,
            strip=self.lab_parts.strip,
            side_panel=self.panel,
            status=self.status,
        )
        self.live = LiveView(
            self, self.model, self.preferences, self.video, self.status, self.banner
        )
        self._closing = ClosingQuestion(self, self.model, self.outputs)
        self._finishing = FinishingFiles(self, self.model)
        self.safety = Safety(
            self,
            services=services.safety,
            model=self.model,
            actions=self.actions_,
            background=self.background,
            banner=self.banner,
            live=self.live,
        )
        self.commands = Commands(
            self,
            actions=self.actions_,
            model=self.model,
            services=services,
            sources=self.sources,
            outputs=self.outputs,
            transport=self.transport,
            video=self.video,
            panel=self.panel,
            layout=self.layout_,
            live=self.live,
        )
        self._fill_menus()
        self._connect()
        self.layout_.restore()
        self._manners = ControlManners(self)
        self._manners.teach(self)
        self.video.take_focus()
        self._started = False

    def open_first(self, source: str | None) -> None:
        """Open `source`, or else welcome the user with the demo clip."""
        if source is not None:
            self.model.open(source, as_saved=False)  # the command line has seen to it
        elif self._services.demo_clips:
            self.actions_["open_clip"].trigger()
            self.video.welcome.setVisible(not self.preferences.flag("welcome_dismissed"))

    def show_notice(self, severity: str, sentence: str) -> None:
        """Tell the user one sentence."""
        self.live.show_notice(severity, sentence)

    def close_now(self) -> None:
        """Close without asking, as when the system or the command line says so."""
        self._closing.skip()
        self._finishing.skip()
        self.close()

    def _connect(self) -> None:
        self.theme.changed.connect(self._on_theme_changed)
        self.poller.image.connect(self.live.show_image)
        self.model.snapshot_changed.connect(self._on_snapshot)
        self.outputs.notice.connect(self.live.show_notice)
        self.background.failed.connect(lambda text: self.live.show_notice("error", text))
        self.video.welcome.dismissed.connect(
            lambda: self.preferences.set_flag("welcome_dismissed", value=True)
        )
        self.video.action_wanted.connect(lambda name: self.actions_[name].trigger())

    def _fill_menus(self) -> None:
        self.setMenuBar(MenuBar())
        menus = self.actions_.fill_menu_bar(self.menuBar())
        for menu in (self.sources.cameras, self.sources.clips, self.sources.recent):
            menus[Menu.FILE].insertMenu(self.actions_["open_clip"], menu)
        menus[Menu.VIEW].insertMenu(self.actions_["fullscreen"], self.theme_menu)

    def _start(self) -> None:
        """Build what the first paint did not need, then let the session's news in."""
        if self._closed:
            return
        # Imported here: pyqtgraph would keep the window from appearing for a fifth of a second.
        from rfviewer.gui.plot_strip import PlotStrip

        plots = PlotStrip(self.live.history)
        self.live.plots = plots
        self.lab_parts.fill_strip(plots, self.layout_, self.live)
        self.poller.start()
        self.background.run("models", self._services.list_models, self.panel.engine.set_models)
        self.heartbeat.start()

    def _on_theme(self, choice: ThemeChoice) -> None:
        self.preferences.theme = choice
        self.theme.set_choice(choice)

    def _on_theme_changed(self) -> None:
        self.actions_.retint()
        self.sources.retint()
        self.transport.retint()
        self.top_bar.retint()

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self.top_bar.set_recording(recording=self.model.recording)
        self.actions_.set_checked("record", checked=self.model.recording)
        self.actions_["record"].setEnabled(snapshot.source is not None)
        self.actions_["export_video"].setEnabled(
            snapshot.source is not None and not snapshot.source.live and not self.model.recording
        )
        name = f"{snapshot.source.name} \N{EN DASH} " if snapshot.source is not None else ""
        if self.windowTitle() != f"{name}rfviewer":
            self.setWindowTitle(f"{name}rfviewer")

    @override
    def event(self, event: QEvent) -> bool:
        # Qt asks the focus widget, then its parents, whether a key is theirs before it becomes a
        # shortcut. Answering here keeps Space on a focused button a press, and "5" in a field a 5.
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and widget_owns_key(QApplication.focusWidget(), event)
        ):
            event.accept()
            return True
        return super().event(event)

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.WindowStateChange and self._started:
            self._poll_as_visible()
        elif event.type() == QEvent.Type.FontChange:
            QTimer.singleShot(0, self, self.theme.follow_text_size)  # once all have the new font
        super().changeEvent(event)

    def _poll_as_visible(self) -> None:
        if self._closed:
            return
        if self.isVisible() and not self.isMinimized():
            self.poller.start()
        else:
            self.poller.idle()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._started:
            self._started = True
            QTimer.singleShot(0, self, self._start)
        else:
            self._poll_as_visible()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self._started:
            self._poll_as_visible()

    @override
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_source(event.mimeData()) is not None:
            event.acceptProposedAction()

    @override
    def dropEvent(self, event: QDropEvent) -> None:
        source = dropped_source(event.mimeData())
        if source is not None:
            event.acceptProposedAction()
            self.model.open(source)

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._closed and (self._closing.must_ask() or self._finishing.must_wait()):
            event.ignore()
            return
        if not self._closed:
            self._closed = True
            self.poller.stop()
            self.heartbeat.stop()
            self.background.close()
            self.layout_.save()
            self.preferences.sync()
            # Out of sight first: finalising a recording may take a moment.
            self.hide()
            recording = self.model.recording
            status = self.model.session.close(CLOSE_TIMEOUT_S if recording else QUICK_CLOSE_S)
            self.last_words = status.error if recording and status is not None else ""
        event.accept()
