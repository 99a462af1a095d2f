"""The timeline page: the ribbon, its legend with shares, figures under the pointer, exports."""

from typing import override

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QAction, QBrush, QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QMenu,
    QPushButton,
    QSizePolicy,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rfviewer.gui.controls import ElidedLabel, label
from rfviewer.gui.ribbon import Ribbon
from rfviewer.gui.ribbon_paint import IDLE
from rfviewer.gui.text import ms_text, tooltip
from rfviewer.gui.timeline_data import STAGES, Hit, SpanStore
from rfviewer.gui.tokens import GAP_PX, PAD_PX, STAGE_COLORS, current_tokens, scaled, tabular
from rfviewer.gui.wrapping_row import Together, WrappingRow
from rfviewer.snapshot import Snapshot
from rfviewer.timing import Stage

AUTO_FRAMES = 4
"""So many whole frames are shown at least, however long one takes, until the user chooses."""
SPANS_MS = (50, 100, 250, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000)
"""Spans to choose from; the longest ones end where the history does."""
_LEGEND_EVERY = 5  # snapshots


class StageLegend(QWidget):
    """Coloured chips with stage and share of the time shown; wraps into a second line."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._entries: list[tuple[str, str, str]] = []
        self.setFont(scaled(tabular(self.font()), 0.88))

    @property
    def text(self) -> str:
        """What it says, in one line."""
        return ", ".join(f"{name} {share}" for name, share, _ in self._entries)

    def set_shares(self, idle: float | None, shares: dict[Stage, float]) -> None:
        """Show these shares, 0..1 of the window; stages that overlap add up to more than 1."""
        entries = [(IDLE, f"{idle * 100:.0f} %", IDLE)] if idle is not None else []
        entries += [
            (stage.value, f"{shares[stage] * 100:.0f} %", stage.value)
            for stage in STAGES
            if stage in shares
        ]
        if entries != self._entries:
            self._entries = entries
            self.setAccessibleName(f"Shares of the time shown: {self.text}")
            self.updateGeometry()
            self.update()

    def _places(self, width: float) -> list[tuple[float, int]]:
        metrics = QFontMetricsF(self.font())
        places, x, line = [], 0.0, 0
        for name, share, _ in self._entries:
            room = 16 + metrics.horizontalAdvance(f"{name} {share}") + 14
            if x and x + room - 14 > width:
                x, line = 0.0, line + 1
            places.append((x, line))
            x += room
        return places

    @override
    def sizeHint(self) -> QSize:
        places = self._places(max(1, self.width()))
        lines = 1 + max((line for _, line in places), default=0)
        return QSize(100, min(2, lines) * (self.fontMetrics().height() + 2))

    @override
    def resizeEvent(self, event: object) -> None:
        self.updateGeometry()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        tokens, metrics = current_tokens(), self.fontMetrics()
        painter = QPainter(self)
        pitch = metrics.height() + 2
        for (name, share, key), (x, line) in zip(
            self._entries, self._places(self.width()), strict=True
        ):
            color = tokens.warn if key == IDLE else STAGE_COLORS[Stage(key)]
            y = line * pitch
            chip = QColor(color)
            painter.fillRect(int(x), y + pitch // 2 - 5, 10, 10, chip)
            if key == IDLE:
                painter.fillRect(
                    int(x), y + pitch // 2 - 5, 10, 10,
                    QBrush(QColor(tokens.panel), Qt.BrushStyle.BDiagPattern),
                )  # fmt: skip
            base = y + metrics.ascent() + 1
            painter.setPen(QColor(tokens.muted))
            painter.drawText(int(x) + 15, base, name)
            painter.setPen(QColor(tokens.text))
            painter.drawText(int(x) + 15 + metrics.horizontalAdvance(f"{name} "), base, share)
        painter.end()

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
        super().changeEvent(event)


class TimelinePage(QWidget):
    """Ribbon with buttons above, legend and figures below. Collects spans from the start."""

    def __init__(self, store: SpanStore) -> None:
        super().__init__()
        self.setObjectName("LabPage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._store = store
        self._auto = True
        self._count = 0
        self._fitted = 0
        self.ribbon = Ribbon(store)
        self._spans: dict[int, QAction] = {}
        self._head = WrappingRow()
        self.freeze = QPushButton("Freeze")
        self.freeze.setCheckable(True)
        self.freeze.setToolTip(
            tooltip("Stand still to look closer (click the ribbon, or Space on it)")
        )
        self.freeze.clicked.connect(lambda checked: self.ribbon.set_frozen(frozen=checked))
        self._head.add(self.freeze)
        for text, name, factor in (
            ("\N{MINUS SIGN}", "Show more time", 1.6),
            ("+", "Show less time", 1 / 1.6),
        ):
            button = QToolButton()
            button.setText(text)
            button.setAccessibleName(name)
            button.setToolTip(tooltip(f"{name} (wheel, or + and \N{MINUS SIGN} on the ribbon)"))
            button.clicked.connect(lambda _checked=False, by=factor: self._zoom(by))
            self._head.add(button)
        self.span = self._span_choice()
        self._head.add(self.span)
        self.figures = ElidedLabel()
        self.figures.setFont(tabular(self.figures.font()))
        self.figures.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._head.add(self.figures)
        self._exports = Together()
        self._head.add(self._exports)
        self.legend = StageLegend()
        self._none = label(muted=True)
        self._none.setWordWrap(True)
        self._none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.stack = QStackedLayout()
        self.stack.addWidget(self._none)
        self.stack.addWidget(self.ribbon)
        column = QVBoxLayout(self)
        column.setContentsMargins(PAD_PX, GAP_PX, PAD_PX, GAP_PX)
        column.setSpacing(4)
        column.addLayout(self._head)
        column.addLayout(self.stack, 1)
        column.addWidget(self.legend)
        self.ribbon.hovered.connect(self._on_hovered)
        self.ribbon.frozen_changed.connect(self._on_frozen)
        self.ribbon.window_changed.connect(lambda _: self._show_length())
        self._show_length()
        self._show_state(None)

    def add_button(self, button: QWidget) -> None:
        """Put a button at the right of the head; all of them stay together."""
        self._exports.add(button)

    def apply(self, snapshot: Snapshot) -> None:
        """Show what the newest snapshot brought; the store has its spans already."""
        self._count += 1
        self._show_state(snapshot)
        if not self.isVisible():
            return
        self._fit_window()
        if self._count % _LEGEND_EVERY == 0:
            self._show_shares()

    def choose_span(self, ms: int | None) -> None:
        """Show that much time; None goes back to what holds several frames."""
        self._auto = ms is None
        self._fitted = 0 if ms is None else self.ribbon.window_ns
        if ms is None:
            self._fit_window()
        else:
            self.ribbon.set_window(ms * 1_000_000, 1.0)
        self._show_length()

    def _span_choice(self) -> QToolButton:
        button = QToolButton()
        button.setObjectName("Choice")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setFont(tabular(button.font()))
        menu = QMenu(button)
        menu.addAction("Several frames").triggered.connect(lambda: self.choose_span(None))
        menu.addSeparator()
        for ms in SPANS_MS:
            action = menu.addAction(span_text(ms * 1_000_000))
            action.triggered.connect(lambda _checked=False, chosen=ms: self.choose_span(chosen))
            self._spans[ms] = action
        menu.aboutToShow.connect(self._offer_spans)
        button.setMenu(menu)
        return button

    def _offer_spans(self) -> None:
        """Offer what the history holds, and the first span beyond it, which shows all of it."""
        shorter = 0
        for ms, action in self._spans.items():
            action.setEnabled(shorter * 1_000_000 < self.ribbon.longest_ns)
            shorter = ms

    def _zoom(self, factor: float) -> None:
        self._auto = False
        self.ribbon.set_window(self.ribbon.window_ns * factor, 0.5)

    def _fit_window(self) -> None:
        """Show several frames, however long one takes, until the user chooses a span."""
        pace = self._store.pace
        if not self._auto or pace is None or self.ribbon.frozen:
            return
        if self._fitted and self.ribbon.window_ns != self._fitted:
            self._auto = False  # the wheel was used
            self._show_length()
            return
        wanted = pace.span_of(AUTO_FRAMES)
        window = next((ms for ms in SPANS_MS if ms * 1_000_000 >= wanted), SPANS_MS[-1]) * 1_000_000
        if window > self._fitted or 4 * window <= self._fitted:  # not to and fro
            self.ribbon.set_window(window)
            self._fitted = self.ribbon.window_ns  # less where the history is short
        self._show_length()

    def _show_state(self, snapshot: Snapshot | None) -> None:
        if self._store.lanes():
            self.stack.setCurrentWidget(self.ribbon)
            return
        text = "Waiting for the first frames"
        if self._store.seen and snapshot is not None:
            text = "This engine does not tell when its stages ran."
        self._none.setText(text)
        self.stack.setCurrentWidget(self._none)

    def _show_shares(self) -> None:
        span = self.ribbon.span_ns
        store = self.ribbon.store
        self.legend.set_shares(store.idle_share(*span), store.stage_shares(*span))
        self.ribbon.setAccessibleDescription(self.legend.text)

    def _show_length(self) -> None:
        window_ns, pace = self.ribbon.window_ns, self._store.pace
        text = span_text(window_ns)
        tip = "The time shown. More and less: the wheel, + and \N{MINUS SIGN} on the ribbon."
        if pace is not None:
            frames = pace.frames_in(window_ns)
            held = "less than 1 frame" if not frames else "1 frame" if frames == 1 else (
                f"{frames} frames"
            )  # fmt: skip
            text = f"{text}, {held}"
            tip += f" A frame takes {ms_text(pace.took_ns / 1e6)} ms here."
        chosen = "Chosen so that several frames are seen." if self._auto else "Chosen by you."
        if text != self.span.text():
            self.span.setText(text)
            self.span.setAccessibleName(f"Time shown: {text}")
        self.span.setToolTip(tooltip(f"{tip} {chosen}"))

    def _on_frozen(self, frozen: bool) -> None:
        self.freeze.setChecked(frozen)
        self.freeze.setText("Go on" if frozen else "Freeze")
        self._show_shares()

    def _on_hovered(self, hit: Hit | None) -> None:
        self.figures.set_full_text("" if hit is None else hit_text(hit, self.ribbon.span_ns[1]))


def span_text(span_ns: int) -> str:
    """Return a length of time with its unit."""
    ms = span_ns / 1e6
    return f"{ms:.3g} ms" if ms < 1000 else f"{ms / 1000:.3g} s"


def hit_text(hit: Hit, end_ns: int) -> str:
    """Return stage, frame, start, duration and the gap before, in one line."""
    length = ms_text((hit.end_ns - hit.start_ns) / 1e6)
    start = f"{(hit.start_ns - end_ns) / 1e6:.2f}".replace("-", "\N{MINUS SIGN}")
    if hit.stage is None:
        what = "no work on the device" if hit.lane == IDLE else "nothing to do"
        parts = [f"{hit.lane}: {what}" if hit.lane != IDLE else f"idle: {what}", f"{length} ms"]
    else:
        frame = f"frame {hit.frame_index}" if hit.frame_index >= 0 else ""
        parts = [f"{hit.lane}: {hit.stage.value}", frame, f"{length} ms"]
    parts.append(f"from {start} ms")
    if hit.gap_ns:
        parts.append(f"{ms_text(hit.gap_ns / 1e6)} ms idle before")
    return "  \N{MIDDLE DOT}  ".join(part for part in parts if part)
