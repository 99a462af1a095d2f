"""The menu bar, with a button that is seen and hit for menus that a narrow window leaves out."""

from typing import override

from PySide6.QtCore import QEvent, QSize
from PySide6.QtWidgets import QMenuBar, QProxyStyle, QStyle, QStyleOption, QToolButton, QWidget

from rfviewer.gui import icons
from rfviewer.gui.text import tooltip
from rfviewer.gui.tokens import icon_px

_AROUND_PX = 4
"""Between the icon of the button and its sides."""


class MenuBar(QMenuBar):
    """Qt hides the last menus where there is no room and lists them below a button of its own.

    That button is 12 px wide in Fusion at any text size, and the padding that our style sheet gives
    to buttons leaves nothing of its arrow.
    """

    def __init__(self) -> None:
        super().__init__()
        more = self.findChild(QToolButton)
        assert more is not None, "QMenuBar makes its button at once"
        self.more = more
        """Shown while menus are left out, which are then in its menu."""
        style = _WideExtension("Fusion")
        style.setParent(self)
        more.setStyle(style)  # it is asked by nobody else: a style in Python is slow
        more.setToolTip(tooltip("More menus"))
        more.setAccessibleName("More menus")
        self._retint()

    def _retint(self) -> None:
        # The size in the style sheet does not reach a button with a style of its own again.
        self.more.setIconSize(QSize(icon_px(), icon_px()))
        self.more.setIcon(icons.icon("chevrons-right"))

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:  # of another text size, too
            self._retint()
        super().changeEvent(event)


class _WideExtension(QProxyStyle):
    """Fusion, but an extension button grows with the text."""

    @override
    def pixelMetric(
        self,
        metric: QStyle.PixelMetric,
        option: QStyleOption | None = None,
        widget: QWidget | None = None,
    ) -> int:
        if metric is QStyle.PixelMetric.PM_ToolBarExtensionExtent:
            return icon_px() + 2 * _AROUND_PX
        return super().pixelMetric(metric, option, widget)
