"""Files of the lab: the trace, the report, and the replay of the last seconds."""

from collections import deque
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QVBoxLayout,
    QWidget,
)

from rfviewer.gui.background import Background
from rfviewer.gui.controls import Segments, label
from rfviewer.gui.lab_model import LabModel
from rfviewer.gui.model import SessionModel
from rfviewer.gui.outputs import Outputs
from rfviewer.gui.preferences import Preferences
from rfviewer.gui.rates import playing_rates
from rfviewer.gui.services import WindowServices
from rfviewer.gui.tokens import PAD_PX
from rfviewer.lab.describe import describe_set
from rfviewer.snapshot import FrameSample, Snapshot

REPLAY_SUFFIX = ".rfreplay"
KEPT_SAMPLES = 8_192
REPLAY_SECONDS = (5, 10, 20, 30)


class LabOutputs(QObject):
    """Asks where to, and writes beside the window. Keeps the samples that a file is made of.

    Signals:
        notice: (severity, sentence) for the user.
    """

    notice = Signal(str, str)

    def __init__(
        self,
        window: QWidget,
        *,
        model: SessionModel,
        lab: LabModel,
        outputs: Outputs,
        services: WindowServices,
        preferences: Preferences,
        background: Background,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._model = model
        self._lab = lab
        self._outputs = outputs
        self._services = services
        self._preferences = preferences
        self._background = background
        self.samples: deque[FrameSample] = deque(maxlen=KEPT_SAMPLES)
        self._queues: deque[tuple[int, dict[str, tuple[int, int]]]] = deque(maxlen=1024)

    def add(self, snapshot: Snapshot) -> None:
        """Keep the samples of a snapshot."""
        self.samples.extend(snapshot.samples)
        self._queues.append((snapshot.time_ns, dict(snapshot.queues)))

    def clear(self) -> None:
        """Forget the samples, as after another source was opened."""
        self.samples.clear()
        self._queues.clear()

    def export_trace(self) -> None:
        """Ask where to, then write the spans of the last seconds for Perfetto."""
        if not any(sample.timings.spans for sample in self.samples):
            self.notice.emit("warning", "There is nothing to trace yet: no stage was timed.")
            return
        self._ask("Export trace", "Perfetto trace (*.json)", ".trace.json", self.write_trace)

    def save_report(self) -> None:
        """Ask where to, then write figures and plots as one HTML file."""
        if not self.samples:
            self.notice.emit("warning", "There is nothing to report yet: no frame was inferred.")
            return
        self._ask("Save report", "Report (*.html)", ".html", self.write_report)

    def save_replay(self) -> None:
        """Ask for the length and where to, then let the session save it."""
        snapshot = self._model.snapshot
        if snapshot is None or snapshot.source is None:
            self.notice.emit("warning", "Open a source first; there is nothing to replay.")
            return
        dialog = ReplayDialog(self._window)
        dialog.accepted.connect(lambda: self._ask_replay(dialog.seconds))
        dialog.open()

    def write_trace(self, path: Path) -> None:
        """Write the trace on a background thread and tell when it is done."""
        samples, queues, about = tuple(self.samples), tuple(self._queues), self.metadata()

        def job() -> int:
            # Imported here: it is needed by those who export, and not by every start.
            from rfviewer.lab.trace import write_trace

            return write_trace(path, samples, metadata=about, queues=queues, overwrite=True)

        self._background.run(
            "trace",
            job,
            lambda count: self.notice.emit("info", f"Saved {path} ({count} pieces of work)"),
        )

    def write_report(self, path: Path) -> None:
        """Write the report on a background thread and tell when it is done."""
        about, samples = self.metadata(), tuple(self.samples)
        found = (status.result for status in self._lab.results.values())
        results = tuple(result for result in found if result is not None)
        parity = self._lab.parity.total
        if parity is not None:
            results += (parity,)
        snapshot, machine = self._model.snapshot, self._services.about_machine
        info = snapshot.engine.info if snapshot is not None else None

        def job() -> None:
            # Imported here: it is needed by those who export, and not by every start.
            from rfviewer.lab.report import ReportData, write_report

            hardware, versions = machine()
            data = ReportData(
                title=about.get("source", "rfviewer"),
                made_with=about,
                samples=samples,
                hardware=hardware,
                versions=versions,
                toggles=info.toggles if info is not None else (),
                results=results,
                device=snapshot.device if snapshot is not None else None,
                source_fps=None if snapshot is None else playing_rates(snapshot, None).source,
            )
            write_report(path, data, overwrite=True)

        self._background.run("report", job, lambda _: self.notice.emit("info", f"Saved {path}"))

    def metadata(self) -> dict[str, str]:
        """Return what a file of the lab says about the run: versions, engine, settings, command."""
        about = {
            "rfviewer": self._services.version,
            "versions": self._services.versions_text(),
            "command": self._outputs.command(),
        }
        snapshot = self._model.snapshot
        if snapshot is not None and snapshot.engine.info is not None:
            info = snapshot.engine.info
            about |= {
                "model": info.model,
                "backend": info.backend,
                "precision": info.precision,
                "device": info.device,
            }
        if snapshot is not None and snapshot.source is not None:
            source = snapshot.source
            about["source"] = f"{source.name} {source.width}x{source.height} {source.codec}".strip()
        about["optimizations"] = describe_set(self._model.optimizations)
        return about

    def _ask_replay(self, seconds: int) -> None:
        def save(path: Path) -> None:
            self._model.session.save_replay(path, float(seconds))

        self._ask(f"Save the last {seconds} s", f"Replay (*{REPLAY_SUFFIX})", REPLAY_SUFFIX, save)

    def _ask(self, title: str, kind: str, ending: str, write: Callable[[Path], object]) -> None:
        folder = self._preferences.folder("lab") or self._services.default_videos_dir
        if not self._outputs.made(folder):
            return
        path = self._services.free_path(folder / f"{self._outputs.file_stem()}{ending}")
        dialog = QFileDialog(self._window, title, str(folder))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(kind)
        dialog.selectFile(path.name)

        def chosen(text: str) -> None:
            target = Path(text)
            if not target.name.lower().endswith(ending):
                target = target.with_name(target.name + ending)
            self._preferences.set_folder("lab", target.parent)
            write(target)

        dialog.fileSelected.connect(chosen)
        dialog.open()


class ReplayDialog(QDialog):
    """Asks how many seconds a replay keeps."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Save the last seconds")
        column = QVBoxLayout(self)
        column.setContentsMargins(PAD_PX, PAD_PX, PAD_PX, PAD_PX)
        column.setSpacing(PAD_PX)
        form = QFormLayout()
        choices = {f"{seconds} s": seconds for seconds in REPLAY_SECONDS}
        self._length: Segments[int] = Segments("Length", choices)
        self.seconds = 10
        self._length.set_value(self.seconds)
        self._length.chosen.connect(self._on_chosen)
        caption = label("Length")
        form.addRow(caption, self._length)
        column.addLayout(form)
        note = label(
            "Keeps the encoded source, the settings and the results. Opening the file runs the "
            "same frames again, under these or other switches. It reaches back at most to the last "
            "jump, loop or opening of a source; if that makes it shorter, it says so.",
            muted=True,
        )
        note.setWordWrap(True)
        note.setMinimumWidth(note.fontMetrics().horizontalAdvance("n") * 48)
        column.addWidget(note)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Save | kinds.Cancel)
        buttons.button(kinds.Save).setText("Save as…")
        for button in buttons.buttons():
            button.setIcon(QIcon())
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)

    def _on_chosen(self, seconds: int) -> None:
        self.seconds = seconds
