"""The strip below the video: clocks run only for what is seen, and the tabs stay where they are."""

import pytest

from rfviewer.gui.lab_parts import AB, LATENCY, PLOTS, TIMELINE, WATERFALL
from rfviewer.gui.repainting import RepaintingWidget


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
