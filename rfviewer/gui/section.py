"""A titled part of the side panel that folds away."""

from typing import override

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from rfviewer.gui import icons
from rfviewer.gui.controls import ElidedLabel, rule
from rfviewer.gui.margins import without_margins
from rfviewer.gui.text import tooltip
from rfviewer.gui.tokens import GAP_PX, PAD_PX, scaled, tabular


class Section(QWidget):
    """Heading with an arrow; below it `body`, a column for the content."""

    def __init__(self, title: str, *, open_: bool = True, level: int = 1) -> None:
        super().__init__()
        self._level = level
        self._more = ""
        outer = without_margins(QVBoxLayout(self), spacing_px=0)
        self._head = QToolButton()
        self._head.setCheckable(True)
        self._head.setChecked(open_)
        self._head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._head.setObjectName("SectionHead")
        if level == 1:
            self._head.setFont(scaled(self._head.font(), 1.0, bold=True))
        self._head.toggled.connect(self._on_toggled)
        self._summary = ElidedLabel(muted=True)
        self._summary.setFont(tabular(self._summary.font()))
        self._summary.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._summary.clicked.connect(self._head.toggle)  # as the whole line does
        row = QHBoxLayout()
        row.setContentsMargins(4, 4 if level == 1 else 0, PAD_PX, 4 if level == 1 else 0)
        row.addWidget(self._head)
        row.addWidget(self._summary, 1)
        outer.addLayout(row)
        self._content = QWidget()
        self.body = QVBoxLayout(self._content)
        margin = PAD_PX if level == 1 else 0
        self.body.setContentsMargins(margin, 0, margin, PAD_PX if level == 1 else 0)
        self.body.setSpacing(GAP_PX)
        outer.addWidget(self._content)
        if level == 1:
            outer.addWidget(rule())
        self.set_title(title)
        self._on_toggled(open_)

    @property
    def is_open(self) -> bool:
        """Whether the content is shown."""
        return self._head.isChecked()

    def set_title(self, title: str) -> None:
        """Change the heading."""
        self._head.setText(f" {title}")
        self._head.setAccessibleName(title)

    def set_summary(self, text: str, more: str = "", shorter: str = "") -> None:
        """Show a few words at the right of the heading, `more` as their tooltip.

        Where there is no room for them, `shorter` ones.
        """
        self._summary.set_full_text(text, *filter(None, (shorter,)))
        if self._more != more:
            self._more = more
            for widget in (self._summary, self._head):
                widget.setToolTip(tooltip(more) if more else "")
            self._head.setAccessibleDescription(more)

    def _on_toggled(self, checked: bool) -> None:
        self._content.setVisible(checked)
        self._retint()

    def _retint(self) -> None:
        name = "chevron-down" if self._head.isChecked() else "chevron-right"
        self._head.setIcon(icons.icon(name))

    @override
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._retint()
        super().changeEvent(event)
