"""Where a video comes from: file, address, camera by name, clips, recent; dialogs and drops."""

from pathlib import Path

from PySide6.QtCore import QMimeData, QObject
from PySide6.QtWidgets import QFileDialog, QInputDialog, QLineEdit, QMenu, QWidget

from rfviewer import log
from rfviewer.gui import icons
from rfviewer.gui.actions import ActionRegistry
from rfviewer.gui.background import Background
from rfviewer.gui.model import SessionModel
from rfviewer.gui.preferences import Preferences
from rfviewer.gui.services import NamedUri, WindowServices
from rfviewer.gui.text import tooltip

_VIDEO_FILTER = (
    "Videos and images (*.mp4 *.mkv *.mov *.avi *.webm *.ts *.m4v *.mpg *.jpg *.png *.bmp"
    " *.rfreplay);;All files (*)"
)


class SourceMenu(QObject):
    """Builds the source menu and opens what was chosen. Cameras are looked for on demand only."""

    def __init__(
        self,
        window: QWidget,
        model: SessionModel,
        services: WindowServices,
        preferences: Preferences,
        actions: ActionRegistry,
        background: Background,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._model = model
        self._services = services
        self._preferences = preferences
        self._background = background
        self._looking = False
        self.menu = QMenu(window)
        self.menu.addAction(actions["open_file"])
        self.menu.addAction(actions["open_folder"])
        self.menu.addAction(actions["open_address"])
        self.cameras = self.menu.addMenu("Cameras")
        self.cameras.aboutToShow.connect(self.look_for_cameras)
        self.clips = self.menu.addMenu("Demo clips")
        for name, uri in services.demo_clips:
            self._entry(self.clips, name, uri)
        self.clips.setEnabled(bool(services.demo_clips))
        self.menu.addSeparator()
        self.recent = self.menu.addMenu("Recent")
        self.recent.aboutToShow.connect(self.fill_recent)
        self.fill_recent()
        self._set_camera_note("Looking for cameras…")
        self.retint()

    def retint(self) -> None:
        """Draw the icons in the colours of the current palette."""
        for menu, name in (
            (self.cameras, "webcam"),
            (self.clips, "film"),
            (self.recent, "clock"),
        ):
            menu.setIcon(icons.icon(name))

    def open_file(self) -> None:
        """Ask for a file and open it."""
        dialog = QFileDialog(self._window, "Open video", "", _VIDEO_FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: self._model.open(path))
        dialog.open()

    def open_folder(self) -> None:
        """Ask for a folder and open its images as one video."""
        dialog = QFileDialog(self._window, "Open image folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda path: self._model.open(path))
        dialog.open()

    def open_address(self) -> None:
        """Ask for an address or a path and open it."""
        dialog = QInputDialog(self._window)
        dialog.setWindowTitle("Open address")
        dialog.setLabelText("RTSP or HTTP address, device or path:")
        dialog.setTextEchoMode(QLineEdit.EchoMode.Normal)
        dialog.setOkButtonText("Open")
        dialog.resize(480, dialog.sizeHint().height())
        dialog.textValueSelected.connect(self._on_address)
        dialog.open()

    def open_camera(self) -> None:
        """Show the cameras by name under the pointer's window."""
        self.look_for_cameras()
        self.cameras.popup(self._window.mapToGlobal(self._window.rect().center()))

    def open_clip(self) -> None:
        """Open the first demo clip, which is short and therefore starts over at its end."""
        if self._services.demo_clips:
            self._model.open(self._services.demo_clips[0][1], loop=True)

    def look_for_cameras(self) -> None:
        """List the cameras in the background; the menu tells that it is looking."""
        if self._looking:
            return
        self._looking = True
        self._set_camera_note("Looking for cameras…")
        self._background.run("cameras", self._services.list_cameras, self._on_cameras)

    def fill_recent(self) -> None:
        """List the recent sources."""
        self.recent.clear()
        entries = self._preferences.recent
        for name, uri in entries:
            self._entry(self.recent, name, uri)
        if entries:
            self.recent.addSeparator()
            self.recent.addAction("Clear").triggered.connect(self._on_clear_recent)
        self.recent.setEnabled(bool(entries))

    def _entry(self, menu: QMenu, name: str, uri: str) -> None:
        # An ampersand in a file name would become a mnemonic.
        action = menu.addAction(name.replace("&", "&&"))
        action.setToolTip(tooltip(log.redact(uri)))
        action.triggered.connect(lambda _checked=False, target=uri: self._model.open(target))

    def _set_camera_note(self, text: str) -> None:
        self.cameras.clear()
        self.cameras.addAction(text).setEnabled(False)

    def _on_address(self, text: str) -> None:
        if text.strip():
            self._model.open(text.strip())

    def _on_cameras(self, cameras: list[NamedUri]) -> None:
        self._looking = False
        if not cameras:
            self._set_camera_note("No camera found")
            return
        self.cameras.clear()
        for name, uri in cameras:
            self._entry(self.cameras, name, uri)

    def _on_clear_recent(self) -> None:
        self._preferences.clear_recent()
        self.fill_recent()


def dropped_source(mime: QMimeData) -> str | None:
    """Return the path or address of the first thing dropped; None when there is none."""
    for url in mime.urls():
        if url.isLocalFile():
            return str(Path(url.toLocalFile()))
        if url.scheme() in {"rtsp", "rtsps", "http", "https", "udp", "tcp"}:
            return url.toString()
    return None
