"""The choice of what decodes the video, and what does."""

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from rfviewer.decode import Decode
from rfviewer.frame import SourceInfo
from rfviewer.gui.controls import Segments, label
from rfviewer.gui.margins import without_margins
from rfviewer.gui.model import SessionModel
from rfviewer.gui.text import tooltip


class DecodeControl(QWidget):
    """Automatic, CPU or GPU; below it what decodes now, and why not the GPU."""

    def __init__(self, model: SessionModel) -> None:
        super().__init__()
        self._model = model
        self.choice = Segments(
            "Decode", {"Automatic": Decode.AUTO, "CPU": Decode.CPU, "GPU": Decode.GPU}
        )
        self.choice.set_tooltip(Decode.AUTO, tooltip("The GPU where that was measured to pay"))
        self.choice.set_tooltip(Decode.CPU, tooltip("FFmpeg's decoders"))
        self.choice.set_tooltip(
            Decode.GPU, tooltip("NVDEC; where it cannot, the CPU goes on and the reason is shown")
        )
        self.choice.chosen.connect(lambda value: model.update_playback(decode=value))
        self.fact = label(muted=True)
        self.fact.setWordWrap(True)
        column = without_margins(QVBoxLayout(self), spacing_px=2)
        row = QHBoxLayout()
        row.addWidget(self.choice)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self.fact)
        model.playback_changed.connect(lambda _: self._show())
        model.snapshot_changed.connect(lambda _: self._show())
        self._show()

    def _show(self) -> None:
        wanted = self._model.playback.decode
        self.choice.set_value(wanted)
        snapshot = self._model.snapshot
        text = decode_text(None if snapshot is None else snapshot.source, wanted)
        if text != self.fact.text():
            self.fact.setText(text)


def decode_text(source: SourceInfo | None, wanted: Decode) -> str:
    """Return what decodes `source` now, in a few words; a dash where nothing is decoded."""
    state = None if source is None else source.decode
    if source is None or state is None:
        return "\N{EN DASH}"
    if state.requested is not wanted:
        return f"acts {'when it is opened again' if source.live else 'with the next frame'}"
    if state.effective is Decode.GPU:
        return "NVDEC, stays on the GPU" if state.on_device else "NVDEC"
    return f"CPU: {state.reason}" if state.reason else "CPU"
