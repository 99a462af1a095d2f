"""What leaves the window: recordings, the export of a whole file, screenshots, the command line."""

from datetime import datetime
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from rfviewer.config import Playback, Policy
from rfviewer.errors import RfviewerError, SinkError
from rfviewer.gui.model import SessionModel, recording_runs
from rfviewer.gui.preferences import Preferences
from rfviewer.gui.services import WindowServices
from rfviewer.interfaces import RecordingRequest, ScreenshotKind
from rfviewer.snapshot import PlayState, Snapshot

_EXPORTS = {
    "Annotated video, MP4 (*.mp4)": "mp4",
    "Labels, JSONL (*.jsonl)": "jsonl",
    "COCO JSON (*.json)": "json",
}


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
        self.record_menu.addSeparator()
        self.record_menu.addAction("Record as…").triggered.connect(self.record_as)
        self.shot_menu = QMenu(window)
        for text, slot in (
            ("With masks", lambda: self.screenshot("annotated")),
            ("Without masks", lambda: self.screenshot("raw")),
            ("Of the window", self.screenshot_window),
            ("Save as…", self.screenshot_as),
        ):
            self.shot_menu.addAction(text).triggered.connect(
                lambda _checked=False, call=slot: call()
            )
        model.snapshot_changed.connect(self._on_snapshot)

    def toggle_recording(self) -> None:
        """Start a recording of what was ticked, or stop the running one."""
        if self._model.recording:
            self._model.stop_recording()
            return
        self._record(self._videos_dir() / f"{self.file_stem()}-{_moment()}")

    def record_as(self) -> None:
        """Ask where to record to, then start; the folder is remembered."""
        if self._model.recording:
            self.notice.emit("warning", "A recording is running already; stop it first.")
            return
        dialog = self._save_dialog(
            "Record as", self._videos_dir(), f"{self.file_stem()}-{_moment()}"
        )
        dialog.fileSelected.connect(self._on_record_path)
        dialog.open()

    def _on_record_path(self, path: str) -> None:
        self._preferences.set_folder("videos", Path(path).parent)
        stem = Path(path)
        self._record(stem.with_suffix("") if stem.suffix == ".mp4" else stem)

    def _record(self, stem: Path) -> None:
        wanted = {name: option.isChecked() for name, option in self._options.items()}
        if not any(wanted.values()):
            self.notice.emit("warning", "Tick at least one output in the menu of Record.")
            return
        if not self.made(stem.parent):
            return
        free = self._services.free_path
        self._model.start_recording(
            RecordingRequest(
                video=free(_with_ending(stem, ".mp4")) if wanted["record_video"] else None,
                labels=free(_with_ending(stem, ".jsonl")) if wanted["record_labels"] else None,
                coco=free(_with_ending(stem, ".coco.json")) if wanted["record_coco"] else None,
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
        path = self._services.free_path(self._videos_dir() / f"{self.file_stem()}-masks.mp4")
        dialog = self._save_dialog("Export the whole file", path.parent, path.stem)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite, False)  # noqa: FBT003 - Qt's
        dialog.setNameFilters(list(_EXPORTS))
        dialog.filterSelected.connect(lambda name: dialog.setDefaultSuffix(_EXPORTS[name]))
        dialog.fileSelected.connect(self.start_export)
        dialog.open()

    def start_export(self, path: str) -> None:
        """Process the open file from its start into `path`; the dialog asked about overwriting.

        The name's ending chooses: .jsonl labels, .json COCO, anything else the annotated video.
        """
        uri, target = self._model.source_uri, Path(path)
        if uri is None or not self.made(target.parent):
            return
        self._preferences.set_folder("videos", target.parent)
        ending = target.suffix.lower()
        request = RecordingRequest(
            video=target if ending not in {".jsonl", ".json"} else None,
            labels=target if ending == ".jsonl" else None,
            coco=target if ending == ".json" else None,
            overwrite=True,
            command=self.command(),
        )
        self._playback_before = self._model.playback
        self._exporting, self._was_active = True, False
        decode = self._model.playback.decode.for_files
        playback = Playback(policy=Policy.EVERY_FRAME, rate=None, decode=decode)
        self._model.session.open(uri, playback, recording=request)

    @property
    def exporting(self) -> bool:
        """Whether a whole file is being processed."""
        return self._exporting

    def screenshot(self, kind: ScreenshotKind) -> None:
        """Save the frame on display."""
        name = self._shot_name()
        if name and self.made(self._pictures_dir()):
            path = self._services.free_path(self._pictures_dir() / f"{name}.png")
            self._model.screenshot(path, kind)

    def screenshot_as(self) -> None:
        """Ask where the frame on display is saved to; the folder is remembered."""
        name = self._shot_name()
        if not name:
            return
        dialog = self._save_dialog("Save screenshot as", self._pictures_dir(), name)
        dialog.setNameFilter("PNG image (*.png)")
        dialog.setDefaultSuffix("png")
        dialog.fileSelected.connect(self._on_shot_path)
        dialog.open()

    def _on_shot_path(self, path: str) -> None:
        self._preferences.set_folder("pictures", Path(path).parent)
        if self.made(Path(path).parent):
            self._model.screenshot(self._services.free_path(Path(path)), "annotated")

    def _shot_name(self) -> str:
        snapshot = self._model.snapshot
        if snapshot is None or snapshot.frame_index is None:
            self.notice.emit("warning", "There is no frame to save yet.")
            return ""
        return f"{self.file_stem()}-{snapshot.frame_index:06d}-{_moment()}"

    def screenshot_window(self) -> None:
        """Save the whole window as it looks."""
        name = f"rfviewer-window-{_moment()}.png"
        path = self._services.free_path(self._pictures_dir() / name)
        try:
            self.write_window(path)
        except RfviewerError as error:
            self.notice.emit("error", str(error))
        else:
            self.notice.emit("info", f"Saved {path}")

    def write_window(self, path: Path) -> None:
        """Save the whole window to `path`, whose folder is made if need be.

        Raises:
            SinkError: when the folder or the file cannot be written.
        """
        _make_folder(path.parent)
        image = self._window.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        rows = np.frombuffer(image.constBits(), np.uint8)
        pixels = rows.reshape(image.height(), image.bytesPerLine())[:, : image.width() * 4]
        bgra = pixels.reshape(image.height(), image.width(), 4).copy()
        about = {"software": f"rfviewer {self._services.version}", "command": self.command()}
        about["versions"] = self._services.versions_text()
        self._services.write_png(path, bgra, about)

    def command(self) -> str:
        """Return the command line that reproduces what is set now."""
        return self._services.command_for(self._model.settings, self._model.source_uri)

    def copy_command(self) -> None:
        """Put that command line on the clipboard."""
        command = self.command()
        QGuiApplication.clipboard().setText(command)
        self.notice.emit("info", f"Copied: {command}")

    def _videos_dir(self) -> Path:
        return self._preferences.folder("videos") or self._services.default_videos_dir

    def _pictures_dir(self) -> Path:
        return self._preferences.folder("pictures") or self._services.default_pictures_dir

    def made(self, folder: Path) -> bool:
        """Make `folder` if it is missing; False and a notice when that fails."""
        try:
            _make_folder(folder)
        except SinkError as error:
            self.notice.emit("error", str(error))
            return False
        return True

    def _save_dialog(self, title: str, folder: Path, name: str) -> QFileDialog:
        """Return a dialog for a video's name; names in use get a number instead of a question."""
        self.made(folder)
        dialog = QFileDialog(self._window, title, str(folder))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.setNameFilter("MP4 video (*.mp4)")
        dialog.setDefaultSuffix("mp4")
        dialog.selectFile(name)
        return dialog

    def file_stem(self) -> str:
        """Return a name for files, after the source."""
        source = self._model.snapshot.source if self._model.snapshot else None
        name = Path(source.name).stem if source is not None else "rfviewer"
        cleaned = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
        return cleaned.strip("._")[:60] or "rfviewer"

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        status = snapshot.recording
        active = recording_runs(snapshot)
        if self._exporting and active and snapshot.state is PlayState.ENDED:
            self._model.stop_recording()
        if self._was_active and status is not None and not active:
            if status.error:
                self.notice.emit("error", status.error)
            elif not status.frames:
                self.notice.emit("warning", "Nothing was recorded: no frame was shown meanwhile.")
            else:
                path = status.video or status.labels
                many = "" if status.frames == 1 else "s"
                self.notice.emit("info", f"Saved {path} ({status.frames} frame{many})")
            if self._exporting:
                self._exporting = False
                if self._playback_before is not None:
                    self._model.session.set_playback(self._playback_before)
        self._was_active = active


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or "unknown reason"
        raise SinkError(
            f"The folder {folder} cannot be made ({why}); choose another one."
        ) from error


def _with_ending(stem: Path, ending: str) -> Path:
    return stem.with_name(stem.name + ending)  # a stem may hold dots of its own


def _moment() -> str:
    return datetime.now().astimezone().strftime("%H%M%S%f")[:9]
