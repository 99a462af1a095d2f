"""What leaves the window: recordings, the export of a whole file, screenshots, the command line."""

from datetime import datetime
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from rfviewer.config import Playback, Policy
from rfviewer.errors import RfviewerError
from rfviewer.gui.model import SessionModel
from rfviewer.gui.preferences import Preferences
from rfviewer.gui.services import WindowServices
from rfviewer.interfaces import RecordingRequest, ScreenshotKind
from rfviewer.snapshot import PlayState, Snapshot


class Outputs(QObject):
    """Names files after the source and the moment, and never overwrites one.

    Signals:
        notice: (severity, sentence) for the user.
    """

    notice = Signal(str, str)

    def __init__(
        self,
        window: QWidget,
        model: SessionModel,
        services: WindowServices,
        preferences: Preferences,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._model = model
        self._services = services
        self._preferences = preferences
        self._exporting = False
        self._playback_before: Playback | None = None
        self._was_active = False
        self.record_menu = QMenu(window)
        self._options = {}
        for name, text, default in (
            ("record_video", "Annotated video (MP4)", True),
            ("record_labels", "Labels (JSONL)", False),
            ("record_coco", "COCO JSON", False),
        ):
            option = self.record_menu.addAction(text)
            option.setCheckable(True)
            option.setChecked(preferences.flag(name, default=default))
            option.toggled.connect(
                lambda checked, key=name: preferences.set_flag(key, value=checked)
            )
            self._options[name] = option
        model.snapshot_changed.connect(self._on_snapshot)

    def toggle_recording(self) -> None:
        """Start a recording of what was ticked, or stop the running one."""
        if self._model.recording:
            self._model.stop_recording()
            return
        wanted = {name: option.isChecked() for name, option in self._options.items()}
        if not any(wanted.values()):
            self.notice.emit("warning", "Tick at least one output in the menu of Record.")
            return
        stem = self._services.default_videos_dir / f"{self._stem()}-{_moment()}"
        free = self._services.free_path
        self._model.start_recording(
            RecordingRequest(
                video=free(stem.with_suffix(".mp4")) if wanted["record_video"] else None,
                labels=free(stem.with_suffix(".jsonl")) if wanted["record_labels"] else None,
                coco=free(stem.with_suffix(".coco.json")) if wanted["record_coco"] else None,
                command=self.command(),
            )
        )

    def export_video(self) -> None:
        """Ask for a path, then process the whole file frame by frame into it."""
        source = self._model.snapshot.source if self._model.snapshot else None
        if source is None or source.live or self._model.recording:
            self.notice.emit(
                "warning", "Open a video file first; a live source is recorded with r."
            )
            return
        path = self._services.default_videos_dir / f"{self._stem()}-masks.mp4"
        dialog = QFileDialog(self._window, "Export annotated video", str(path.parent))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter("MP4 video (*.mp4)")
        dialog.setDefaultSuffix("mp4")
        dialog.selectFile(self._services.free_path(path).name)
        dialog.fileSelected.connect(self.start_export)
        dialog.open()

    def start_export(self, path: str) -> None:
        """Process the open file from its start into `path`; the dialog asked about overwriting."""
        uri = self._model.source_uri
        if uri is None:
            return
        self._playback_before = self._model.playback
        self._exporting, self._was_active = True, False
        session = self._model.session
        session.open(uri, Playback(policy=Policy.EVERY_FRAME, rate=None, paused=True))
        session.start_recording(
            RecordingRequest(video=Path(path), overwrite=True, command=self.command())
        )
        session.play()

    @property
    def exporting(self) -> bool:
        """Whether a whole file is being processed."""
        return self._exporting

    def screenshot(self, kind: ScreenshotKind) -> None:
        """Save the frame on display."""
        snapshot = self._model.snapshot
        if snapshot is None or snapshot.frame_index is None:
            self.notice.emit("warning", "There is no frame to save yet.")
            return
        name = f"{self._stem()}-{snapshot.frame_index:06d}-{_moment()}.png"
        path = self._services.free_path(self._services.default_pictures_dir / name)
        self._model.screenshot(path, kind)

    def screenshot_window(self) -> None:
        """Save the whole window as it looks."""
        name = f"rfviewer-window-{_moment()}.png"
        path = self._services.free_path(self._services.default_pictures_dir / name)
        if self.save_window(path):
            self.notice.emit("info", f"Saved {path}")

    def save_window(self, path: Path) -> bool:
        """Save the whole window to `path`; False and a notice when that fails."""
        image = self._window.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        rows = np.frombuffer(image.constBits(), np.uint8)
        pixels = rows.reshape(image.height(), image.bytesPerLine())[:, : image.width() * 4]
        bgra = pixels.reshape(image.height(), image.width(), 4).copy()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._services.write_png(path, bgra, {"command": self.command()})
        except (RfviewerError, OSError) as error:
            self.notice.emit("error", str(error))
            return False
        return True

    def command(self) -> str:
        """Return the command line that reproduces what is set now."""
        return self._services.command_for(self._model.settings, self._model.source_uri)

    def copy_command(self) -> None:
        """Put that command line on the clipboard."""
        command = self.command()
        QGuiApplication.clipboard().setText(command)
        self.notice.emit("info", f"Copied: {command}")

    def _stem(self) -> str:
        source = self._model.snapshot.source if self._model.snapshot else None
        name = Path(source.name).stem if source is not None else "rfviewer"
        cleaned = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
        return cleaned.strip("._")[:60] or "rfviewer"

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        status = snapshot.recording
        active = status is not None and status.active
        if self._exporting and active and snapshot.state is PlayState.ENDED:
            self._model.stop_recording()
        if self._was_active and status is not None and not active:
            if status.error:
                self.notice.emit("error", status.error)
            else:
                path = status.video or status.labels
                self.notice.emit("info", f"Saved {path} ({status.frames} frames)")
            if self._exporting:
                self._exporting = False
                if self._playback_before is not None:
                    self._model.session.set_playback(self._playback_before)
        self._was_active = active


def _moment() -> str:
    return datetime.now().astimezone().strftime("%H%M%S%f")[:9]
