"""The strip below the video: clocks run only for what is seen, and the tabs stay where they are."""

import pytest

from rfviewer.gui.lab_parts import AB, LATENCY, PLOTS, TIMELINE, WATERFALL
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


@pytest.mark.parametrize("name", [TIMELINE, LATENCY, AB, WATERFALL, PLOTS])
def test_the_tabs_stay_where_they_are_whatever_a_page_wants(window, qtbot, name):
    strip = window.lab_parts.strip
    strip.show_page(PLOTS)

    def foot():
        return strip.tabs.mapTo(window, strip.tabs.rect().bottomLeft())

    before = foot()
    strip.show_page(name)
    qtbot.waitUntil(lambda: strip.height() == window.layout_.strip_height())
    qtbot.waitUntil(lambda: foot() == before)
