"""The panel at the right: Show, Classes, Optimisations, Engine."""

from typing import override

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QStyle, QVBoxLayout, QWidget

from rfviewer.gui.class_panel import ClassPanel
from rfviewer.gui.engine_panel import EnginePanel
from rfviewer.gui.lab_model import LabModel
from rfviewer.gui.model import SessionModel
from rfviewer.gui.rack import Rack
from rfviewer.gui.services import WindowServices
from rfviewer.gui.show_panel import ShowPanel
from rfviewer.gui.tokens import PANEL_WIDTH_PX


class SidePanel(QScrollArea):
    """Scrolls its sections vertically; never needs more width than it has."""

    def __init__(self, model: SessionModel, services: WindowServices, lab: LabModel) -> None:
        super().__init__()
        self.setObjectName("SidePanel")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.show_panel = ShowPanel(model)
        self.classes = ClassPanel(model, services.color_of)
        self.rack = Rack(model, lab)
        self.engine = EnginePanel(model)
        self._content = content = QWidget()
        content.setObjectName("Header")
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, GAP_END_PX)
        column.setSpacing(0)
        for section in (self.show_panel, self.classes, self.rack, self.engine):
            column.addWidget(section)
        column.addStretch(1)
        self.setWidget(content)
        content.installEventFilter(self)
        self._fit_width()

    def _fit_width(self) -> None:
        """Be as wide as the text needs, which depends on the user's font size."""
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent, None, self)
        needed = self._content.minimumSizeHint().width() + bar
        self.setMinimumWidth(max(PANEL_WIDTH_PX - 40, needed))
        self.setMaximumWidth(max(PANEL_WIDTH_PX, needed) + 140)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:  # other words may need other room
            self._fit_width()
        return super().eventFilter(watched, event)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        self._fit_width()
        super().showEvent(event)

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange and self.isVisible():
            self._fit_width()
        super().changeEvent(event)


GAP_END_PX = 24
"""Room below the last section, so that it can be scrolled clear of the edge."""
