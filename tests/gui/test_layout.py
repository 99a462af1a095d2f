"""Small windows, small screens, and what gives way there."""

from itertools import pairwise

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QSplitter

from rfviewer.gui.layout import LOW_PX, MINIMUM_SIZE, NARROW_PX, STRIP_HEIGHT_PX
from rfviewer.gui.shortcut_sheet import ShortcutSheet
from rfviewer.gui.tokens import PANEL_WIDTH_PX
from rfviewer.gui.video_messages import StartPanel
from tests.gui.fake_session import FakeSession


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


def test_the_video_has_half_of_a_small_window(window, qtbot):
    window.resize(1024, 700)
    video = window.video.view
    share = 0.45 * 1024 * 700
    qtbot.waitUntil(lambda: video.width() * video.height() > share)
    assert window.panel.isVisible()
    assert window.lab_parts.strip.tabs.isVisible()


def rows_of(window) -> QSplitter:
    (rows,) = (
        splitter
        for splitter in window.findChildren(QSplitter)
        if splitter.orientation() is Qt.Orientation.Vertical
    )
    return rows


def test_a_strip_from_a_taller_screen_leaves_the_video_half(
    make_window, session, preferences, qtbot
):
    preferences.set_layout_number("strip_px", 700)
    window = make_window(session)
    rows = rows_of(window)

    def is_halved() -> bool:
        video, strip = rows.sizes()
        return window.height() == 800 and abs(video - strip) <= 2

    for height in (800, 1600, 800):
        window.resize(1280, height)
        qtbot.waitUntil(is_halved if height == 800 else lambda: rows.sizes()[1] == 700)
    for folded in (True, False):
        window.actions_["plots"].trigger()
        assert window.lab_parts.strip.folded is folded
    qtbot.waitUntil(is_halved)


def test_what_the_user_leaves_the_video_is_less_than_half_if_they_want_it(window, qtbot):
    window.resize(1280, 1000)
    rows = rows_of(window)
    qtbot.waitUntil(lambda: sum(rows.sizes()) > 850)
    rows.moveSplitter(300, 1)
    assert rows.sizes()[0] == 300
    for _ in range(2):
        window.actions_["plots"].trigger()
    assert rows.sizes()[0] == 300
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: window.height() == 800 and rows.sizes()[0] == 300)
    window.actions_["reset_layout"].trigger()
    qtbot.waitUntil(lambda: rows.sizes()[1] == STRIP_HEIGHT_PX)


def test_sizes_that_the_user_moved_come_back(make_window, session, qtbot):
    window = make_window(session)
    window.resize(1180, 780)
    splitters = {s.orientation(): s for s in window.findChildren(QSplitter)}
    rows, columns = splitters[Qt.Orientation.Vertical], splitters[Qt.Orientation.Horizontal]
    rows.moveSplitter(rows.handle(1).y() - 90, 1)
    columns.moveSplitter(columns.handle(1).x() - 60, 1)
    strip_px, panel_px = window.layout_.strip_height(), window.panel.width()
    assert strip_px > STRIP_HEIGHT_PX + 60
    assert panel_px > PANEL_WIDTH_PX + 30
    window.actions_["plots"].trigger()
    window.close()
    again = make_window(FakeSession())
    again.resize(1180, 780)  # the screen of a test may be too small for it
    assert again.lab_parts.strip.folded
    qtbot.waitUntil(lambda: again.panel.width() == panel_px)
    again.actions_["page_timeline"].trigger()
    qtbot.waitUntil(lambda: again.layout_.strip_height() == pytest.approx(strip_px, abs=2))
    again.actions_["reset_layout"].trigger()
    qtbot.waitUntil(lambda: again.layout_.strip_height() == STRIP_HEIGHT_PX)


def test_pages_that_were_unfolded_in_a_small_window_stay_so(make_window, session):
    window = make_window(session)
    window.resize(1024, 700)
    assert window.lab_parts.strip.folded
    window.actions_["page_latency"].trigger()
    window.close()
    again = make_window(FakeSession())
    assert again.height() == 700
    assert not again.lab_parts.strip.folded


@pytest.mark.parametrize("panel", [True, False])
@pytest.mark.parametrize("plots", [True, False])
def test_one_press_shows_a_part_in_fullscreen_and_leaving_brings_back_what_was(
    window, qtbot, panel, plots
):
    before = {"panel": panel, "plots": plots}
    window.resize(NARROW_PX + 100, LOW_PX + 100)
    for name, wanted in before.items():
        if not wanted:
            window.actions_[name].trigger()
    widgets = {"panel": window.panel, "plots": window.lab_parts.strip}

    def marks() -> dict[str, bool]:
        return {name: window.actions_[name].isChecked() for name in before}

    for presses in (1, 2):
        window.actions_["fullscreen"].trigger()
        assert window.isFullScreen()
        assert marks() == window.layout_.parts_shown() == {"panel": False, "plots": False}
        for press in range(presses):
            for name, widget in widgets.items():
                window.actions_[name].trigger()
                assert widget.isVisible() is (press == 0)
                assert marks()[name] is (press == 0)
        window.actions_["leave_fullscreen"].trigger()
        assert not window.isFullScreen()
        assert marks() == window.layout_.parts_shown() == before
        assert window.lab_parts.strip.isVisible()
        assert window.lab_parts.strip.folded is not plots
    window.resize(640, 480)
    window.resize(NARROW_PX + 100, LOW_PX + 100)
    assert marks() == window.layout_.parts_shown() == before  # it is still what is wanted


def test_the_strip_has_its_height_again_after_fullscreen(window, qtbot):
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: window.layout_.strip_height() == STRIP_HEIGHT_PX)
    window.actions_["fullscreen"].trigger()
    window.actions_["plots"].trigger()
    qtbot.waitUntil(lambda: window.layout_.strip_height() == STRIP_HEIGHT_PX)
    window.actions_["fullscreen"].trigger()
    qtbot.waitUntil(lambda: (window.width(), window.height()) == (1280, 800))
    qtbot.waitUntil(lambda: window.layout_.strip_height() == STRIP_HEIGHT_PX)


def test_closing_in_fullscreen_remembers_what_was_there_before(window, preferences):
    window.resize(NARROW_PX + 100, LOW_PX + 100)
    window.actions_["panel"].trigger()
    window.actions_["fullscreen"].trigger()
    window.actions_["panel"].trigger()
    assert window.panel.isVisible()
    window.close()
    kept = [preferences.layout_number(f"panel_{fact}", -1) for fact in ("wanted", "shown")]
    assert kept == [0, 0]


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
    window.resize(800, LOW_PX)
    qtbot.waitUntil(lambda: plots._fps_legend.isVisible())
    window.resize(600, LOW_PX)
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
