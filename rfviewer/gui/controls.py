"""Small controls of our own: a switch, a row of choices, a heading, a hairline and plain labels."""

from typing import override

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QWidget,
)

from rfviewer.gui.elision import elided
from rfviewer.gui.margins import without_margins
from rfviewer.gui.tokens import current_tokens, icon_px, scaled, tabular


def switch_width_px() -> int:
    """Return the width of a `Switch`, which grows with the text."""
    return icon_px(34)


def label(text: str = "", *, muted: bool = False, figures: bool = False) -> QLabel:
    """Return a label that shows `text` as it is: file and class names are never read as HTML."""
    result = QLabel()
    result.setTextFormat(Qt.TextFormat.PlainText)
    result.setText(text)
    if muted:
        result.setObjectName("Muted")
    if figures:
        result.setFont(tabular(result.font()))
    return result


def heading(text: str) -> QLabel:
    """Return a label in heading weight."""
    result = label(text)
    font = QFont(result.font())
    font.setWeight(QFont.Weight.DemiBold)
    result.setFont(font)
    return result


def rule(*, vertical: bool = False) -> QFrame:
    """Return a hairline."""
    line = QFrame()
    line.setObjectName("Rule")
    if vertical:
        line.setFixedWidth(1)
        line.setMinimumHeight(18)
    else:
        line.setFixedHeight(1)
    return line


class _ModestArea(QScrollArea):
    """Wishes for no more height than it must have, and takes what there is.

    A page that is scrolled as a whole is as high as its parts wish.
    """

    @override
    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.minimumHeight())


def scrolled(content: QWidget, least_lines: int = 0) -> QScrollArea:
    """Return an area as wide as `content`, which is scrolled up and down where it needs more.

    With `least_lines` it is part of a page that may be scrolled itself: it has at least so many
    lines of text, and what height the page has to give.
    """
    area = _ModestArea() if least_lines else QScrollArea()
    area.setMinimumHeight(least_lines * area.fontMetrics().height())
    area.setObjectName("Plain")
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(content)
    return area


class Switch(QAbstractButton):
    """An on/off switch. State is told by the knob's place and by colour."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setText(name)
        self.setAccessibleName(name)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    @override
    def sizeHint(self) -> QSize:
        return QSize(switch_width_px(), icon_px(22))

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current_tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = icon_px(16) / 2
        track = QRectF(2, self.height() / 2 - radius, switch_width_px() - 4, 2 * radius)
        fill = QColor(tokens.accent if self.isChecked() else tokens.pressed)
        knob = QColor("#ffffff" if self.isChecked() or not tokens.dark else tokens.muted)
        if not self.isEnabled():
            fill.setAlpha(110)
            knob.setAlpha(150)
        edge = QColor(tokens.accent if self.isChecked() else tokens.border)
        painter.setPen(QPen(edge, 1))
        painter.setBrush(fill)
        painter.drawRoundedRect(track, radius, radius)
        painter.setPen(Qt.PenStyle.NoPen if tokens.dark else QPen(QColor(tokens.border), 1))
        painter.setBrush(knob)
        x = track.right() - radius if self.isChecked() else track.left() + radius
        painter.drawEllipse(QPointF(x, track.center().y()), radius - 2.5, radius - 2.5)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(tokens.text), 1.2))
            painter.drawRoundedRect(track.adjusted(-1.5, -1.5, 1.5, 1.5), radius + 1, radius + 1)
        painter.end()


class _Segment(QAbstractButton):
    """One choice of `Segments`."""

    def __init__(self, text: str, place: str) -> None:
        super().__init__()
        self._place = place
        self.setText(text)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)

    @override
    def sizeHint(self) -> QSize:
        width = self.fontMetrics().horizontalAdvance(self.text())
        return QSize(max(26, width + 18), max(24, self.fontMetrics().height() + 8))

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current_tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        # Inner ends reach beyond the clip, so that only the outer corners look round.
        left = 0 if self._place in {"first", "only"} else -8
        right = 0 if self._place in {"last", "only"} else 8
        checked = self.isChecked()
        fill = QColor(tokens.accent if checked else tokens.raised)
        if self.underMouse() and not checked and self.isEnabled():
            fill = QColor(tokens.pressed)
        if not self.isEnabled():
            fill.setAlpha(110)
        painter.setBrush(fill)
        painter.setPen(QPen(QColor(tokens.accent if checked else tokens.border), 1))
        painter.drawRoundedRect(box.adjusted(left, 0, right, 0), 5, 5)
        text = QColor(tokens.on_accent if checked else tokens.text)
        if not self.isEnabled():
            text = QColor(tokens.muted)
        painter.setPen(text)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(tokens.text), 1.2))
            painter.drawRoundedRect(box.adjusted(2, 2, -2, -2), 3, 3)
        painter.end()


class Segments[T](QWidget):
    """A few choices side by side, exactly one of them checked.

    Signals:
        chosen: the value of the segment that the user pressed.
    """

    chosen = Signal(object)

    def __init__(self, name: str, choices: dict[str, T], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        row = without_margins(QHBoxLayout(self), spacing_px=0)
        self._values = list(choices.values())
        self._group = QButtonGroup(self)
        for index, text in enumerate(choices):
            last = index == len(choices) - 1
            place = "only" if len(choices) == 1 else "first" if not index else "middle"
            segment = _Segment(text, "last" if last and index else place)
            segment.setAccessibleName(f"{name}: {text}")
            self._group.addButton(segment, index)
            row.addWidget(segment)
        self._group.idClicked.connect(self._on_clicked)

    def set_value(self, value: T) -> None:
        """Check the segment of `value` without telling anybody."""
        if value in self._values:
            self._group.button(self._values.index(value)).setChecked(True)

    def set_tooltip(self, value: T, text: str) -> None:
        """Explain one choice; `text` is already escaped."""
        self._group.button(self._values.index(value)).setToolTip(text)

    def _on_clicked(self, index: int) -> None:
        self.chosen.emit(self._values[index])


class KeyCap(QLabel):
    """A key as printed on a keyboard."""

    def __init__(self, key: str = "") -> None:
        super().__init__()
        self.setObjectName("Key")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(key)
        self.setFont(scaled(self.font(), 0.85))
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)


class ElidedLabel(QLabel):
    """One line of plain text that is shortened where there is no room (`elision.py`).

    Signals:
        clicked: the label was pressed.
    """

    clicked = Signal()

    def __init__(self, text: str = "", *, muted: bool = False) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._full = ""
        self._shorter: tuple[str, ...] = ()
        if muted:
            self.setObjectName("Muted")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.set_full_text(text)

    @property
    def full_text(self) -> str:
        """The text before it was shortened."""
        return self._full

    def set_full_text(self, text: str, *shorter: str) -> None:
        """Show `text`, or the first of the `shorter` ones that there is room for."""
        if (text, *shorter) != (self._full, *self._shorter):
            self._full, self._shorter = text, shorter
            self.setAccessibleName(text)
            self.setText(text)
            self.update()

    @property
    def shown_text(self) -> str:
        """What there is room for."""
        metrics = self.fontMetrics()
        *longer, last = self._full, *self._shorter
        fits = (text for text in longer if metrics.horizontalAdvance(text) <= self.width())
        return next(fits, None) or elided(last, metrics, self.width())

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        shown = self.shown_text
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), int(self.alignment()), shown)
        painter.end()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.clicked.emit()
        super().mousePressEvent(event)
