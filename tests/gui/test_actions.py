from collections import Counter

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLineEdit, QPushButton, QSlider

from rfviewer.gui.action_table import all_actions
from rfviewer.gui.actions import shown_key, widget_owns_key
from rfviewer.gui.shortcut_sheet import ShortcutSheet


def test_no_key_has_two_actions():
    keys = Counter(QKeySequence(key).toString() for spec in all_actions() for key in spec.keys)
    assert [key for key, count in keys.items() if count > 1] == []


def test_every_key_is_understood_by_qt():
    for spec in all_actions():
        for key in spec.keys:
            assert QKeySequence(key).toString(), (spec.id, key)


def test_ids_are_unique():
    ids = [spec.id for spec in all_actions()]
    assert len(ids) == len(set(ids))


def test_every_action_does_something(window):
    for spec in window.actions_.specs:
        if not spec.held:
            action = window.actions_[spec.id]
            assert action.receivers("2triggered(bool)") > 0, spec.id


def test_sheet_lists_every_key_of_the_registry(window, qtbot):
    sheet = ShortcutSheet(window.actions_, window)
    qtbot.addWidget(sheet)
    visible = window.actions_
    expected = {s.id for s in all_actions() if s.keys and visible[s.id].isVisible()}
    assert set(sheet.rows) == expected
    assert sheet.rows["shot_raw"] == ("S",)
    assert sheet.rows["shot_annotated"] == ("s",)


@pytest.mark.parametrize(
    ("key", "shown"), [("R", "r"), ("Shift+L", "L"), ("Left", "←"), ("Shift+Left", "Shift+←")]
)
def test_keys_are_shown_as_typed(qapp, key, shown):
    assert shown_key(key) == shown


def _press(key, modifiers=Qt.KeyboardModifier.NoModifier):
    return QKeyEvent(QEvent.Type.ShortcutOverride, key, modifiers)


def test_text_fields_own_single_keys_but_not_commands(qtbot):
    field, button, slider = QLineEdit(), QPushButton(), QSlider()
    for widget in (field, button, slider):
        qtbot.addWidget(widget)
    assert widget_owns_key(field, _press(Qt.Key.Key_R))
    assert not widget_owns_key(field, _press(Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier))
    assert widget_owns_key(button, _press(Qt.Key.Key_Space))
    assert not widget_owns_key(button, _press(Qt.Key.Key_R))
    assert widget_owns_key(slider, _press(Qt.Key.Key_Left))
    assert not widget_owns_key(None, _press(Qt.Key.Key_Space))


def test_space_on_a_focused_switch_flips_it_and_does_not_pause(window, session, qtbot):
    switch = window.panel.rack.rows["roi_render"].focus_target
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    switch.setFocus()
    qtbot.keyClick(switch, Qt.Key.Key_Space)
    assert window.model.optimizations.roi_render is False
    assert session.asked("pause") == []


def test_keys_reach_the_session(window, session, qtbot):
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    view = window.video.view
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert session.asked("pause") == [()]
    qtbot.keyClick(view, Qt.Key.Key_Period)
    qtbot.keyClick(view, Qt.Key.Key_Comma)
    assert session.asked("step") == [(1,), (-1,)]
    qtbot.keyClick(view, Qt.Key.Key_M)
    assert session.asked("set_view")[-1][0].masks is False
    qtbot.keyClick(view, Qt.Key.Key_Minus)
    assert session.asked("set_view")[-1][0].threshold == 0.45
    qtbot.keyClick(view, Qt.Key.Key_BracketRight)
    assert session.asked("set_playback")[-1][0].rate == 1.5


def test_holding_a_shows_the_baseline_until_release(window, session, qtbot):
    before = window.model.optimizations
    view = window.video.view
    qtbot.keyPress(view, Qt.Key.Key_A)
    assert window.model.optimizations == before.baseline()
    qtbot.keyRelease(view, Qt.Key.Key_A)
    assert window.model.optimizations == before
    assert len(session.asked("set_optimizations")) == 2
