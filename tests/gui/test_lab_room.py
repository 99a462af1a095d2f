"""What is seen of the lab's pages at the sizes of a first window: rows, and no lonely heading."""

import pytest
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget

from rfviewer.gui.lab_parts import AB, WATERFALL
from rfviewer.gui.layout import STRIP_HEIGHT_PX, TALL_LEAVES_PX
from rfviewer.optimizations import toggle_names
from tests.gui import fake_session
from tests.gui.fake_session import FakeSession

ON_A_CPU = 14
"""Toggles that the engine for a CPU can run."""
SIZES = [(1280, 800), (1024, 700)]


@pytest.fixture
def wide_window(make_window, monkeypatch):
    """A window whose engine runs as many toggles as the one for a CPU does."""
    monkeypatch.setattr(fake_session, "WORK_ON_CPU", set(toggle_names()[:ON_A_CPU]))
    return make_window(FakeSession())


def show(window, name: str, size: tuple[int, int], qtbot) -> QWidget:
    window.resize(*size)
    window.lab_parts.show_page(name)
    qtbot.waitUntil(lambda: window.lab.can_run)
    qtbot.waitUntil(lambda: window.lab_parts.strip.height() == STRIP_HEIGHT_PX)
    qtbot.waitUntil(lambda: (window.width(), window.height()) == size)
    return window.lab_parts.strip.page(name)


def is_whole(widget: QWidget) -> bool:
    """Whether all of a widget can be seen: no part of the window or of a scroll area cuts it."""
    if not widget.isVisible():
        return False
    area = widget.rect()
    part = widget
    while not part.isWindow():
        area.moveTopLeft(part.mapToParent(area.topLeft()))
        part = part.parentWidget()
        if not part.rect().contains(area):
            return False
    return True


def whole_rows(table) -> int:
    """Return how many rows of a table can be seen whole."""
    room = table.viewport().rect()
    rows = range(table.model().rowCount())
    seen = [QRect(0, table.rowViewportPosition(r), 1, table.rowHeight(r)) for r in rows]
    return sum(room.contains(place) for place in seen) if is_whole(table.viewport()) else 0


@pytest.mark.parametrize(("size", "least"), [(SIZES[0], ON_A_CPU), (SIZES[1], 10)])
def test_the_toggles_to_choose_from_are_seen_at_once(wide_window, qtbot, size, least):
    page = show(wide_window, AB, size, qtbot)
    names = page.picker._names

    def seen() -> int:
        return sum(is_whole(shown) for shown in names.values())

    qtbot.waitUntil(lambda: seen() >= least)
    assert is_whole(page.run_button)
    for name, shown in names.items():
        if shown.isVisible():
            assert shown.fontMetrics().horizontalAdvance(shown.full_text) <= shown.width(), name


@pytest.mark.parametrize("size", SIZES)
def test_every_row_of_a_comparison_is_seen(wide_window, qtbot, size):
    page = show(wide_window, AB, size, qtbot)
    page.run()
    qtbot.waitUntil(lambda: page.pages.currentWidget() is page.result)
    qtbot.waitUntil(lambda: whole_rows(page.table) == page.table.model().rowCount() > 4)
    assert is_whole(page.again)


@pytest.mark.parametrize(("size", "least"), [(SIZES[0], 6), (SIZES[1], 6)])
def test_the_waterfall_has_the_height_of_the_page(wide_window, qtbot, size, least):
    page = show(wide_window, WATERFALL, size, qtbot)
    page.run()
    qtbot.waitUntil(lambda: page.pages.currentWidget() is page.result_view)
    qtbot.waitUntil(lambda: whole_rows(page.table) >= least)
    assert not page.shows_both


@pytest.mark.parametrize("size", SIZES)
def test_no_heading_stands_without_what_it_heads(wide_window, qtbot, size):
    page = show(wide_window, WATERFALL, size, qtbot)
    heading = page.ceilings._heading
    assert not heading.isVisible()
    page.run_ceilings()
    qtbot.waitUntil(lambda: page.ceilings.bound.text() == "Network-bound")
    qtbot.waitUntil(lambda: all(is_whole(part) for part in page.ceilings.rows[0]))
    assert is_whole(page.ceilings.bound)
    assert is_whole(page.limits_button)
    assert not heading.isVisible()
    page.tabs.chosen.emit("savings")
    assert not page.ceilings.isVisible()
    assert is_whole(page.run_button)


def test_a_tall_page_shows_bars_and_limits_side_by_side(wide_window, qtbot):
    window = wide_window
    page = show(window, WATERFALL, SIZES[0], qtbot)
    page.run()
    qtbot.waitUntil(lambda: page.pages.currentWidget() is page.result_view)
    assert whole_rows(page.table) < page.table.model().rowCount()
    window.actions_["tall_page"].trigger()
    assert window.actions_["tall_page"].isChecked()
    qtbot.waitUntil(lambda: whole_rows(page.table) == page.table.model().rowCount())
    assert page.shows_both
    assert is_whole(page.ceilings._heading)
    assert is_whole(page.ceilings.verdict)
    assert window.video.view.height() >= 90
    window.lab_parts.strip.tall.click()
    qtbot.waitUntil(lambda: window.lab_parts.strip.height() == STRIP_HEIGHT_PX)
    assert not window.actions_["tall_page"].isChecked()


def test_the_height_that_the_user_finds_ends_a_tall_page(window, qtbot):
    window.resize(1280, 800)
    window.actions_["tall_page"].trigger()
    rows = window.layout_._rows
    qtbot.waitUntil(lambda: rows.sizes()[0] == TALL_LEAVES_PX)
    rows.moveSplitter(400, 1)
    QApplication.processEvents()
    assert not window.layout_.tall
    assert not window.actions_["tall_page"].isChecked()
    assert rows.sizes()[0] == 400


def test_a_folded_strip_unfolds_for_a_tall_page(window, qtbot):
    window.resize(1024, 700)
    assert window.lab_parts.strip.folded
    window.actions_["tall_page"].trigger()
    assert not window.lab_parts.strip.folded
    qtbot.waitUntil(lambda: window.layout_.strip_height() > STRIP_HEIGHT_PX)
    window.actions_["plots"].trigger()
    assert window.lab_parts.strip.folded
    assert isinstance(window.lab_parts.strip._stack.currentWidget(), QScrollArea)
