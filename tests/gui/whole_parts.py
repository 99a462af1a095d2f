"""Ways to a page and to what is cut off on it."""

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QAbstractButton, QToolButton, QWidget

from rfviewer.gui.controls import Switch


def show(window, name: str, size: tuple[int, int], qtbot) -> QWidget:
    window.resize(*size)
    window.lab_parts.show_page(name)
    page, strip = window.lab_parts.strip.page(name), window.lab_parts.strip
    qtbot.waitUntil(lambda: window.lab.can_run)
    qtbot.waitUntil(lambda: page.isVisible() and 0 < page.width() <= strip.width())
    return page


def place(widget: QWidget, page: QWidget) -> QRect:
    return QRect(widget.mapTo(page, QPoint(0, 0)), widget.size())


def shows_text(button: QAbstractButton) -> bool:
    if isinstance(button, Switch):  # its name stands beside it
        return False
    only_icon = Qt.ToolButtonStyle.ToolButtonIconOnly
    icon = isinstance(button, QToolButton) and button.toolButtonStyle() == only_icon
    return bool(button.text()) and not (icon and not button.icon().isNull())


def cut_buttons(page: QWidget) -> list[str]:
    """Return the buttons with text that the page's sides cut, or that lack room for their text."""
    shown = [b for b in page.findChildren(QAbstractButton) if b.isVisible() and shows_text(b)]
    return [
        button.text()
        for button in shown
        if place(button, page).right() >= page.width()
        or button.fontMetrics().horizontalAdvance(button.text()) > button.width()
    ]
