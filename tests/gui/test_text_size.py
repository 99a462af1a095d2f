"""A text size that changes while the window is open is followed as if it had been there before."""

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QLabel, QSpinBox, QToolButton, QWidget

from rfviewer.gui.controls import Switch
from rfviewer.gui.lab_parts import AB, PLOTS
from rfviewer.gui.theme import ThemeChoice
from rfviewer.gui.tokens import icon_px


def fonts_and_icons(window) -> dict[QWidget, tuple[float, ...]]:
    """Return text size, icon size and the size asked for of what has words or a mark."""
    found = {}
    for part in window.findChildren(QWidget):
        if isinstance(part, QLabel | QToolButton | QSpinBox | Switch):
            sizes = [round(part.font().pointSizeF(), 2)]
            if isinstance(part, QToolButton):
                sizes.append(part.iconSize().width())
                if not part.icon().isNull():
                    sizes.append(part.icon().actualSize(QSize(99, 99)).width())
            if isinstance(part, Switch):
                sizes += [part.sizeHint().width(), part.sizeHint().height()]
            found[part] = tuple(sizes)
    return found


@pytest.fixture
def quiet_window(window, qtbot):
    """Shows nothing new, so that its parts can be compared."""
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: window.panel.classes._list.isVisible())
    window.lab_parts.show_page(AB)
    window.lab_parts.show_page(PLOTS)
    window.poller.stop()
    return window


@pytest.mark.parametrize("factor", [2.0, 0.8])
def test_text_icons_and_switches_follow_and_come_back(quiet_window, set_text_size, qtbot, factor):
    before = fonts_and_icons(quiet_window)
    sizes = {size for size, *_ in before.values()}
    assert len(before) > 50
    assert len(sizes) > 2  # the usual one, and those of notes
    set_text_size(factor)

    def followed() -> bool:
        now = fonts_and_icons(quiet_window)
        return all(abs(now[part][0] - factor * sizes[0]) <= 0.05 for part, sizes in before.items())

    qtbot.waitUntil(followed)
    for part in quiet_window.findChildren(QToolButton):
        if part.isVisible() and not part.icon().isNull() and part.objectName() != "Small":
            assert part.icon().actualSize(QSize(99, 99)).width() == icon_px(), part.text()
            assert part.iconSize().width() == icon_px(), part.text()
    for switch in quiet_window.findChildren(Switch):
        assert switch.sizeHint().width() == icon_px(34)
    set_text_size(1.0)
    qtbot.waitUntil(lambda: fonts_and_icons(quiet_window) == before)


def test_another_theme_keeps_the_text_size_that_was_followed(quiet_window, set_text_size, qtbot):
    before = fonts_and_icons(quiet_window)
    set_text_size(2.0)
    qtbot.waitUntil(
        lambda: all(
            abs(size - 2.0 * before[part][0]) <= 0.05
            for part, (size, *_) in fonts_and_icons(quiet_window).items()
        )
    )
    followed = fonts_and_icons(quiet_window)
    for theme in (ThemeChoice.LIGHT, ThemeChoice.DARK):
        quiet_window.theme.set_choice(theme)
        now = fonts_and_icons(quiet_window)
        assert {part for part in before if abs(now[part][0] - followed[part][0]) > 0.05} == set()
        assert now == followed


def test_no_caption_and_no_figure_is_cut_by_a_text_that_grew(quiet_window, set_text_size, qtbot):
    set_text_size(2.0)
    threshold, classes = quiet_window.panel.show_panel._threshold, quiet_window.panel.classes

    def whole() -> bool:
        metrics = threshold.fontMetrics()
        return (
            threshold._caption.width() >= metrics.horizontalAdvance("Threshold")
            and threshold._spin.width() >= metrics.horizontalAdvance("0.00") + 30
            and classes._list.height() >= len(classes.rows.rows) * metrics.height()
        )

    qtbot.waitUntil(whole)
    plot = quiet_window.live.plots.fps
    bottom = plot.item.getAxis("bottom")
    qtbot.waitUntil(lambda: bottom.height() >= 0.8 * quiet_window.fontMetrics().height())
