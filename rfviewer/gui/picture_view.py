"""A still picture to look closer at: fit, 100 %, wheel, drag and keys."""

from typing import TYPE_CHECKING, override

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QPushButton, QToolButton, QWidget

from rfviewer.gui.controls import label
from rfviewer.gui.margins import without_margins
from rfviewer.gui.text import tooltip
from rfviewer.gui.tokens import current_tokens
from rfviewer.gui.zoom_view import ZoomView

if TYPE_CHECKING:
    from collections.abc import Callable

_STEP = 1.25
_PAN_SHARE = 0.1
"""How much of the view an arrow key moves."""


class PictureView(ZoomView):
    """Shows a picture, or a sentence while there is none. Double click: fit, or 100 % there."""

    def __init__(self, name: str, empty: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setAccessibleDescription("Plus and minus zoom, 0 fits, 1 shows 100 %, arrows move")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(240, 120)
        self._empty = empty

    def zoom_in(self) -> None:
        """Go one step closer."""
        self.zoom_by(_STEP)

    def zoom_out(self) -> None:
        """Go one step back."""
        self.zoom_by(1 / _STEP)

    @override
    def sizeHint(self) -> QSize:
        return QSize(960, 420)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = current_tokens()
        painter.fillRect(self.rect(), QColor(tokens.canvas))
        if self.image.isNull():
            painter.setPen(QColor(tokens.muted))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), self._empty)
        else:
            self.paint_image(painter)
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.accent), 1))
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.set_zoom(1.0 if self.fits else None, event.position())
        super().mouseDoubleClickEvent(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        step_x, step_y = _PAN_SHARE * self.width(), _PAN_SHARE * self.height()
        acts: dict[int, Callable[[], None]] = {
            Qt.Key.Key_Plus: self.zoom_in,
            Qt.Key.Key_Equal: self.zoom_in,
            Qt.Key.Key_Minus: self.zoom_out,
            Qt.Key.Key_0: lambda: self.set_zoom(None),
            Qt.Key.Key_1: lambda: self.set_zoom(1.0),
            Qt.Key.Key_Left: lambda: self.pan(step_x, 0),
            Qt.Key.Key_Right: lambda: self.pan(-step_x, 0),
            Qt.Key.Key_Up: lambda: self.pan(0, step_y),
            Qt.Key.Key_Down: lambda: self.pan(0, -step_y),
        }
        act = acts.get(event.key())
        if act is None or self.image.isNull():
            super().keyPressEvent(event)
        else:
            act()


class ZoomBar(QWidget):
    """Buttons for a `PictureView` and the zoom in effect."""

    def __init__(self, view: PictureView) -> None:
        super().__init__()
        self._view = view
        row = without_margins(QHBoxLayout(self), spacing_px=4)
        self.buttons: dict[str, QAbstractButton] = {}
        for text, name, tip, act in (
            ("Fit", "Fit", "Show the whole picture (0)", lambda: view.set_zoom(None)),
            ("100 %", "100 %", "One pixel of the picture is one of the screen (1)",
             lambda: view.set_zoom(1.0)),
            ("\N{MINUS SIGN}", "Zoom out", "Zoom out (\N{MINUS SIGN}, wheel)", view.zoom_out),
            ("+", "Zoom in", "Zoom in (+, wheel)", view.zoom_in),
        ):  # fmt: skip
            button: QAbstractButton
            if text == name:
                button = QPushButton()
                button.setAutoDefault(False)  # Return closes the dialog, as everywhere
            else:
                button = QToolButton()
            button.setText(text)
            button.setAccessibleName(name)
            button.setToolTip(tooltip(tip))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _checked=False, do=act: do())
            row.addWidget(button)
            self.buttons[name] = button
        self.figure = label(muted=True, figures=True)
        row.addWidget(self.figure)
        view.zoom_changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        shown = not self._view.image.isNull()
        for button in self.buttons.values():
            button.setEnabled(shown)
        self.figure.setText(f"{self._view.zoom * 100:.0f} %" if shown else "")
        self.figure.setAccessibleName(f"Zoom {self.figure.text()}" if shown else "")
