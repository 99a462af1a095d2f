"""Section "Engine": which network runs where, what decodes, and what was really loaded."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout

from rfviewer.config import BACKEND_NAMES, PRECISIONS, EngineConfig, ResizeMode
from rfviewer.gui.controls import Segments, label
from rfviewer.gui.decode_control import DecodeControl
from rfviewer.gui.model import SessionModel
from rfviewer.gui.section import Section
from rfviewer.gui.text import tooltip
from rfviewer.gui.tokens import GAP_PX
from rfviewer.result import EngineInfo
from rfviewer.snapshot import EnginePhase, Snapshot

_FILE = "\0file"


def precisions_of(backend: str) -> tuple[str, ...]:
    """Return the precisions that a backend can be asked for; the model may refuse some."""
    if backend == "torch":
        return PRECISIONS
    if backend.startswith("tensorrt"):
        return tuple(name for name in PRECISIONS if name != "bf16")
    return ("auto", "fp32", "fp16")


@dataclass(slots=True)
class _Asked:
    """A request for another engine that was not answered yet."""

    kept: EngineConfig
    """What ran when it was made."""
    info: EngineInfo | None
    """What that engine was."""
    loaded: bool = False
    """Whether loading was seen."""
    error: str = ""
    """The newest complaint since."""


def _fits(engine: EngineConfig, info: EngineInfo) -> bool:
    """Whether `info` can be what `engine` asked for."""
    return (
        engine.backend in {"auto", info.backend}
        and info.model in {engine.model, Path(engine.model).name, Path(engine.model).stem}
        and engine.resize == info.resize
    )


class EnginePanel(Section):
    """Model, backend, precision, resize mode; below them what the engine reads back.

    Signals:
        model_file_wanted: the user wants to pick a model file.
    """

    model_file_wanted = Signal()

    def __init__(self, model: SessionModel) -> None:
        super().__init__("Engine")
        self._model = model
        self._models: list[tuple[str, str]] = []
        self._info: EngineInfo | None = None
        grid = QGridLayout()
        grid.setHorizontalSpacing(GAP_PX)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        self._model_box = self._combo("Model")
        self._model_box.activated.connect(self._on_model)
        self._backend_box = self._combo("Backend")
        for name in BACKEND_NAMES:
            self._backend_box.addItem("Automatic" if name == "auto" else name, name)
        self._backend_box.activated.connect(
            lambda index: model.update_engine(backend=self._backend_box.itemData(index))
        )
        self._precision = self._combo("Precision")
        self._precision.activated.connect(
            lambda index: model.update_engine(precision=self._precision.itemData(index))
        )
        self._resize = Segments("Resize mode", {"A": ResizeMode.A, "B": ResizeMode.B})
        self._resize.set_tooltip(
            ResizeMode.A, tooltip("Without antialiasing, as the rfdetr package predicts")
        )
        self._resize.set_tooltip(
            ResizeMode.B, tooltip("With antialiasing, as in training and Roboflow inference")
        )
        self._resize.chosen.connect(lambda value: model.update_engine(resize=value))
        self._facts = {
            name: label(muted=name != "Runs") for name in ("Runs", "Device", "Input", "Why")
        }
        rows = (
            ("Model", self._model_box),
            ("Backend", self._backend_box),
            ("Precision", self._precision),
            ("Resize", self._resize),
            ("Decode", DecodeControl(model)),
            *((name, widget) for name, widget in self._facts.items()),
        )
        for index, (name, widget) in enumerate(rows):
            grid.addWidget(label(name, muted=True), index, 0)
            # An unaligned control of fixed width would limit the width of the whole column.
            if isinstance(widget, Segments):
                grid.addWidget(widget, index, 1, Qt.AlignmentFlag.AlignLeft)
            else:
                grid.addWidget(widget, index, 1)
        for fact in self._facts.values():
            fact.setWordWrap(True)
            fact.setText("\N{EN DASH}")
        self.body.addLayout(grid)
        self.error = label()
        self.error.setObjectName("Bad")
        self.error.setWordWrap(True)
        self.error.setVisible(False)
        self.body.addWidget(self.error)
        self._shown_engine = model.engine
        self._asked: _Asked | None = None
        model.engine_changed.connect(self._on_model_changed)
        model.snapshot_changed.connect(self._on_snapshot)
        self.set_models([])

    def set_models(self, models: list[tuple[str, str]]) -> None:
        """Offer these (name, description) models."""
        self._models = models
        self._on_engine(self._model.engine)

    def _combo(self, name: str) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName(name)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(12)
        return box

    def _on_model(self, index: int) -> None:
        name = self._model_box.itemData(index)
        if name == _FILE:
            self._on_engine(self._model.engine)
            self.model_file_wanted.emit()
        else:
            self._model.update_engine(model=name)

    def _on_request(self, engine: EngineConfig) -> None:
        before, self._shown_engine = self._shown_engine, engine
        # Of several requests in a row, what ran before the first one is what still runs.
        kept = self._asked.kept if self._asked is not None else before
        self._asked = _Asked(kept, self._info)
        self._tell("")
        self._on_engine(engine)

    def _tell(self, sentence: str) -> None:
        self.error.setText(sentence)
        self.error.setVisible(bool(sentence))

    def _follow_request(self, snapshot: Snapshot) -> None:
        """Go back to what runs when the engine asked for was refused."""
        status, asked = snapshot.engine, self._asked
        if status.phase is EnginePhase.FAILED:
            self._asked = None
            self._tell(status.step)
        if asked is None or self._asked is None:
            if status.phase is EnginePhase.READY and status.info != self._info:
                self._tell("")
            return
        errors = [text for severity, text in snapshot.notices if severity != "info"]
        asked.error = errors[-1] if errors else asked.error
        asked.loaded |= status.phase is EnginePhase.LOADING
        if status.phase is not EnginePhase.READY or status.info is None:
            return
        if asked.error and (
            status.info == asked.info or not _fits(self._shown_engine, status.info)
        ):
            self._asked = None
            self._shown_engine = asked.kept
            self._model.engine_refused(asked.kept)
            self._on_engine(asked.kept)
            self._tell(asked.error)
        elif (asked.loaded or status.info != asked.info) and _fits(self._shown_engine, status.info):
            self._asked = None

    def _on_model_changed(self, engine: EngineConfig) -> None:
        if engine != self._shown_engine:
            self._on_request(engine)

    def _on_engine(self, engine: EngineConfig) -> None:
        with QSignalBlocker(self._model_box):
            self._model_box.clear()
            names = [name for name, _ in self._models]
            for name, description in self._models:
                self._model_box.addItem(name, name)
                tip = tooltip(description)
                self._model_box.setItemData(self._model_box.count() - 1, tip, 3)  # ToolTipRole
            if engine.model not in names:
                self._model_box.addItem(Path(engine.model).name, engine.model)
            self._model_box.setCurrentIndex(self._model_box.findData(engine.model))
            self._model_box.addItem("Open model file…", _FILE)
        with QSignalBlocker(self._backend_box):
            self._backend_box.setCurrentIndex(self._backend_box.findData(engine.backend))
        self._offer_precisions(engine)
        self._resize.set_value(engine.resize)

    def _offer_precisions(self, engine: EngineConfig) -> None:
        """List what the backend takes, and what is asked for in any case."""
        backend = engine.backend
        if backend == "auto" and self._info is not None:
            backend = self._info.backend
        offered = [n for n in PRECISIONS if n in {*precisions_of(backend), engine.precision}]
        box = self._precision
        with QSignalBlocker(box):
            if [box.itemData(index) for index in range(box.count())] != offered:
                box.clear()
                for name in offered:
                    box.addItem("Automatic" if name == "auto" else name, name)
            box.setCurrentIndex(box.findData(engine.precision))

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self._follow_request(snapshot)
        status = snapshot.engine
        info = status.info
        if info is not None and info != self._info:
            self._info = info
            self._offer_precisions(self._shown_engine)
        words = {EnginePhase.LOADING: "loading", EnginePhase.FAILED: "failed"}
        if info is None or status.phase is not EnginePhase.READY:
            self.set_summary(words.get(status.phase, ""))
            for fact in self._facts.values():
                fact.setText("\N{EN DASH}")
            return
        self.set_summary("")
        size = (
            f"{info.input_wh[0]} \N{MULTIPLICATION SIGN} {info.input_wh[1]} px"
            if info.input_wh[0]
            else "no network"
        )
        precision = f", {info.precision}" if info.precision else ""
        facts = {
            "Runs": f"{info.model} on {info.backend}{precision}",
            "Device": info.device,
            "Input": f"{size}, resize {info.resize}",
            "Why": info.backend_reason or "\N{EN DASH}",
        }
        for name, text in facts.items():
            if self._facts[name].text() != text:
                self._facts[name].setText(text)
