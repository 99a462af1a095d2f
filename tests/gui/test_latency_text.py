"""The latency page at large text: nothing is cut at a side, the page scrolls down instead."""

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QBoxLayout, QLabel

from rfviewer.gui.lab_parts import LATENCY


@pytest.fixture(params=[1.0, 2.0])
def text_share(qapp, request):
    """Text at that share of its usual size."""
    before = qapp.font()
    large = QFont(before)
    large.setPointSizeF(before.pointSizeF() * request.param)
    qapp.setFont(large)
    yield request.param
    qapp.setFont(before)


@pytest.mark.parametrize("size", [(1280, 800), (1024, 700)])
def test_no_label_of_the_latency_page_is_cut(text_share, make_window, session, qtbot, size):
    window = make_window(session)
    window.resize(*size)
    window.lab_parts.show_page(LATENCY)
    page = window.lab_parts.strip.page(LATENCY)
    strip = window.lab_parts.strip
    qtbot.waitUntil(lambda: page.isVisible() and 0 < page.width() <= strip.width())

    def cut() -> list[str]:
        found = []
        for text in page.findChildren(QLabel):
            if not text.isVisible() or not text.text():
                continue
            right = text.mapTo(page, QPoint(text.width(), 0)).x()
            words = text.text().split() if text.wordWrap() else [text.text()]
            needs = max(text.fontMetrics().horizontalAdvance(word) for word in words)
            if right > page.width() or needs > text.width():
                found.append(text.text())
        return found

    qtbot.waitUntil(lambda: not cut())
    side_by_side = page._row.direction() is QBoxLayout.Direction.LeftToRight
    assert side_by_side or text_share > 1


def test_a_row_of_cards_comes_back_with_the_room(window, qtbot):
    window.lab_parts.show_page(LATENCY)
    page = window.lab_parts.strip.page(LATENCY)
    window.resize(560, 800)
    qtbot.waitUntil(lambda: page.width() <= 560)
    narrow = page._row.direction()
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: page._row.direction() is QBoxLayout.Direction.LeftToRight)
    assert narrow in {QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom}
