"""The strip below the video: one page at a time, made when it is first shown, and a row of tabs.

The tabs lie at the foot, where they stay: pages want other heights, and grow upwards.
"""

from collections.abc import Callable
from typing import override

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)


class BottomStrip(QWidget):
    """Plots, timeline, latency, A/B and waterfall share one place.

    Signals:
        page_changed: name of the page that is shown now.
        page_built: a page that was shown for the first time.
    """

    page_changed = Signal(str)
    page_built = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("BottomStrip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._makers: dict[str, Callable[[], QWidget]] = {}
        self._pages: dict[str, QWidget] = {}
        self._holders: dict[str, QWidget] = {}
        self._lines: dict[str, float] = {}
        self._scrolls: dict[str, bool] = {}
        self.tabs = QTabBar()
        self.tabs.setObjectName("StripTabs")
        self.tabs.setAccessibleName("Pages below the video")
        self.tabs.setShape(QTabBar.Shape.RoundedSouth)
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setElideMode(Qt.TextElideMode.ElideRight)
        self.tabs.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.tabs.currentChanged.connect(self._on_tab)
        self._stack = QStackedWidget()
        foot = QHBoxLayout()
        foot.setContentsMargins(0, 0, 0, 0)
        foot.addWidget(self.tabs, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._stack, 1)
        column.addLayout(foot)

    def add_page(
        self,
        name: str,
        title: str,
        make: Callable[[], QWidget],
        lines: float,
        *,
        scrolls: bool = False,
    ) -> None:
        """Add a tab.

        `make` builds its page, which wants the height of that many lines of text; with less room it
        is scrolled, or else gives way.
        """
        self._scrolls[name] = scrolls
        self._makers[name] = make
        self._lines[name] = lines
        self.tabs.addTab(title)
        self.tabs.setTabData(self.tabs.count() - 1, name)
        if self.tabs.count() == 1:  # Qt told of the first tab before it had its name
            self._on_tab(0)

    @property
    def current(self) -> str:
        """Name of the page on show; empty before there is one."""
        return str(self.tabs.tabData(self.tabs.currentIndex()) or "")

    def page(self, name: str) -> QWidget:
        """Return a page, which is built if need be."""
        if name not in self._pages:
            made = self._makers[name]()
            self._pages[name] = made
            self._holders[name] = _scrolled(made) if self._scrolls[name] else made
            self._stack.addWidget(self._holders[name])
            self.page_built.emit(made)
        return self._pages[name]

    def built(self, name: str) -> QWidget | None:
        """Return a page if it was built already."""
        return self._pages.get(name)

    def show_page(self, name: str) -> None:
        """Bring a page to the front."""
        self.tabs.setCurrentIndex(list(self._makers).index(name))

    def wanted_height(self, name: str) -> int:
        """Return the height of the strip that suits a page."""
        return round(self._lines[name] * self.fontMetrics().height())

    def _on_tab(self, _index: int) -> None:
        name = self.current
        if name:
            self.page(name)
            self._stack.setCurrentWidget(self._holders[name])
            self.page_changed.emit(name)

    @override
    def minimumSizeHint(self) -> QSize:
        # Tabs scroll and pages give way; the window is not held wide by them.
        return QSize(0, 120)


def _scrolled(page: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setObjectName("Plain")
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(page)
    return area
