"""Where things stand in the window: splitters, hiding of parts, fullscreen, saved sizes."""

from typing import override

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt, Signal
from PySide6.QtWidgets import QMainWindow, QSplitter, QVBoxLayout, QWidget

from rfviewer.gui.preferences import Preferences
from rfviewer.gui.tokens import PANEL_WIDTH_PX

DEFAULT_SIZE = (1280, 800)
MINIMUM_SIZE = (560, 380)
PLOTS_HEIGHT_PX = 216
NARROW_PX = 900
"""Below this width the side panel gives its room to the video."""
LOW_PX = 560
"""Below this height the plots do."""
_FRAME_PX = 32
"""Room for the title bar and borders that the system draws around a window."""


class WindowLayout(QObject):
    """Video with transport above the plots; the side panel beside both; bars around them.

    A small window folds the side panel and the plots away; they come back with the room, or when
    the user asks for them in spite of it.

    Signals:
        parts_changed: the side panel or the plots were shown or hidden.
    """

    parts_changed = Signal()

    def __init__(
        self,
        window: QMainWindow,
        preferences: Preferences,
        *,
        bars: tuple[QWidget, ...],
        video: QWidget,
        transport: QWidget,
        side_panel: QWidget,
        status: QWidget,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._preferences = preferences
        self._chrome = (*bars[:1], side_panel, status)
        self._was_maximized = False
        self._hidden_before: list[QWidget] = []
        self.plots_holder = QWidget()
        self.plots_holder.setMinimumHeight(120)
        holder = QVBoxLayout(self.plots_holder)
        holder.setContentsMargins(0, 0, 0, 0)
        self._side_panel = side_panel
        self._wanted = {"panel": True, "plots": True}
        self._small = {"panel": False, "plots": False}
        upper = QWidget()
        column = QVBoxLayout(upper)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(video, 1)
        column.addWidget(transport)
        self._rows = self._splitter(Qt.Orientation.Vertical, upper, self.plots_holder)
        self._columns = self._splitter(Qt.Orientation.Horizontal, self._rows, side_panel)
        central = QWidget()
        outer = QVBoxLayout(central)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        for bar in bars:
            outer.addWidget(bar)
        outer.addWidget(self._columns, 1)
        outer.addWidget(status)
        window.setCentralWidget(central)
        window.installEventFilter(self)

    @property
    def is_fullscreen(self) -> bool:
        """Whether only video and transport are shown."""
        return self._window.isFullScreen()

    def set_plots(self, plots: QWidget) -> None:
        """Put the plots into their place."""
        layout = self.plots_holder.layout()
        if layout is not None:
            layout.addWidget(plots)

    def strip_height(self) -> int:
        """Return the height of the strip below the video."""
        return self._rows.sizes()[1]

    def set_strip_height(self, height_px: int) -> None:
        """Give the strip that height, as far as the video can spare it."""
        total = sum(self._rows.sizes())
        height_px = min(height_px, round(total * 0.62))
        self._rows.setSizes([total - height_px, height_px])

    def set_panel_visible(self, *, visible: bool) -> None:
        """Show or hide the side panel."""
        self._set_part("panel", visible=visible)

    def set_plots_visible(self, *, visible: bool) -> None:
        """Show or hide the plots."""
        self._set_part("plots", visible=visible)

    def parts_shown(self) -> dict[str, bool]:
        """Return whether each part is on show, by the id of its action."""
        return {name: not part.isHidden() for name, part in self._parts().items()}

    def set_fullscreen(self, *, fullscreen: bool) -> None:
        """Show only video and transport on the whole screen, or everything again."""
        if fullscreen == self.is_fullscreen:
            return
        parts = (*self._chrome, self.plots_holder, self._window.menuBar())
        if fullscreen:
            self._was_maximized = self._window.isMaximized()
            self._hidden_before = [part for part in parts if part.isVisible()]
            for part in self._hidden_before:
                part.setVisible(False)
            self._window.showFullScreen()
            return
        for part in self._hidden_before:
            part.setVisible(True)
        if self._was_maximized:
            self._window.showMaximized()
        else:
            self._window.showNormal()

    def reset(self) -> None:
        """Go back to the layout of the first start."""
        self._preferences.reset_layout()
        self.set_fullscreen(fullscreen=False)
        self._wanted = dict.fromkeys(self._wanted, True)
        self._set_default_sizes()
        self._fold_for(self._window.size(), again=True)

    def restore(self) -> None:
        """Take over the saved sizes, or the default ones."""
        room = self._room()
        width = min(DEFAULT_SIZE[0], room.width())
        self._window.resize(width, min(DEFAULT_SIZE[1], room.height() - _FRAME_PX))
        self._set_default_sizes()
        geometry = self._preferences.layout_value("geometry")
        if geometry is not None:
            self._window.restoreGeometry(geometry)
            room = self._room()
            self._window.resize(self._window.size().boundedTo(room.size()))
        for name, splitter in self._splitters().items():
            state = self._preferences.layout_value(name)
            if state is not None:
                splitter.restoreState(state)
        self._fold_for(self._window.size())

    def save(self) -> None:
        """Remember the sizes."""
        self.set_fullscreen(fullscreen=False)
        self._preferences.set_layout_value("geometry", self._window.saveGeometry())
        for name, splitter in self._splitters().items():
            self._preferences.set_layout_value(name, splitter.saveState())

    def _parts(self) -> dict[str, QWidget]:
        return {"panel": self._side_panel, "plots": self.plots_holder}

    def _set_part(self, name: str, *, visible: bool) -> None:
        if not self._small[name]:
            self._wanted[name] = visible  # in a small window it is a passing wish
        self._parts()[name].setVisible(visible)
        self.parts_changed.emit()

    def _fold_for(self, size: QSize, *, again: bool = False) -> None:
        """Hide what a window of `size` has no room for; show it again when there is."""
        if self.is_fullscreen:
            return
        small = {"panel": size.width() < NARROW_PX, "plots": size.height() < LOW_PX}
        for name, part in self._parts().items():
            if again or small[name] != self._small[name]:
                self._small[name] = small[name]
                part.setVisible(self._wanted[name] and not small[name])
                self.parts_changed.emit()

    def _room(self) -> QRect:
        """Return the part of the screen that windows may cover."""
        return self._window.screen().availableGeometry()

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self._window:
            self._fold_for(self._window.size())
        return False

    def _splitters(self) -> dict[str, QSplitter]:
        return {"rows": self._rows, "columns": self._columns}

    def _set_default_sizes(self) -> None:
        height = max(400, self._window.height())
        width = max(700, self._window.width())
        self._rows.setSizes([height - PLOTS_HEIGHT_PX, PLOTS_HEIGHT_PX])
        self._columns.setSizes([width - PANEL_WIDTH_PX, PANEL_WIDTH_PX])

    def _splitter(self, orientation: Qt.Orientation, first: QWidget, second: QWidget) -> QSplitter:
        splitter = QSplitter(orientation)
        splitter.addWidget(first)
        splitter.addWidget(second)
        splitter.setStretchFactor(0, 1)
        splitter.setStretchFactor(1, 0)
        splitter.setCollapsible(0, False)  # noqa: FBT003 - Qt's signature
        splitter.setCollapsible(1, False)  # noqa: FBT003 - Qt's signature
        splitter.setHandleWidth(1)
        return splitter
