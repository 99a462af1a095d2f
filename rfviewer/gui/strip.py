"""The strip below the video: one page at a time, made when it is first shown, and a row of tabs.

The tabs lie at the foot, where they stay. All pages have the height of the strip and scroll in it.
"""

from collections.abc import Callable
from typing import override

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QStackedWidget,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rfviewer.gui import icons
from rfviewer.gui.controls import scrolled
from rfviewer.gui.margins import without_margins
from rfviewer.gui.text import tooltip

LEAST_HEIGHT_PX = 104
"""Of the whole strip while it is not folded."""
_ANY_HEIGHT_PX = 16_777_215  # Qt's QWIDGETSIZE_MAX


class BottomStrip(QWidget):
    """Plots, timeline, latency, A/B and waterfall share one place. Folded, only the tabs stay.

    Signals:
        page_built: a page that was shown for the first time.
        fold_wanted: whether the user wants the pages folded away, or back.
        tall_wanted: whether the user wants them to have most of the window, or their own height.
    """

    page_built = Signal(object)
    fold_wanted = Signal(bool)
    tall_wanted = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("BottomStrip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._makers: dict[str, Callable[[], QWidget]] = {}
        self._pages: dict[str, QWidget] = {}
        self._holders: dict[str, QWidget] = {}
        self._folded = self._tall = False
        self.tabs = QTabBar()
        self.tabs.setObjectName("StripTabs")
        self.tabs.setAccessibleName("Pages below the video")
        self.tabs.setShape(QTabBar.Shape.RoundedSouth)
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setElideMode(Qt.TextElideMode.ElideRight)
        self.tabs.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.tabs.currentChanged.connect(self._on_tab)
        self.tabs.tabBarClicked.connect(self._on_tab_clicked)
        self.fold = QToolButton()
        self.fold.setObjectName("Small")
        self.fold.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.fold.clicked.connect(lambda: self.fold_wanted.emit(not self._folded))
        self.tall = QToolButton()
        self.tall.setObjectName("Small")
        self.tall.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.tall.clicked.connect(lambda: self.tall_wanted.emit(not self._tall))
        self._stack = QStackedWidget()
        self._foot = QHBoxLayout()
        self._foot.setContentsMargins(0, 0, 4, 0)
        self._foot.addWidget(self.tabs, 1)
        self._foot.addWidget(self.tall)
        self._foot.addWidget(self.fold)
        column = without_margins(QVBoxLayout(self), spacing_px=0)
        column.addWidget(self._stack, 1)
        column.addLayout(self._foot)
        self.set_tall(tall=False)
        self.set_folded(folded=False)

    def add_page(self, name: str, title: str, make: Callable[[], QWidget]) -> None:
        """Add a tab; `make` builds its page, which is scrolled where it needs more height."""
        self._makers[name] = make
        self.tabs.addTab(title)
        self.tabs.setTabData(self.tabs.count() - 1, name)
        if self.tabs.count() == 1:  # Qt told of the first tab before it had its name
            self._show_current()
            self._fit()  # without a tab the row had another height

    @property
    def current(self) -> str:
        """Name of the page on show; empty before there is one."""
        return str(self.tabs.tabData(self.tabs.currentIndex()) or "")

    @property
    def whole_width(self) -> int:
        """Width in px at which the name of every tab is whole."""
        return self._foot.sizeHint().width()

    @property
    def folded(self) -> bool:
        """Whether only the tabs are shown."""
        return self._folded

    def page(self, name: str) -> QWidget:
        """Return a page, which is built if need be."""
        if name not in self._pages:
            made = self._makers[name]()
            self._pages[name] = made
            self._holders[name] = scrolled(made)
            self._stack.addWidget(self._holders[name])
            self.page_built.emit(made)
        return self._pages[name]

    def built(self, name: str) -> QWidget | None:
        """Return a page if it was built already."""
        return self._pages.get(name)

    def show_page(self, name: str) -> None:
        """Bring a page to the front."""
        self.tabs.setCurrentIndex(list(self._makers).index(name))

    def set_folded(self, *, folded: bool) -> None:
        """Show only the tabs, or the page as well."""
        self._folded = folded
        self._stack.setVisible(not folded)
        self.fold.setAccessibleName("Show the page" if folded else "Fold the page away")
        self.fold.setToolTip(tooltip(f"{self.fold.accessibleName()} (F10)"))
        self._retint()
        self._fit()

    def set_tall(self, *, tall: bool) -> None:
        """Say that the page has most of the window, or its own height."""
        self._tall = tall
        name = "Give the room back to the video" if tall else "Give the page most of the window"
        self.tall.setAccessibleName(name)
        self.tall.setToolTip(tooltip(f"{name} (Shift+F10)"))
        self._retint()

    def _fit(self) -> None:
        """Leave the video all that the tabs do not need while folded."""
        height_px = self._foot.sizeHint().height() + 1  # the line above
        self.setMaximumHeight(height_px if self._folded else _ANY_HEIGHT_PX)
        self.updateGeometry()

    def _show_current(self) -> None:
        name = self.current
        if name:
            self.page(name)
            self._stack.setCurrentWidget(self._holders[name])

    def _on_tab(self, _index: int) -> None:
        self._show_current()
        if self._folded and self.current:
            self.fold_wanted.emit(False)  # noqa: FBT003 - a signal's value

    def _on_tab_clicked(self, index: int) -> None:
        if self._folded and index == self.tabs.currentIndex():
            self.fold_wanted.emit(False)  # noqa: FBT003 - a signal's value

    def _retint(self) -> None:
        self.tall.setIcon(icons.icon("chevrons-down" if self._tall else "chevrons-up"))
        self.fold.setIcon(icons.icon("chevron-up" if self._folded else "chevron-down"))

    @override
    def minimumSizeHint(self) -> QSize:
        # Tabs scroll and pages give way; the window is not held wide by them.
        return QSize(0, self.maximumHeight() if self._folded else LEAST_HEIGHT_PX)

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._retint()
        elif event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self._fit()
        super().changeEvent(event)
