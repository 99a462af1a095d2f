"""Sends Qt's own messages into our log."""

import logging
from collections.abc import Callable

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

from rfviewer import log

_DESKTOP_GONE = "connection broke"
"""Part of what Qt's xcb and wayland plugins say before they exit."""
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def install(on_desktop_gone: Callable[[], None] = lambda: None) -> None:
    """Route Qt messages to the gui topic from now on.

    Qt ends the process at once when the X server or the Wayland compositor goes, as at a logout; it
    says so by a message before, and then `on_desktop_gone` is called.
    """

    def on_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        if _DESKTOP_GONE in message:
            on_desktop_gone()
        _on_message(kind, context, message)

    qInstallMessageHandler(on_message)


def restore() -> None:
    """Give the messages back to Qt."""
    qInstallMessageHandler(None)


def _on_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    category = context.category or "qt"
    log.gui.log(_LEVELS.get(kind, logging.WARNING), "%s: %s", category, message)
