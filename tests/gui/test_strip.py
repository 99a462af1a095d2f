"""The strip below the video: clocks run only for what is seen, and the tabs stay where they are."""

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication

from rfviewer.gui.lab_parts import AB, LATENCY, PLOTS, TIMELINE, WATERFALL
from rfviewer.gui.layout import STRIP_HEIGHT_PX
from rfviewer.gui.repainting import RepaintingWidget
from rfviewer.result import DeviceUsage
from tests.gui.fake_session import FakeSession


def test_only_what_is_seen_repaints(window, qtbot):
    strip = window.lab_parts.strip
    plots, latency = strip.page(PLOTS), strip.page(LATENCY)
    ribbon, progress = strip.page(TIMELINE).ribbon, strip.page(AB).progress
    every = [plots, latency, ribbon, progress]
    assert all(isinstance(one, RepaintingWidget) for one in every)
    for name, seen in ((TIMELINE, ribbon), (LATENCY, latency), (PLOTS, plots)):
        strip.show_page(name)
        qtbot.waitUntil(seen.isVisible)
        assert [one.repaint_timer.isActive() for one in every] == [one is seen for one in every]
    window.actions_["plots"].trigger()
    assert not any(one.repaint_timer.isActive() for one in every)


def settle(widget) -> None:
    """Let layouts that were invalidated be done."""
    for _ in range(3):
        QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        QApplication.processEvents()
    assert widget.isVisible()


def test_gpu_idle_takes_room_only_where_there_is_a_gpu(make_window, qtbot):
    without = make_window(FakeSession(gpu=False))
    without.lab_parts.strip.show_page(PLOTS)
    plots = without.lab_parts.strip.page(PLOTS)
    qtbot.waitUntil(lambda: without.model.snapshot is not None and plots.isVisible())
    assert not plots.idle_card.isVisible()
    session = FakeSession(gpu=True)
    window = make_window(session)
    window.lab_parts.strip.show_page(PLOTS)
    plots = window.lab_parts.strip.page(PLOTS)
    qtbot.waitUntil(plots.idle_card.isVisible)
    session.usage = DeviceUsage(None, "not measured: no frame yet", 2_400_000_000)
    qtbot.waitUntil(lambda: plots._idle_reason.text() == "not measured: no frame yet")
    assert plots.idle_card.isVisible()


PAGES = (PLOTS, TIMELINE, LATENCY, AB, WATERFALL)


@pytest.mark.parametrize("size", [(1024, 700), (1280, 800)])
def test_video_and_tabs_keep_their_place_whatever_page_is_shown(window, qtbot, size):
    window.resize(*size)
    strip, video = window.lab_parts.strip, window.video.view
    window.lab_parts.show_page(PLOTS)

    def places():
        return strip.tabs.mapTo(window, strip.tabs.rect().bottomLeft()), video.size()

    qtbot.waitUntil(lambda: strip.height() == STRIP_HEIGHT_PX)
    qtbot.waitUntil(lambda: video.width() + window.panel.width() < size[0])
    before = places()
    for name in (*PAGES[1:], *PAGES):
        window.lab_parts.show_page(name)
        settle(strip)
        assert places() == before, name
        page = strip.page(name)
        assert page.isVisible()
        assert page.width() <= strip.width(), name  # nothing is cut off at the right


def test_a_page_that_needs_more_height_is_scrolled(window, session, qtbot):
    window.lab_parts.run_waterfall()
    page = window.lab_parts.strip.page(WATERFALL)
    qtbot.waitUntil(lambda: page.table.isVisible() and page.table.model().rowCount() > 4)
    assert page.table.verticalScrollBar().maximum() > 0
    strip = window.lab_parts.strip
    for button in (page.run_button, *page._copies):
        place = button.mapTo(strip, button.rect().bottomRight())
        assert strip.rect().contains(place)


def test_folded_only_the_tabs_stay_and_a_tab_unfolds(window, qtbot):
    strip, video = window.lab_parts.strip, window.video.view
    small = video.height()
    qtbot.mouseClick(strip.fold, Qt.MouseButton.LeftButton)
    assert strip.folded
    assert strip.tabs.isVisible()
    assert not window.actions_["plots"].isChecked()
    qtbot.waitUntil(lambda: video.height() > small + 150)
    assert strip.height() == strip.tabs.height() + 1
    qtbot.keyClick(strip.fold, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: video.height() == small)
    window.actions_["plots"].trigger()
    assert strip.folded
    here = strip.tabs.tabRect(strip.tabs.currentIndex()).center()
    qtbot.mouseClick(strip.tabs, Qt.MouseButton.LeftButton, pos=here)
    assert not strip.folded
    assert window.actions_["plots"].isChecked()
    window.actions_["plots"].trigger()
    qtbot.keyClick(strip.tabs, Qt.Key.Key_Right)
    assert not strip.folded
    assert strip.current == TIMELINE
