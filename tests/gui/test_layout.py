"""Small windows, small screens, and what gives way there."""

from itertools import pairwise

import pytest
from PySide6.QtCore import QRect

from rfviewer.gui.layout import LOW_PX, MINIMUM_SIZE, NARROW_PX
from rfviewer.gui.shortcut_sheet import ShortcutSheet
from rfviewer.gui.video_messages import StartPanel


def test_the_first_window_fits_the_screen(window):
    room = window.screen().availableGeometry()
    assert window.width() <= room.width()
    assert window.height() <= room.height()


def test_the_window_takes_no_more_than_a_small_screen(window, monkeypatch):
    monkeypatch.setattr(window.layout_, "_room", lambda: QRect(0, 0, 700, 500))
    window.layout_.restore()
    assert (window.width(), window.height()) == (700, 468)


def test_the_sheet_fits_the_screen(window, qtbot):
    sheet = ShortcutSheet(window.actions_, window)
    qtbot.addWidget(sheet)
    room = window.screen().availableGeometry()
    assert sheet.width() <= room.width()
    assert sheet.height() <= room.height()


def test_panel_and_plots_give_way_and_come_back(window):
    window.resize(NARROW_PX + 100, LOW_PX + 100)
    assert window.layout_.parts_shown() == {"panel": True, "plots": True}
    window.resize(640, 480)
    assert window.layout_.parts_shown() == {"panel": False, "plots": False}
    assert not window.actions_["panel"].isChecked()
    assert (window.width(), window.height()) == (640, 480)
    window.actions_["panel"].trigger()
    assert window.panel.isVisible()
    window.actions_["panel"].trigger()
    window.resize(NARROW_PX + 100, LOW_PX + 100)
    assert window.layout_.parts_shown() == {"panel": True, "plots": True}
    window.actions_["panel"].trigger()
    window.resize(640, 480)
    window.resize(NARROW_PX + 100, LOW_PX + 100)
    assert window.layout_.parts_shown() == {"panel": False, "plots": True}


def test_nothing_overlaps_in_the_smallest_window(window, qtbot):
    window.resize(*MINIMUM_SIZE)
    assert (window.width(), window.height()) == MINIMUM_SIZE
    bar, cells = window.transport, window.status.cells

    def nothing_overlaps():  # once the layout has followed, which takes an event on X11
        for left, right in pairwise([bar.readout, bar.policy, bar._speed]):
            assert left.geometry().right() < right.geometry().left()
        assert bar.policy.width() >= bar.policy.sizeHint().width()
        shown = [cell for cell in cells.values() if cell.isVisible()]
        assert shown[-1].geometry().right() <= window.status.width()

    qtbot.waitUntil(nothing_overlaps)


def test_legends_give_way_to_narrow_plots(window, qtbot):
    plots = window.live.plots
    window.resize(800, 700)
    qtbot.waitUntil(lambda: plots._fps_legend.isVisible())
    window.resize(600, 700)
    assert window.width() == 600
    qtbot.waitUntil(plots._fps_legend.isHidden)
    assert plots._table.isHidden()


@pytest.mark.qt_log_ignore("propagateSizeHints")
def test_start_cards_stand_in_two_rows_when_narrow(qtbot):
    panel = StartPanel()
    qtbot.addWidget(panel)
    panel.resize(400, 300)
    panel.show()
    assert panel._columns == 2
    panel.resize(800, 300)
    assert panel._columns == 4
