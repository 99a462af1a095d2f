"""With text at twice its size the limits tell every rate, and the top bar what it has room for."""

import pytest
from PySide6.QtCore import Qt

from rfviewer.gui.lab_parts import WATERFALL
from rfviewer.gui.waterfall_page import LIMITS
from tests.gui.whole_parts import cut_buttons, place, show


@pytest.mark.parametrize("size", [(1280, 800), (1024, 700), (560, 700)])
@pytest.mark.parametrize("panel", [False, True])
def test_no_rate_of_the_limits_is_cut(large_text, window, qtbot, size, panel):
    page = show(window, WATERFALL, size, qtbot)
    page.run_ceilings()
    shown = page.ceilings
    qtbot.waitUntil(lambda: window.lab.running is None and len(shown.rows) == 7)
    window.layout_.set_panel_visible(visible=panel and size[0] > 560)
    page.show_view(LIMITS)

    def whole() -> bool:
        parts = [part for row in shown.rows for part in row[:2]]
        needs = [part.fontMetrics().horizontalAdvance(part.text()) for part in parts]
        room_px = page._limits.viewport().width()
        ends = [place(part, shown).right() for row in shown.rows for part in row]
        inside = shown.width() <= room_px and max(ends) < room_px
        return inside and all(p.width() >= n for p, n in zip(parts, needs, strict=True))

    qtbot.waitUntil(whole)
    assert not cut_buttons(page)


def test_the_limits_keep_their_bars_where_there_is_room(large_text, window, qtbot):
    page = show(window, WATERFALL, (1024, 700), qtbot)
    page.run_ceilings()
    qtbot.waitUntil(lambda: len(page.ceilings.rows) == 7)
    qtbot.waitUntil(lambda: all(bar.isVisible() for *_, bar in page.ceilings.rows))
    assert min(bar.width() for *_, bar in page.ceilings.rows) >= 60


@pytest.mark.parametrize("width_px", [560, 700, 1024])
def test_no_figure_of_the_status_bar_is_cut(large_text, window, qtbot, width_px):
    window.resize(width_px, 700)
    status = window.status
    qtbot.waitUntil(lambda: status.cells["dropped"].figure.text() not in {"", "0"})

    def whole() -> bool:
        shown = [cell for cell in status.cells.values() if cell.isVisible()]
        return all(cell.width() >= cell.sizeHint().width() for cell in shown)

    qtbot.waitUntil(whole)
    assert status.cells["shown"].isVisible()


@pytest.mark.parametrize("width_px", [1280, 1024, 900, 800, 700, 600])
def test_the_top_bar_leaves_out_no_more_words_than_it_must(large_text, window, qtbot, width_px):
    window.resize(width_px, 700)
    bar = window.top_bar
    qtbot.waitUntil(lambda: bar.width() == width_px)
    slim = Qt.ToolButtonStyle.ToolButtonIconOnly
    left_out = [button.toolButtonStyle() is slim for button in bar._texts]
    assert left_out == sorted(left_out, reverse=True)
    needed_px = bar.layout().sizeHint().width()
    assert needed_px <= width_px
    if any(left_out):
        last = bar._texts[sum(left_out) - 1]
        word_px = last.fontMetrics().horizontalAdvance(last.text())
        assert needed_px + word_px > width_px
    qtbot.waitUntil(lambda: not cut_buttons(bar))
    if width_px >= 1024:
        assert sum(left_out) <= 1  # the badge, whose shape and tooltip tell the same
