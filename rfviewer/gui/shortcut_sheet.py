"""The "?" sheet: every action with its keys, made from the registry."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from rfviewer.gui.action_table import ActionSpec, Menu
from rfviewer.gui.actions import ActionRegistry, shown_key
from rfviewer.gui.controls import KeyCap, heading, label
from rfviewer.gui.tokens import GAP_PX, PAD_PX

type _Columns = tuple[tuple[Menu, ...], ...]

_COLUMNS: tuple[_Columns, ...] = (
    ((Menu.FILE, Menu.HELP), (Menu.PLAYBACK, Menu.MEASURE), (Menu.VIEW,), (Menu.OPTIMISE,)),
    ((Menu.FILE, Menu.HELP, Menu.VIEW), (Menu.PLAYBACK, Menu.MEASURE, Menu.OPTIMISE)),
    ((Menu.FILE, Menu.PLAYBACK, Menu.VIEW, Menu.OPTIMISE, Menu.MEASURE, Menu.HELP),),
)
"""The widest first; the sheet takes the first one that the screen has room for."""
_BAR_PX = 24
"""Room beside the columns for the scroll bar."""


class ShortcutSheet(QDialog):
    """Shows the keys in columns; Esc or ? closes it."""

    def __init__(self, actions: ActionRegistry, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self._actions = actions
        self.rows: dict[str, tuple[str, ...]] = {}
        """Action id to the keys shown."""
        # Whatever does not fit is scrolled to; a dialog beyond the screen could not be closed.
        room = parent.screen().availableGeometry().size()
        most_px = room.width() - 40
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        self.area = scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        content = self._fitting(most_px - _BAR_PX)
        wanted = content.sizeHint()
        scroll.setWidget(content)
        outer.addWidget(scroll)
        note = label(
            "While you type in a field, single keys belong to the field. Keys follow mpv.",
            muted=True,
        )
        note.setContentsMargins(20, 4, 20, 14)
        outer.addWidget(note)
        self.resize(
            min(wanted.width() + _BAR_PX, most_px), min(wanted.height() + 60, room.height() - 60)
        )

    def _fitting(self, most_px: int) -> QWidget:
        """Return the keys in as many columns as that width has room for."""
        *wider, narrowest = _COLUMNS
        for columns in wider:
            content = self._content(columns)
            if content.sizeHint().width() <= most_px:
                return content
            content.deleteLater()
        return self._content(narrowest)

    def _content(self, columns: _Columns) -> QWidget:
        content = QWidget()
        row = QHBoxLayout(content)
        row.setContentsMargins(20, 16, 20, 16)
        row.setSpacing(32)
        for menus in columns:
            column = QVBoxLayout()
            column.setSpacing(4)
            for menu in menus:
                specs = [spec for spec in self._actions.specs if spec.menu is menu]
                column.addWidget(heading(menu.value))
                column.addLayout(self._grid(specs))
                column.addSpacing(PAD_PX)
            column.addStretch(1)
            row.addLayout(column, 1)
        return content

    def _grid(self, specs: list[ActionSpec]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(GAP_PX * 2)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(0, 1)
        for index, spec in enumerate(self._with_keys(specs)):
            keys = tuple(shown_key(key) for key in spec.keys)
            self.rows[spec.id] = keys
            # The digits are named after the rows that they flip now.
            digit = spec.id.startswith("toggle_")
            text = self._actions[spec.id].text() if digit else spec.text
            grid.addWidget(label(text), index, 0)
            caps = QHBoxLayout()
            caps.setSpacing(4)
            caps.addStretch(1)
            if spec.held:
                caps.addWidget(label("hold", muted=True))
            for key in keys:
                caps.addWidget(KeyCap(key))
            grid.addLayout(caps, index, 1)
        return grid

    def _with_keys(self, specs: list[ActionSpec]) -> list[ActionSpec]:
        return [spec for spec in specs if spec.keys and self._actions[spec.id].isVisible()]
