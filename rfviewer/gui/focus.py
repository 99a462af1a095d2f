"""Who takes the keyboard and the wheel: controls by Tab only, so that keys belong to the video."""

from typing import override

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QScrollBar,
    QWidget,
)

from rfviewer.gui.actions import widget_owns_key


class ControlManners(QObject):
    """Gives the controls below a widget the manners of a video player.

    A click leaves the focus where it is, so that Space plays after any click; who walks with Tab
    still reaches every control. The wheel scrolls: it changes a value only where the focus is.
    Letters reach the window also from a list, which would search its rows for them.
    """

    def teach(self, root: QWidget) -> None:
        """Apply these rules to every control below `root` that is there now."""
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
                widget, QComboBox | QAbstractSpinBox | QAbstractSlider | QAbstractItemView
            ) and not isinstance(widget, QScrollBar):
                widget.installEventFilter(self)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and isinstance(watched, QAbstractItemView | QComboBox)
            and watched.window().windowType() != Qt.WindowType.Popup
            and event.text().isprintable()
            and event.modifiers() == Qt.KeyboardModifier.NoModifier
            and event.text()
            and not widget_owns_key(watched, event)
        ):
            event.ignore()  # the parents get it, up to the window
            return True
        if (
            isinstance(event, QWheelEvent)
            and not isinstance(watched, QAbstractItemView)
            and isinstance(watched, QWidget)
            and not watched.hasFocus()
        ):
            event.ignore()  # the parents get it, up to the scroll area
            return True
        return False
