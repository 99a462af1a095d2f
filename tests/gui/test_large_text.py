"""The pages of the lab at 200 % text: no button, word or figure is cut at a side."""

import pytest
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QAbstractButton, QLabel, QToolButton

from rfviewer.gui.command_palette import CommandPalette
from rfviewer.gui.controls import ElidedLabel, Switch, label
from rfviewer.gui.lab_parts import AB, TIMELINE, WATERFALL
from rfviewer.gui.shortcut_sheet import ShortcutSheet
from rfviewer.gui.tokens import ICON_PX, icon_px, scaled
from rfviewer.gui.words_and_table import WordsAndTable
from tests.gui.fake_session import FakeSession
from tests.gui.whole_parts import cut_buttons, place, show

SIZES = [(1280, 800), (1024, 700)]


def cut_words(words: WordsAndTable) -> list[str]:
    """Return the texts that are not whole, in width or height, inside what may be scrolled."""
    found = []
    for text in words._words.findChildren(QLabel):
        if text.isVisible() and text.text():
            longest = max(map(text.fontMetrics().horizontalAdvance, text.text().split()))
            if longest > text.width() or text.heightForWidth(text.width()) > text.height():
                found.append(text.text())
    return found


@pytest.mark.parametrize("size", SIZES)
def test_every_button_of_the_timeline_is_whole(large_text, window, qtbot, size):
    page = show(window, TIMELINE, size, qtbot)
    qtbot.waitUntil(lambda: not cut_buttons(page))
    exports = [
        b
        for b in page.findChildren(QAbstractButton)
        if b.text().endswith("\N{HORIZONTAL ELLIPSIS}")
    ]
    assert len({place(button, page).top() for button in exports}) == 1 < len(exports)


def test_figures_of_the_timeline_stand_between_its_buttons(window, qtbot):
    page = show(window, TIMELINE, SIZES[0], qtbot)
    exports = page._exports
    qtbot.waitUntil(lambda: page.figures.width() > 100)
    assert place(page.figures, page).left() > place(page.span, page).right()
    assert place(page.figures, page).right() < place(exports, page).left()
    assert place(exports, page).top() < place(page.span, page).bottom()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [AB, WATERFALL])
def test_a_result_is_whole(large_text, window, qtbot, name, size):
    page = show(window, name, size, qtbot)
    page.run()
    result = page.result_view
    qtbot.waitUntil(lambda: result.isVisible() and not cut_words(result))
    assert result.stacked
    assert result._area.verticalScrollBar().maximum() == 0
    table = page.table
    assert table.verticalScrollBar().maximum() == 0
    assert table.horizontalScrollBar().maximum() == 0
    assert not cut_buttons(page)


@pytest.mark.parametrize("name", [AB, WATERFALL])
def test_words_and_table_stand_side_by_side_at_usual_text(window, qtbot, name):
    page = show(window, name, SIZES[1], qtbot)
    page.run()
    qtbot.waitUntil(lambda: page.result_view.isVisible() and not cut_words(page.result_view))
    assert not page.result_view.stacked
    assert place(page.table, page).left() > place(page.result_view._area, page).right()


def test_a_letter_stands_beside_the_set_that_it_names(large_text, window, qtbot):
    page = show(window, AB, SIZES[1], qtbot)
    for side in "AB":
        button = page.picker._buttons[side]
        heading = next(t for t in button.parentWidget().findChildren(QLabel) if t.text() == side)
        qtbot.waitUntil(
            lambda heading=heading, button=button: abs(
                place(heading, page).center().y() - place(button, page).center().y()
            ) < 4
        )  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
def test_the_transport_tells_the_time_and_cuts_no_choice(large_text, window, qtbot, size):
    window.resize(*size)
    window.layout_.set_panel_visible(visible=True)
    bar = window.transport
    qtbot.waitUntil(lambda: bar.readout.full_text.startswith("0:"))
    qtbot.waitUntil(lambda: not cut_buttons(bar))
    assert bar.policy.width() >= bar.policy.sizeHint().width()
    now = bar.readout.full_text.split(" /")[0]
    assert bar.readout.fontMetrics().horizontalAdvance(now) <= bar.readout.width()


def test_a_line_without_room_shows_fewer_words_and_not_half_of_them(qtbot):
    shown = ElidedLabel()
    qtbot.addWidget(shown)
    words = ("0:01.00 / 0:20.00   frame 30", "0:01.00 / 0:20.00", "0:01.00")
    shown.set_full_text(*words)
    for text in words:
        shown.resize(shown.fontMetrics().horizontalAdvance(text) + 2, 20)
        assert shown.shown_text == text
    shown.resize(20, 20)
    assert shown.shown_text.endswith("\N{HORIZONTAL ELLIPSIS}")
    assert shown.accessibleName() == words[0]


def test_the_panel_gives_way_sooner_where_its_text_is_large(large_text, window, qtbot):
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: window.panel.isVisible())
    window.resize(1024, 800)
    qtbot.waitUntil(lambda: not window.panel.isVisible())
    tabs = window.lab_parts.strip.tabs
    metrics = tabs.fontMetrics()
    for index in range(tabs.count()):
        needs = metrics.horizontalAdvance(tabs.tabText(index))
        qtbot.waitUntil(lambda index=index, needs=needs: tabs.tabRect(index).width() > needs)


def test_nothing_of_the_side_panel_is_cut_at_its_side(large_text, window, session, qtbot):
    window.resize(1280, 800)
    panel = window.panel
    qtbot.waitUntil(lambda: panel.classes._summary.full_text.startswith("5 of 5 shown"))
    qtbot.waitUntil(lambda: "in effect" in panel.rack._summary.full_text)
    content = panel.widget()
    qtbot.waitUntil(lambda: content.width() <= panel.viewport().width())
    qtbot.waitUntil(lambda: not cut_buttons(content))
    summary = panel.classes._summary
    assert summary.shown_text in {summary.full_text, "5 of 5 shown"}


def test_the_panel_grows_with_what_it_has_to_say(window, qtbot):
    panel = window.panel
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: panel.isVisible())
    panel.engine.body.addWidget(label("a word that cannot be broken".replace(" ", "-") * 3))
    qtbot.waitUntil(lambda: panel.widget().width() <= panel.viewport().width())


def test_a_panel_that_grew_too_wide_for_the_window_gives_way(window, qtbot):
    panel = window.panel
    window.resize(1000, 800)
    qtbot.waitUntil(lambda: panel.isVisible())
    wide = label("")
    wide.setMinimumWidth(500)
    panel.engine.body.addWidget(wide)
    qtbot.waitUntil(lambda: not panel.isVisible())
    window.actions_["panel"].trigger()  # shown in spite of it
    assert panel.isVisible()


def test_a_click_on_the_summary_folds_its_section_too(window, qtbot):
    rack = window.panel.rack
    qtbot.mouseClick(rack._summary, Qt.MouseButton.LeftButton)
    assert not rack.is_open
    qtbot.mouseClick(rack._summary, Qt.MouseButton.LeftButton)
    assert rack.is_open


def test_icons_grow_with_the_text(large_text, make_window, session):
    for button in make_window(session).transport.findChildren(QToolButton):
        if not button.icon().isNull():
            side = icon_px()
            assert side > 1.5 * ICON_PX
            assert button.iconSize() == QSize(side, side)
            assert button.icon().actualSize(QSize(99, 99)).width() == side


def test_no_column_of_the_shortcut_sheet_is_scrolled_to_sideways(large_text, window, qtbot):
    sheet = ShortcutSheet(window.actions_, window)
    qtbot.addWidget(sheet)
    sheet.grab()  # lays it out
    assert sheet.area.horizontalScrollBar().maximum() == 0
    assert sheet.rows["play"]


def test_no_command_of_the_palette_runs_into_its_keys(large_text, window, qtbot):
    window.resize(1280, 800)
    palette = CommandPalette(window.actions_, window)
    qtbot.addWidget(palette)
    palette.grab()  # lays it out
    metrics = palette.list.fontMetrics()
    items = [palette.list.item(row) for row in range(palette.list.count())]
    keys = {item.text(): item.data(Qt.ItemDataRole.UserRole + 1) for item in items}
    assert keys["File: Open video\N{HORIZONTAL ELLIPSIS}"] == "Ctrl+O"
    for text, shown in keys.items():
        needs = metrics.horizontalAdvance(text) + metrics.horizontalAdvance(f"  {shown}")
        assert needs <= palette.list.viewport().width(), text
    palette.field.setText("ctrl+o")
    assert palette.shown_ids()[0] == "open_file"


def test_switches_grow_with_the_text(large_text, window, qtbot):
    window.resize(1280, 800)
    switches = window.panel.findChildren(Switch)
    qtbot.waitUntil(lambda: any(switch.isVisible() for switch in switches))
    for switch in switches:
        assert switch.sizeHint() == QSize(icon_px(34), icon_px(22))
        assert not switch.isVisible() or switch.height() >= icon_px(16)


def test_a_large_count_of_a_class_is_whole(large_text, window, qtbot):
    window.resize(1280, 800)
    classes = window.panel.classes
    qtbot.waitUntil(lambda: classes._list.isVisible() and len(classes.rows.rows) == 5)
    window.poller.stop()

    def ink(count: int) -> set[int]:
        """Return where a row differs from one without a count, in px from the left."""
        for row in classes.rows.rows:
            row.count = count
        picture = classes._list.grab().toImage()
        place = classes._list.visualRect(classes._list.model().index(0, 0))
        across = range(place.right() - 200, place.right())
        down = range(place.top() + 2, place.bottom() - 2)
        panel = picture.pixelColor(across[0], down[0])
        return {x for x in across if any(picture.pixelColor(x, y) != panel for y in down)}

    needs = QFontMetrics(classes._list.font()).horizontalAdvance("8888") - 8
    found = ink(8888)
    assert max(found) - min(found) >= needs


@pytest.mark.parametrize("size", SIZES)
def test_the_ways_to_begin_are_explained_whole(large_text, make_window, qtbot, size):
    window = make_window(FakeSession(open_=False))
    window.resize(*size)
    cards = window.video.start_panel._cards

    def whole() -> bool:
        for card in cards:
            metrics = QFontMetrics(scaled(card.font(), 0.88))
            room, flags = card.width() - 8, Qt.TextFlag.TextWordWrap
            needs = metrics.boundingRect(QRect(0, 0, room, 999), flags, card._hint)
            if needs.width() > room or 48 + metrics.height() + needs.height() > card.height():
                return False
        return all(card.isVisible() for card in cards)

    qtbot.waitUntil(whole)
