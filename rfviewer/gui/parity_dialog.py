"""Figures of the live comparison, and both results of the worst frame side by side."""

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QImage
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from rfviewer.experiment import ParityReading
from rfviewer.gui import icons
from rfviewer.gui.background import Background
from rfviewer.gui.controls import label
from rfviewer.gui.lab_model import LabModel
from rfviewer.gui.parity_badge import badge_color
from rfviewer.gui.parity_text import ICONS, reading_lines, reading_sentence
from rfviewer.gui.picture_view import PictureView, ZoomBar
from rfviewer.gui.tokens import GAP_PX, PAD_PX, current_tokens, scaled

_SHARE = 0.92
"""Of the window: the pictures are what it is opened for."""
_LEAST = QSize(920, 620)


class ParityDialog(QDialog):
    """Follows the readings while it is open."""

    def __init__(self, lab: LabModel, background: Background, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Parity with the reference")
        self._background = background
        self._loaded: tuple[Path, int] | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(PAD_PX, PAD_PX, PAD_PX, PAD_PX)
        column.setSpacing(PAD_PX)
        head = QHBoxLayout()
        head.setSpacing(GAP_PX)
        self._mark = QLabel()
        self.sentence = label()
        self.sentence.setWordWrap(True)
        self.sentence.setFont(scaled(self.sentence.font(), 1.1, bold=True))
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        head.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.sentence, 1)
        column.addLayout(head)
        self.picture = PictureView(
            "Worst frame: reference, candidate and difference", "No frame differs so far"
        )
        column.addWidget(self.picture, 1)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(PAD_PX)
        self._grid.setVerticalSpacing(3)
        self.figures: dict[str, QLabel] = {}
        column.addLayout(self._grid)
        self.failures = label(muted=True)
        self.failures.setWordWrap(True)
        column.addWidget(self.failures)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        buttons.button(QDialogButtonBox.StandardButton.Close).setIcon(QIcon())
        foot = QHBoxLayout()
        foot.setSpacing(GAP_PX)
        foot.addWidget(ZoomBar(self.picture))
        foot.addWidget(buttons, 1)
        column.addLayout(foot)
        lab.parity_changed.connect(self.show_reading)
        self.show_reading(lab.parity)
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        window, room = parent.window().size(), parent.screen().availableGeometry().size()
        wanted = QSize(*(round(_SHARE * side) for side in (window.width(), window.height())))
        self.resize(wanted.expandedTo(_LEAST).boundedTo(room - QSize(40, 60)))

    def show_reading(self, reading: ParityReading) -> None:
        """Show a reading."""
        color = badge_color(reading.badge, current_tokens())
        ratio = self.devicePixelRatioF()
        self._mark.setPixmap(icons.pixmap(ICONS[reading.badge], color, 22, ratio))
        self.sentence.setText(reading_sentence(reading))
        for name, figure in reading_lines(reading):
            if name not in self.figures:
                self._add_line(name)
            self.figures[name].setText(figure)
            self.figures[name].setAccessibleName(f"{name}: {figure}")
        total = reading.total
        self.failures.setText("\n".join(total.failures[:3]) if total is not None else "")
        self.failures.setVisible(bool(self.failures.text()))
        if total is not None and total.worst_png is not None and total.worst_frame is not None:
            self._load(total.worst_png, total.worst_frame)

    def _add_line(self, name: str) -> None:
        number = len(self.figures)
        row, place = divmod(number, 2)
        caption, figure = label(name, muted=True), label(figures=True)
        self._grid.addWidget(caption, row, 3 * place)
        self._grid.addWidget(figure, row, 3 * place + 1)
        self._grid.setColumnStretch(3 * place + 2, 1)
        self.figures[name] = figure

    def _load(self, path: Path, frame: int) -> None:
        if self._loaded != (path, frame):
            self._loaded = (path, frame)
            self._background.run("worst-frame", lambda: QImage(str(path)), self._on_loaded)

    def _on_loaded(self, image: QImage) -> None:
        if not image.isNull():
            self.picture.set_image(image)
