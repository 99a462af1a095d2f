"""The centre: header, video, and what stands in for the video when there is none."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from rfviewer import log
from rfviewer.gui.controls import rule
from rfviewer.gui.live_bar import LiveBar
from rfviewer.gui.margins import without_margins
from rfviewer.gui.model import SessionModel
from rfviewer.gui.video_header import VideoHeader
from rfviewer.gui.video_messages import ErrorPanel, LoadingPanel, StartPanel
from rfviewer.gui.video_view import VideoView
from rfviewer.gui.welcome_bar import WelcomeBar
from rfviewer.snapshot import EnginePhase, LivePhase, PlayState, PresentedFrame, Snapshot

_SHOWN = {PlayState.PLAYING, PlayState.PAUSED, PlayState.ENDED}


class VideoArea(QWidget):
    """Decides which page is shown: start, loading, error or video.

    Signals:
        action_wanted: id of an action that a card or a button of a page stands for.
    """

    action_wanted = Signal(str)

    def __init__(self, model: SessionModel) -> None:
        super().__init__()
        self._model = model
        self.header = VideoHeader()
        self.view = VideoView()
        self.start_panel = StartPanel()
        self.loading_panel = LoadingPanel()
        self.error_panel = ErrorPanel()
        self.welcome = WelcomeBar()
        self.live = LiveBar()
        self.pages = QStackedWidget()
        # The stack has the focus and not a page: pages come and go, and a hidden one would hand
        # the keyboard to the next control.
        self.pages.setAccessibleName("Video")
        self.pages.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for page in (self.loading_panel, self.start_panel, self.error_panel, self.view):
            self.pages.addWidget(page)
        column = without_margins(QVBoxLayout(self), spacing_px=0)
        column.addWidget(self.header)
        column.addWidget(rule())
        column.addWidget(self.welcome)
        column.addWidget(self.live)
        column.addWidget(self.pages, 1)
        self.view.zoom_changed.connect(self._on_zoom_changed)
        self.header.zoom_chosen.connect(self.view.set_zoom)
        self.start_panel.chosen.connect(self.action_wanted)
        self.welcome.chosen.connect(self.action_wanted)
        self.error_panel.open_other.connect(lambda: self.action_wanted.emit("open_file"))
        self.error_panel.try_again.connect(self._on_try_again)
        self.live.retry.connect(lambda: model.session.retry_now())
        self.live.stop.connect(lambda: model.session.give_up())
        model.source_requested.connect(self._on_source_requested)
        self._on_zoom_changed()

    def take_focus(self) -> None:
        """Let the keys belong to the video."""
        self.pages.setFocus()

    def show_image(self, frame: PresentedFrame) -> None:
        """Show the newest image."""
        self.view.set_frame(frame)
        if self.pages.currentWidget() is self.loading_panel:
            self._show_page(self.view)

    def apply(self, snapshot: Snapshot) -> None:
        """Choose the page for the newest state."""
        frame = self.view.frame
        self.header.apply(snapshot, frame)
        lost = snapshot.state is PlayState.FAILED or snapshot.engine.phase is EnginePhase.FAILED
        live = snapshot.live
        silent = live is not None and live.phase not in (LivePhase.PLAYING, LivePhase.CONNECTING)
        self.live.apply(live)
        self.view.set_greyed(greyed=lost or silent)
        if frame is not None and snapshot.state in _SHOWN:
            self.welcome.setVisible(False)  # it is about how to begin
        if snapshot.state is PlayState.FAILED and snapshot.engine.phase is not EnginePhase.FAILED:
            self.error_panel.show_error(snapshot.error)
            self._show_page(self.error_panel)
        elif snapshot.state is PlayState.IDLE:
            self._show_page(self.start_panel)
        elif frame is not None:
            self._show_page(self.view)
        else:
            if snapshot.engine.phase is EnginePhase.LOADING:
                self.loading_panel.show_engine(snapshot.engine)
            else:
                # An open source without an image waits for its first masks.
                opening = "Opening" if live is None else "Connecting"
                self.loading_panel.show_busy(
                    opening if snapshot.source is None else "Waiting for the first frame"
                )
            self._show_page(self.loading_panel)

    def _show_page(self, page: QWidget) -> None:
        old = self.pages.currentWidget()
        if old is None or old is page:
            return
        had_focus = self.window().focusWidget() in old.findChildren(QWidget)
        self.pages.setCurrentWidget(page)
        if had_focus:
            self.take_focus()

    def _on_source_requested(self, uri: str) -> None:
        self.view.clear()
        name = log.redact(uri).rsplit("/", 1)[-1]
        self.loading_panel.show_busy(f"Opening {name}")
        self._show_page(self.loading_panel)

    def _on_try_again(self) -> None:
        uri = self._model.source_uri
        if uri is not None:
            self._model.open(uri)

    def _on_zoom_changed(self) -> None:
        self.header.set_zoom(self.view.zoom, fits=self.view.fits)
