"""File dialogs are those of the desktop where Qt has them; the tests see Qt's own."""

import os

import pytest
from PySide6.QtWidgets import QFileDialog

from rfviewer.config import use_desktop_dialogs

THEME = "QT_QPA_PLATFORMTHEME"


@pytest.mark.qt_log_ignore("propagateSizeHints")
@pytest.mark.parametrize(
    "action",
    ["export_video", "open_file", "open_folder", "export_trace", "save_report"],
)
def test_nothing_keeps_a_file_dialog_from_being_native(window, qtbot, action):
    qtbot.waitUntil(lambda: window.actions_[action].isEnabled())
    qtbot.waitUntil(lambda: bool(window.lab_parts.files.samples))
    window.actions_[action].trigger()
    dialog = window.findChild(QFileDialog)
    assert not dialog.testOption(QFileDialog.Option.DontUseNativeDialog)
    assert type(dialog) is QFileDialog  # Qt shows its own for any subclass
    dialog.close()


@pytest.mark.parametrize(
    ("desktop", "chosen", "theme"),
    [
        ("KDE", None, "xdgdesktopportal"),
        ("LXQt", None, "xdgdesktopportal"),
        ("ubuntu:GNOME", None, None),  # Qt knows how to show GTK's
        (None, None, None),
        ("KDE", "gtk3", "gtk3"),
    ],
)
def test_desktops_that_qt_has_no_theme_for_are_asked_by_their_portal(
    monkeypatch, desktop, chosen, theme
):
    named = {"XDG_CURRENT_DESKTOP": desktop, THEME: chosen}
    environment = {name: value for name, value in named.items() if value is not None}
    monkeypatch.setattr(os, "environ", environment)
    use_desktop_dialogs()
    assert environment.get(THEME) == theme
