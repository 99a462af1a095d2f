"""Where things stand in the window: splitters, hiding of parts, fullscreen, saved sizes."""

from collections.abc import Callable
from typing import override

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMainWindow, QSplitter, QVBoxLayout, QWidget

from rfviewer.gui.margins import without_margins
from rfviewer.gui.preferences import Preferences
from rfviewer.gui.strip import BottomStrip
from rfviewer.gui.tokens import PANEL_WIDTH_PX

DEFAULT_SIZE = (1280, 800)
MINIMUM_SIZE = (560, 380)
STRIP_HEIGHT_PX = 216
NARROW_PX = 900
"""Below this width the side panel gives its room to the video; sooner where its text is large."""
LOW_PX = 740
"""Below this height the pages do: only their tabs stay."""
TALL_LEAVES_PX = 250
"""What a page that has most of the window leaves to video and transport."""
VIDEO_SHARE = 0.5
"""Of the height that video and strip share: what the strip leaves, unless the user left less."""
_FRAME_PX = 32
"""Room for the title bar and borders that the system draws around a window."""


class _Rows(QSplitter):
    """Video above strip. Calls `on_resized` once it has shared out its new height."""

    on_resized: Callable[[], object] | None = None

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.on_resized is not None:
            self.on_resized()


class WindowLayout(QObject):
    """Video with transport above the strip of pages; the side panel beside both; bars around them.

    The strip has one height for all pages, so the video keeps its size when they are switched; only
    the user changes it, and a window that is too low for it. A small window hides the side panel
    and folds the strip to its tabs; they come back with the room, or when the user asks for them in
    spite of it.

    Signals:
        parts_changed: the side panel was shown or hidden, the strip folded or unfolded, by
            fullscreen too, or it became tall or not.
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
        strip: BottomStrip,
        side_panel: QWidget,
        status: QWidget,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._preferences = preferences
        self._chrome = (*bars[:1], status)
        self._was_maximized = False
        self._hidden_before: list[QWidget] = []
        self._shown_before: dict[str, bool] = {}
        self._strip = strip
        self._strip_px = STRIP_HEIGHT_PX
        """Height that the user gave the strip, while it is not folded; a low window gives less."""
        self._video_px = DEFAULT_SIZE[1]
        """Height that the user left to video and transport then."""
        self._tall = False
        """Whether the pages have most of the window for now."""
        self._side_panel = side_panel
        self._wanted = {"panel": True, "plots": True}
        self._small = {"panel": False, "plots": False}
        upper = QWidget()
        column = without_margins(QVBoxLayout(upper), spacing_px=0)
        column.addWidget(video, 1)
        column.addWidget(transport)
        self._rows = _Rows(Qt.Orientation.Vertical)
        self._columns = QSplitter(Qt.Orientation.Horizontal)
        self._fill(self._rows, upper, strip)
        self._fill(self._columns, self._rows, side_panel)
        central = QWidget()
        outer = without_margins(QVBoxLayout(central), spacing_px=0)
        for bar in bars:
            outer.addWidget(bar)
        outer.addWidget(self._columns, 1)
        outer.addWidget(status)
        window.setCentralWidget(central)
        window.installEventFilter(self)
        self._columns.installEventFilter(self)
        self._rows.splitterMoved.connect(self._on_rows_moved)
        self._rows.on_resized = self._fit_strip
        strip.fold_wanted.connect(lambda folded: self.set_plots_visible(visible=not folded))
        strip.tall_wanted.connect(lambda tall: self.set_tall(tall=tall))

    @property
    def is_fullscreen(self) -> bool:
        """Whether only video and transport are shown."""
        return self._window.isFullScreen()

    def strip_height(self) -> int:
        """Return the height of the strip below the video, in px."""
        return self._rows.sizes()[1]

    @property
    def tall(self) -> bool:
        """Whether the pages have most of the window."""
        return self._tall

    def set_panel_visible(self, *, visible: bool) -> None:
        """Show or hide the side panel."""
        self._set_part("panel", visible=visible)

    def set_plots_visible(self, *, visible: bool) -> None:
        """Unfold the pages below the video, or fold them to their tabs."""
        self._set_part("plots", visible=visible)

    def set_tall(self, *, tall: bool) -> None:
        """Give the pages most of the window, or their own height again; not remembered."""
        self._tall = tall
        self._strip.set_tall(tall=tall)
        if tall and (self._strip.folded or self._strip.isHidden()):
            self.set_plots_visible(visible=True)
        self._fit_strip()
        self.parts_changed.emit()

    def parts_shown(self) -> dict[str, bool]:
        """Return whether each part is on show, by the id of its action."""
        return {
            "panel": not self._side_panel.isHidden(),
            "plots": not self._strip.isHidden() and not self._strip.folded,
        }

    def set_fullscreen(self, *, fullscreen: bool) -> None:
        """Show only video and transport on the whole screen, or again what was there before.

        What the user shows or hides meanwhile is for the time of it.
        """
        if fullscreen == self.is_fullscreen:
            return
        if fullscreen:
            self._was_maximized = self._window.isMaximized()
            self._shown_before = self.parts_shown()
            chrome = (*self._chrome, self._window.menuBar())
            self._hidden_before = [part for part in chrome if part.isVisible()]
            for part in (*self._hidden_before, self._side_panel, self._strip):
                part.setVisible(False)
            self._window.showFullScreen()
            self.parts_changed.emit()
            return
        if self._was_maximized:
            self._window.showMaximized()
        else:
            self._window.showNormal()
        for part in (*self._hidden_before, self._strip):
            part.setVisible(True)
        for name, shown in self._shown_before.items():
            self._show_part(name, shown=shown)

    def reset(self) -> None:
        """Go back to the layout of the first start."""
        self._preferences.reset_layout()
        self.set_fullscreen(fullscreen=False)
        self._wanted = dict.fromkeys(self._wanted, True)
        self._set_default_sizes()
        self.set_tall(tall=False)
        self._fold_for(self._window.size(), again=True)

    def restore(self) -> None:
        """Take over the saved sizes, or the default ones."""
        room = self._room()
        width = min(DEFAULT_SIZE[0], room.width())
        self._window.resize(width, min(DEFAULT_SIZE[1], room.height() - _FRAME_PX))
        geometry = self._preferences.layout_value("geometry")
        if geometry is not None:
            self._window.restoreGeometry(geometry)
            room = self._room()
            self._window.resize(self._window.size().boundedTo(room.size()))
        self._set_default_sizes()
        columns = self._preferences.layout_value("columns")
        if columns is not None:
            self._columns.restoreState(columns)
        self._restore_parts()

    def save(self) -> None:
        """Remember the sizes, and what is shown."""
        self.set_fullscreen(fullscreen=False)
        self._preferences.set_layout_value("geometry", self._window.saveGeometry())
        self._preferences.set_layout_value("columns", self._columns.saveState())
        self._preferences.set_layout_number("strip_px", self._strip_px)
        self._preferences.set_layout_number("video_px", self._video_px)
        for name, shown in self.parts_shown().items():
            for fact, value in (
                ("wanted", self._wanted[name]),
                ("small", self._small[name]),
                ("shown", shown),
            ):
                self._preferences.set_layout_number(f"{name}_{fact}", int(value))

    def _restore_parts(self) -> None:
        """Show what was shown, unless the window has become too small or large enough since."""
        number = self._preferences.layout_number
        self._strip_px = number("strip_px", STRIP_HEIGHT_PX)
        self._video_px = number("video_px", DEFAULT_SIZE[1])
        for name in self._wanted:
            self._wanted[name] = bool(number(f"{name}_wanted", 1))
        self._fold_for(self._window.size(), again=True)
        for name, small in self._small.items():
            if number(f"{name}_small", -1) == int(small):
                self._show_part(name, shown=bool(number(f"{name}_shown", 1)))

    def _set_part(self, name: str, *, visible: bool) -> None:
        if not self._small[name] and not self.is_fullscreen:  # there it is a passing wish
            self._wanted[name] = visible
        self._show_part(name, shown=visible)

    def _show_part(self, name: str, *, shown: bool) -> None:
        if name == "panel":
            self._side_panel.setVisible(shown)
        else:
            if self.is_fullscreen:
                self._strip.setVisible(shown)
            self._strip.set_folded(folded=not shown)
            self._fit_strip()
        self.parts_changed.emit()

    def _fold_for(self, size: QSize, *, again: bool = False) -> None:
        """Hide what a window of `size` has no room for; show it again when there is."""
        if self.is_fullscreen:
            return
        beside_px = max(MINIMUM_SIZE[0], self._strip.whole_width)
        narrow_px = max(NARROW_PX, beside_px + self._side_panel.minimumWidth())
        small = {"panel": size.width() < narrow_px, "plots": size.height() < LOW_PX}
        for name in small:
            if again or small[name] != self._small[name]:
                self._small[name] = small[name]
                self._show_part(name, shown=self._wanted[name] and not small[name])

    def _fit_strip(self) -> None:
        """Give the strip its height, or less in a window that is lower than when it was set."""
        if self._strip.isHidden():
            return
        room_px = sum(self._rows.sizes())
        if self._tall and not self._strip.folded:
            self._rows.setSizes([TALL_LEAVES_PX, max(0, room_px - TALL_LEAVES_PX)])
            return
        least_px = min(round(VIDEO_SHARE * room_px), self._video_px)
        height_px = min(self._strip_px, room_px - least_px)
        if self._strip.folded:
            height_px = self._strip.minimumSizeHint().height()
        self._rows.setSizes([max(0, room_px - height_px), height_px])

    def _on_rows_moved(self, _position: int, _index: int) -> None:
        if not self._strip.folded:
            self._video_px, self._strip_px = self._rows.sizes()
            if self._tall:  # the user has found another height
                self._tall = False
                self._strip.set_tall(tall=False)
                self.parts_changed.emit()

    def _room(self) -> QRect:
        """Return the part of the screen that windows may cover."""
        return self._window.screen().availableGeometry()

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        resized = event.type() == QEvent.Type.Resize and watched is self._window
        if resized or (event.type() == QEvent.Type.LayoutRequest and watched is self._columns):
            self._fold_for(self._window.size())  # what the panel needs may have changed, too
        return False

    def _set_default_sizes(self) -> None:
        self._strip_px, self._video_px = STRIP_HEIGHT_PX, DEFAULT_SIZE[1]
        height = max(400, self._window.height())
        width = max(700, self._window.width())
        self._rows.setSizes([height - STRIP_HEIGHT_PX, STRIP_HEIGHT_PX])
        self._columns.setSizes([width - PANEL_WIDTH_PX, PANEL_WIDTH_PX])

    def _fill(self, splitter: QSplitter, first: QWidget, second: QWidget) -> None:
        splitter.addWidget(first)
        splitter.addWidget(second)
        splitter.setStretchFactor(0, 1)
        splitter.setStretchFactor(1, 0)
        splitter.setCollapsible(0, False)  # noqa: FBT003 - Qt's signature
        splitter.setCollapsible(1, False)  # noqa: FBT003 - Qt's signature
        splitter.setHandleWidth(1)
