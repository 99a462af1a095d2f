"""What stands in the video area when there is no video: loading, failed, or nothing open yet."""

from typing import override

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from rfviewer.gui import icons
from rfviewer.gui.controls import label
from rfviewer.gui.margins import without_margins
from rfviewer.gui.tokens import GAP_PX, PAD_PX, current_tokens, scaled
from rfviewer.snapshot import EngineStatus

_FOUR_CARDS_PX = 620
"""Below this width the ways to begin stand in two rows."""


class _Centered(QWidget):
    """A column of limited width in the middle of the canvas."""

    def __init__(self, width_px: int) -> None:
        super().__init__()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(PAD_PX, PAD_PX, PAD_PX, PAD_PX)
        outer.addStretch(1)
        middle = QWidget()
        middle.setMaximumWidth(width_px)
        self.column = without_margins(QVBoxLayout(middle), spacing_px=GAP_PX)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(middle, 100)
        row.addStretch(1)
        outer.addLayout(row)
        outer.addStretch(1)

    def _heading(self, text: str) -> QLabel:
        heading = label(text)
        heading.setFont(scaled(heading.font(), 1.35, bold=True))
        heading.setWordWrap(True)
        self.column.addWidget(heading)
        return heading

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(current_tokens().canvas))
        painter.end()


class LoadingPanel(_Centered):
    """Names the steps of loading as they come."""

    def __init__(self) -> None:
        super().__init__(380)
        self._title = self._heading("Getting ready")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Loading progress")
        self.column.addWidget(self._bar)
        self._steps = QVBoxLayout()
        self._steps.setSpacing(4)
        self.column.addLayout(self._steps)
        self._rows: list[tuple[QLabel, QLabel]] = []
        self._names: list[str] = []

    def show_busy(self, title: str) -> None:
        """Tell what is waited for; how long it takes is unknown."""
        self._title.setText(title)
        self._bar.setRange(0, 0)
        self._set_steps([], None)

    def show_engine(self, status: EngineStatus) -> None:
        """Tell where the engine is on its way."""
        self._title.setText("Getting the engine ready")
        if status.step_index <= 1 and self._names and self._names[0] != status.step:
            self._names.clear()
        if status.step and status.step not in self._names:
            self._names.append(status.step)
        self._bar.setRange(0, max(1, status.step_count))
        self._bar.setValue(max(0, status.step_index - 1))
        self._set_steps(self._names, status)

    def _set_steps(self, names: list[str], status: EngineStatus | None) -> None:
        while len(self._rows) < len(names):
            row = QHBoxLayout()
            mark, text = QLabel(), label()
            mark.setFixedWidth(20)
            row.addWidget(mark)
            row.addWidget(text, 1)
            self._steps.addLayout(row)
            self._rows.append((mark, text))
        tokens = current_tokens()
        for index, (mark, text) in enumerate(self._rows):
            shown = index < len(names)
            mark.setVisible(shown)
            text.setVisible(shown)
            if not shown:
                continue
            done = index < len(names) - 1
            mark.setPixmap(
                icons.pixmap(
                    "check" if done else "chevron-right",
                    tokens.good if done else tokens.accent,
                    16,
                    self.devicePixelRatioF(),
                )
            )
            count = f" ({status.step_index} of {status.step_count})" if status and not done else ""
            text.setText(names[index] + (count if status and status.step_count else ""))


class ErrorPanel(_Centered):
    """One sentence about the source, and what can be done.

    Signals:
        open_other: the user wants to open something else.
        try_again: the user wants the same source again.
    """

    open_other = Signal()
    try_again = Signal()

    def __init__(self) -> None:
        super().__init__(520)
        self._mark = QLabel()
        self.column.addWidget(self._mark)
        self._title = self._heading("This cannot be shown")
        self.sentence = label()
        self.sentence.setWordWrap(True)
        self.sentence.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.column.addWidget(self.sentence)
        buttons = QHBoxLayout()
        buttons.setSpacing(GAP_PX)
        other = QPushButton("Open another…")
        other.setProperty("primary", "true")
        other.clicked.connect(self.open_other)
        again = QPushButton("Try again")
        again.clicked.connect(self.try_again)
        buttons.addWidget(other)
        buttons.addWidget(again)
        buttons.addStretch(1)
        self.column.addSpacing(GAP_PX)
        self.column.addLayout(buttons)

    def show_error(self, sentence: str) -> None:
        """Show `sentence`."""
        tokens = current_tokens()
        self._mark.setPixmap(icons.pixmap("warning", tokens.warn, 32, self.devicePixelRatioF()))
        self.sentence.setText(sentence)


class _CardButton(QPushButton):
    """A large button with an icon, a title and a line of explanation."""

    def __init__(self, icon_name: str, title: str, hint: str) -> None:
        super().__init__()
        self.setAccessibleName(title)
        self.setAccessibleDescription(hint)
        self.setObjectName("StartCard")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._icon_name, self._title, self._hint = icon_name, title, hint

    @property
    def hint_lines(self) -> int:
        """How many lines the explanation takes, as with large text."""
        return 1 if self._hint_metrics().horizontalAdvance(self._hint) <= self.width() - 12 else 2

    def _hint_metrics(self) -> QFontMetrics:
        return QFontMetrics(scaled(self.font(), 0.88))

    @override
    def sizeHint(self) -> QSize:
        return QSize(150, 62 + (1 + self.hint_lines) * self.fontMetrics().height())

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self.updateGeometry()  # the explanation may need another number of lines
        super().resizeEvent(event)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current_tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lit = self.underMouse() or self.hasFocus()
        painter.setPen(QPen(QColor(tokens.accent if lit else tokens.border), 1))
        painter.setBrush(QColor(tokens.raised if lit else tokens.panel))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 7, 7)
        side = 24
        painter.drawPixmap(
            (self.width() - side) // 2,
            14,
            icons.pixmap(self._icon_name, tokens.accent, side, self.devicePixelRatioF()),
        )
        painter.setPen(QColor(tokens.text))
        painter.setFont(scaled(self.font(), 1.0, bold=True))
        line = painter.fontMetrics().height()
        center = Qt.AlignmentFlag.AlignHCenter
        painter.drawText(4, 46, self.width() - 8, line, center, self._title)
        painter.setPen(QColor(tokens.muted))
        painter.setFont(scaled(self.font(), 0.88))
        place = QRect(4, 48 + line, self.width() - 8, self.hint_lines * line)
        painter.drawText(place, center | Qt.TextFlag.TextWordWrap, self._hint)
        painter.end()


class StartPanel(_Centered):
    """Four ways to begin, while nothing is open.

    Signals:
        chosen: the id of the action to trigger.
    """

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__(760)
        self._heading("See what RF-DETR sees, and why it is fast")
        hint = label(
            "Nothing leaves this computer. A camera is used only when you pick it.", muted=True
        )
        hint.setWordWrap(True)
        self.column.addWidget(hint)
        self.column.addSpacing(GAP_PX)
        grid = QGridLayout()
        grid.setSpacing(GAP_PX)
        cards = (
            ("film", "Try the clip", "a short street scene", "open_clip"),
            ("folder", "Open video", "or drop a file here", "open_file"),
            ("webcam", "Use camera", "pick one by its name", "open_camera"),
            ("link", "Add stream", "RTSP or HTTP address", "open_address"),
        )
        self._cards: list[_CardButton] = []
        for icon_name, title, text, action in cards:
            card = _CardButton(icon_name, title, text)
            card.clicked.connect(lambda _checked=False, name=action: self.chosen.emit(name))
            self._cards.append(card)
        self._grid = grid
        self._columns = 0
        self._arrange(len(cards))
        self.column.addLayout(grid)

    def _arrange(self, columns: int) -> None:
        if columns != self._columns:
            self._columns = columns
            for index, card in enumerate(self._cards):
                self._grid.addWidget(card, index // columns, index % columns)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange(4 if self.width() >= _FOUR_CARDS_PX else 2)
        super().resizeEvent(event)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)  # four cards in a row must not keep the window wide
