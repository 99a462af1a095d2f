"""Every menu is reached by mouse and keyboard, however large the text and narrow the window."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from rfviewer.gui.action_table import Menu
from rfviewer.gui.theme import ThemeChoice
from rfviewer.gui.tokens import icon_px

pytestmark = pytest.mark.qt_log_ignore(r"raise\(\)|grabbing the keyboard|propagateSizeHints")
SMALLEST = (560, 480)
NAMES = [f"&{name}" for name in Menu]


def whole(bar) -> list[str]:
    """Return the menus that stand in the bar and are not cut by its end or its button."""
    end = bar.more.x() if bar.more.isVisible() else bar.width()
    return [a.text() for a in bar.actions() if bar.actionGeometry(a).right() < end]


def listed(bar) -> list[str]:
    """Return the menus that are below the button."""
    return [a.text() for a in bar.more.menu().actions()] if bar.more.isVisible() else []


def opened(title: str, qtbot) -> QMenu:
    """Wait until the menu `title` is open, close what is open and return it."""
    qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
    qtbot.waitUntil(lambda: QApplication.activePopupWidget().title() == title)
    menu = QApplication.activePopupWidget()
    while QApplication.activePopupWidget() is not None:
        QApplication.activePopupWidget().close()
    return menu


def ink_px(button) -> tuple[int, int]:
    """Return the width and height of what is drawn on a button."""
    picture = button.grab().toImage()
    plain = picture.pixelColor(1, 1)
    inked = [
        (x, y)
        for x in range(picture.width())
        for y in range(picture.height())
        if picture.pixelColor(x, y) != plain
    ]
    across, down = [x for x, _ in inked], [y for _, y in inked]
    return max(across) - min(across) + 1, max(down) - min(down) + 1


@pytest.mark.parametrize("factor", [1.0, 2.0, 3.0])
def test_every_menu_is_in_the_bar_or_below_its_button(set_text_size, make_window, session, factor,
                                                      qtbot):  # fmt: skip
    set_text_size(factor)
    window = make_window(session)
    window.resize(*SMALLEST)
    bar = window.menuBar()
    qtbot.waitUntil(lambda: bar.width() == window.width())
    qtbot.waitUntil(lambda: whole(bar) + listed(bar) == NAMES)
    assert bar.more.isVisible() is (bar.sizeHint().width() > bar.width())
    assert factor < 3.0 or bar.more.isVisible()


@pytest.mark.parametrize("theme", [ThemeChoice.DARK, ThemeChoice.LIGHT])
def test_the_button_of_left_out_menus_is_seen_and_hit(set_text_size, window, qtbot, theme):
    window.theme.set_choice(theme)
    set_text_size(3.0)  # while the window is open
    window.resize(*SMALLEST)
    bar = window.menuBar()
    more = bar.more
    qtbot.waitUntil(lambda: more.isVisible() and more.width() > icon_px())
    assert icon_px() > 24
    assert bar.rect().contains(more.geometry())
    assert more.toolTip()
    assert more.accessibleName()
    qtbot.waitUntil(lambda: min(ink_px(more)) > 0.35 * icon_px())
    middle = more.mapTo(window, more.rect().center())
    assert window.childAt(middle) is more
    qtbot.mouseClick(more, Qt.MouseButton.LeftButton, pos=QPoint(2, 2))
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is more.menu())
    assert listed(bar)[-1] == "&Help"
    # Down to the last one, whose entries open beside it.
    for _ in listed(bar):
        QTest.keyClick(QApplication.activePopupWidget(), Qt.Key.Key_Down)
    QTest.keyClick(QApplication.activePopupWidget(), Qt.Key.Key_Right)
    assert window.actions_["about"] in opened("&Help", qtbot).actions()


def test_the_keyboard_opens_a_menu_that_is_left_out(set_text_size, make_window, session, qtbot):
    set_text_size(3.0)
    window = make_window(session)
    window.resize(*SMALLEST)
    bar = window.menuBar()
    qtbot.waitUntil(lambda: listed(bar)[-1:] == ["&Help"])
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_H, Qt.KeyboardModifier.AltModifier)
    opened("&Help", qtbot)


def test_arrows_and_first_letters_are_the_bars_after_alt(window, qtbot):
    bar, handle = window.menuBar(), window.windowHandle()
    stepped = []
    window.actions_["seek_forward"].triggered.connect(lambda: stepped.append(1))
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(handle, Qt.Key.Key_Alt)
    qtbot.waitUntil(bar.hasFocus)
    for name in NAMES[1:]:
        QTest.keyClick(handle, Qt.Key.Key_Right)
        assert bar.activeAction().text() == name
    assert not stepped
    QTest.keyClick(handle, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not bar.hasFocus() and bar.activeAction() is None)
    QTest.keyClick(handle, Qt.Key.Key_Alt)
    qtbot.waitUntil(bar.hasFocus)
    QTest.keyClick(handle, Qt.Key.Key_M)
    opened("&Measure", qtbot)
