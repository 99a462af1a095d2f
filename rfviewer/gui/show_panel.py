"""Section "Show": threshold, opacity, what is drawn, and colour by. Acts at once."""

from typing import override

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QGridLayout, QHBoxLayout, QSlider, QWidget

from rfviewer.config import ColorBy, View
from rfviewer.gui.controls import Segments, Switch, label
from rfviewer.gui.margins import without_margins
from rfviewer.gui.model import SessionModel
from rfviewer.gui.section import Section
from rfviewer.gui.text import tooltip
from rfviewer.gui.tokens import GAP_PX, tabular

_SWITCHES = (
    ("masks", "Masks", "Fill the area of each object (m)"),
    ("outlines", "Outlines", "Draw a line around each mask (o)"),
    ("boxes", "Boxes", "Draw the bounding boxes (b)"),
    ("labels", "Labels", "Write class and score (t)"),
)


class _Share(QWidget):
    """A slider and a number for one share of 0..1.

    Signals:
        changed: the new value, when the user changed it.
    """

    changed = Signal(float)

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        row = without_margins(QHBoxLayout(self), spacing_px=GAP_PX)
        self._caption = label(name)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, 100)
        self._slider.setPageStep(5)
        self._slider.setAccessibleName(name)
        self._slider.setToolTip(tooltip(tip))
        self._spin = QDoubleSpinBox()
        self._spin.setRange(0.0, 1.0)
        self._spin.setSingleStep(0.05)
        self._spin.setDecimals(2)
        self._spin.setFont(tabular(self._spin.font()))
        self._spin.setAccessibleName(f"{name} as a number")
        self._spin.setKeyboardTracking(False)
        self._slider.valueChanged.connect(self._on_slider)
        self._spin.valueChanged.connect(self._on_spin)
        row.addWidget(self._caption)
        row.addWidget(self._slider, 1)
        row.addWidget(self._spin)
        self._fit_text()

    def _fit_text(self) -> None:
        """Let all sliders begin and end below each other, in the text's size."""
        metrics = self.fontMetrics()
        self._caption.setFixedWidth(metrics.horizontalAdvance("Threshold") + GAP_PX)
        self._spin.setFixedWidth(metrics.horizontalAdvance("0.00") + 38)

    def set_value(self, value: float) -> None:
        """Show `value` without telling anybody."""
        with QSignalBlocker(self._slider), QSignalBlocker(self._spin):
            self._slider.setValue(round(value * 100))
            self._spin.setValue(value)

    def _on_slider(self, percent: int) -> None:
        self._spin.setValue(percent / 100)

    def _on_spin(self, value: float) -> None:
        with QSignalBlocker(self._slider):
            self._slider.setValue(round(value * 100))
        self.changed.emit(round(value, 4))

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange:
            self._fit_text()
        super().changeEvent(event)


class ShowPanel(Section):
    """Everything of `View` but the classes."""

    def __init__(self, model: SessionModel) -> None:
        super().__init__("Show")
        self._model = model
        self._threshold = _Share(
            "Threshold", "Objects with a higher score are shown and saved (- and = keys)"
        )
        self._opacity = _Share("Opacity", "How strongly masks cover the video")
        self._threshold.changed.connect(lambda value: model.update_view(threshold=value))
        self._opacity.changed.connect(lambda value: model.update_view(opacity=value))
        self.body.addWidget(self._threshold)
        self.body.addWidget(self._opacity)
        grid = QGridLayout()
        grid.setVerticalSpacing(2)
        grid.setHorizontalSpacing(GAP_PX)
        self._switches: dict[str, Switch] = {}
        for index, (name, title, tip) in enumerate(_SWITCHES):
            switch = Switch(title)
            switch.setToolTip(tooltip(tip))
            switch.clicked.connect(
                lambda checked, field=name: model.update_view(**{field: checked})
            )
            self._switches[name] = switch
            cell = QHBoxLayout()
            cell.setSpacing(GAP_PX)
            cell.addWidget(switch)
            cell.addWidget(label(title), 1)
            grid.addLayout(cell, index // 2, index % 2)
        self.body.addLayout(grid)
        self._color_by = Segments(
            "Colour by", {"Class": ColorBy.CLASS, "Instance": ColorBy.INSTANCE}
        )
        self._color_by.chosen.connect(lambda value: model.update_view(color_by=value))
        row = QHBoxLayout()
        row.addWidget(label("Colour by"), 1)
        row.addWidget(self._color_by)
        self.body.addLayout(row)
        model.view_changed.connect(self._on_view)
        self._on_view(model.view)

    def _on_view(self, view: View) -> None:
        self._threshold.set_value(view.threshold)
        self._opacity.set_value(view.opacity)
        for name, switch in self._switches.items():
            switch.setChecked(getattr(view, name))
        self._color_by.set_value(view.color_by)
