"""The registry: QActions made from the table, their menus, and who owns a key while typing."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QMenu,
    QMenuBar,
    QTabBar,
    QWidget,
)

from rfviewer.gui import icons
from rfviewer.gui.action_table import ActionSpec, Menu, all_actions
from rfviewer.gui.text import tooltip

_ARROWS = {Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down}
_JUMPS = {Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}
_PRESSES = {Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter}


@runtime_checkable
class KeyOwner(Protocol):
    """A widget of ours that acts on plain keys while it has the focus."""

    def owns_key(self, key: Qt.Key) -> bool:
        """Whether `key` is its own."""


class ActionRegistry(QObject):
    """All actions of a window by id."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._specs = {spec.id: spec for spec in all_actions()}
        self._actions = {spec.id: self._make(spec) for spec in self._specs.values()}

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    @property
    def specs(self) -> list[ActionSpec]:
        """Every action in menu order."""
        return list(self._specs.values())

    def connect_all(self, slots: dict[str, Callable[[], object]]) -> None:
        """Connect each id to a slot without arguments."""
        for action_id, slot in slots.items():
            self._actions[action_id].triggered.connect(lambda _checked=False, call=slot: call())

    def set_checked(self, action_id: str, *, checked: bool) -> None:
        """Set the mark of an action; nothing is triggered by it."""
        self._actions[action_id].setChecked(checked)

    def retint(self) -> None:
        """Draw the icons in the colours of the current palette."""
        for spec in self._specs.values():
            if spec.icon:
                self._actions[spec.id].setIcon(icons.icon(spec.icon))

    def fill_menu_bar(self, bar: QMenuBar) -> dict[Menu, QMenu]:
        """Make one menu for each `Menu`; return them for entries that are no actions."""
        menus: dict[Menu, QMenu] = {}
        for name in Menu:
            menu = bar.addMenu(f"&{name.value}")
            menus[name] = menu
            group = 0
            for spec in self._specs.values():
                if spec.menu is not name or spec.held or spec.id == "leave_fullscreen":
                    continue
                if spec.group != group:
                    menu.addSeparator()
                    group = spec.group
                menu.addAction(self._actions[spec.id])
        return menus

    def _make(self, spec: ActionSpec) -> QAction:
        action = QAction(spec.text, self._window)
        action.setObjectName(spec.id)
        action.setCheckable(spec.checkable)
        action.setAutoRepeat(spec.repeats)
        keys = " or ".join(shown_key(key) for key in spec.keys)
        action.setToolTip(
            tooltip(
                f"{spec.text}{f' ({keys})' if keys else ''}{'\n' + spec.tip if spec.tip else ''}"
            )
        )
        if spec.icon:
            action.setIcon(icons.icon(spec.icon))
        if not spec.held:
            action.setShortcuts([QKeySequence(key) for key in spec.keys])
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            # Menus swallow the shortcuts of hidden bars (fullscreen), a window's own actions work.
            self._window.addAction(action)
        return action


def shown_key(key: str) -> str:
    """Return a shortcut as the platform writes it, single letters as typed on the keyboard."""
    if len(key) == 1:
        return key.lower()
    if key.startswith("Shift+") and len(key) == len("Shift+") + 1 and key[-1].isalpha():
        return key[-1]
    arrows = {"Left": "←", "Right": "→", "Up": "↑", "Down": "↓"}
    parts = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText).split("+")
    return "+".join(arrows.get(part, part) for part in parts)


def widget_owns_key(widget: QWidget | None, event: QKeyEvent) -> bool:
    """Whether `widget`, which has the focus, needs this key itself instead of a shortcut.

    Text fields and the menu bar own every key without a modifier; buttons own Space and Return;
    sliders, lists and choices own the keys that move in them.
    """
    plain = event.modifiers() in {
        Qt.KeyboardModifier.NoModifier,
        Qt.KeyboardModifier.ShiftModifier,
        Qt.KeyboardModifier.KeypadModifier,
    }
    key = Qt.Key(event.key())
    if isinstance(widget, QMenuBar):  # after Alt: arrows, first letters, Escape
        return plain and key is not Qt.Key.Key_F1
    if not plain or key in {Qt.Key.Key_Escape, Qt.Key.Key_F1}:
        return False
    if isinstance(widget, QLineEdit | QAbstractSpinBox):
        return not Qt.Key.Key_F1 <= key <= Qt.Key.Key_F35
    if isinstance(widget, QAbstractButton):
        return key in _PRESSES
    owner: object = widget
    if isinstance(owner, KeyOwner):
        return owner.owns_key(key)
    if isinstance(widget, QTabBar):
        return key in {Qt.Key.Key_Left, Qt.Key.Key_Right}
    if isinstance(widget, QAbstractItemView | QComboBox):
        return key in _PRESSES | _ARROWS | _JUMPS
    if isinstance(widget, QAbstractSlider):
        return key in _ARROWS | _JUMPS
    return False
