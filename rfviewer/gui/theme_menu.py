"""The menu that chooses the theme."""

from collections.abc import Callable

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from rfviewer.gui.theme import ThemeChoice, ThemeController

_THEMES = {
    ThemeChoice.SYSTEM: "As the system",
    ThemeChoice.LIGHT: "Light",
    ThemeChoice.DARK: "Dark",
}


def theme_menu(
    theme: ThemeController, on_chosen: Callable[[ThemeChoice], None], parent: QWidget
) -> QMenu:
    """Return a menu with one marked entry for each theme; `on_chosen` gets the user's choice."""
    menu = QMenu("Theme", parent)
    group = QActionGroup(menu)
    for choice, text in _THEMES.items():
        action = menu.addAction(text)
        action.setCheckable(True)
        action.setChecked(choice is theme.choice)
        action.triggered.connect(lambda _checked=False, value=choice: on_chosen(value))
        group.addAction(action)
    return menu
