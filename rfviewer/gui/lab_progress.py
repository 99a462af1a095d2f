"""What an experiment is doing: step, bar and the time that is left."""

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout

from rfviewer.experiment import AbRequest, WaterfallRequest
from rfviewer.gui.controls import label
from rfviewer.gui.lab_model import LabModel
from rfviewer.gui.lab_text import remaining_text, request_title
from rfviewer.gui.repainting import RepaintingWidget
from rfviewer.gui.tokens import GAP_PX, scaled

REFRESH_MS = 500


class LabProgress(RepaintingWidget):
    """Shows whichever experiment runs, with a button to give it up."""

    def __init__(self, lab: LabModel) -> None:
        super().__init__(REFRESH_MS)
        self._lab = lab
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GAP_PX, 0, GAP_PX)
        column.setSpacing(GAP_PX)
        self.title = label()
        self.title.setFont(scaled(self.title.font(), 1.15, bold=True))
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress of the measurement")
        self.step = label(muted=True, figures=True)
        self.step.setWordWrap(True)
        self.stop = QPushButton("Stop")
        self.stop.clicked.connect(lab.stop)
        row = QHBoxLayout()
        row.setSpacing(GAP_PX)
        row.addWidget(self.step, 1)
        row.addWidget(self.stop)
        column.addWidget(self.title)
        column.addWidget(self._bar)
        column.addLayout(row)
        note = label("The video stands still meanwhile.", muted=True)
        column.addWidget(note)
        column.addStretch(1)
        self.repaint_timer.timeout.connect(self.refresh)
        lab.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the newest state."""
        request, status = self._lab.running, self._lab.status
        if request is None:
            return
        self.title.setText(request_title(request))
        if status is None or not status.active:
            self.step.setText("Starting")
            self._bar.setRange(0, 0)
            return
        parts = status.step.split("; ") if status.step else ["Running"]
        tells_time = isinstance(request, AbRequest | WaterfallRequest)
        if not tells_time:
            parts.append(remaining_text(self._lab.remaining_s()))
        self.step.setText("  \N{MIDDLE DOT}  ".join(part for part in parts if part))
        self._bar.setRange(0, status.count)
        self._bar.setValue(status.index)
        self._bar.setAccessibleDescription(self.step.text())
