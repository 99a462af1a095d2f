"""Who takes the keyboard and the wheel: controls by Tab only, so that keys belong to the video."""

from typing import override

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QScrollBar,
    QWidget,
)


class ControlManners(QObject):
    """Gives the controls below a widget the manners of a video player.

    A click leaves the focus where it is, so that Space plays after any click; who walks with Tab
    still reaches every control. The wheel scrolls: it changes a value only where the focus is.
    """

    def teach(self, root: QWidget) -> None:
        """Apply both rules to every control below `root` that is there now."""
        for widget in root.findChildren(QWidget):
            policy = widget.focusPolicy()
            if isinstance(widget, QAbstractSpinBox):
                widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # it is a text field too
            elif (
                isinstance(
                    widget, QAbstractButton | QComboBox | QAbstractSlider | QAbstractItemView
                )
                and policy & Qt.FocusPolicy.TabFocus
            ):
                widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            if isinstance(
                widget, QComboBox | QAbstractSpinBox | QAbstractSlider
            ) and not isinstance(widget, QScrollBar):
                widget.installEventFilter(self)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            isinstance(event, QWheelEvent)
            and isinstance(watched, QWidget)
            and not watched.hasFocus()
        ):
            event.ignore()  # the parents get it, up to the scroll area
            return True
        return False
