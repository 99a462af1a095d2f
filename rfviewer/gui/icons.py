"""Icons: our own SVG files, tinted with the palette and rendered for every pixel ratio."""

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from rfviewer import paths
from rfviewer.gui.tokens import current_tokens, icon_px


def icon(name: str, color: str | None = None) -> QIcon:
    """Return resources/icons/`name`.svg in the text colour of the application, or in `color`.

    It keeps that colour, so whoever holds it asks again after the theme changed.
    """
    tokens = current_tokens()
    return _icon(name, color or tokens.text, tokens.muted, icon_px())


def pixmap(name: str, color: str, side_px: int, ratio: float) -> QPixmap:
    """Return the icon as a square of `side_px` logical pixels at device pixel ratio `ratio`."""
    return _pixmap(name, color, side_px, ratio)


@lru_cache(maxsize=256)
def _icon(name: str, color: str, disabled: str, side_px: int) -> QIcon:
    result = QIcon()
    for ratio in (1.0, 2.0, 3.0):
        result.addPixmap(_pixmap(name, color, side_px, ratio), QIcon.Mode.Normal)
        result.addPixmap(_pixmap(name, disabled, side_px, ratio), QIcon.Mode.Disabled)
    return result


@lru_cache(maxsize=512)
def _pixmap(name: str, color: str, side_px: int, ratio: float) -> QPixmap:
    side = round(side_px * ratio)
    result = QPixmap(side, side)
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    _renderer(name, color).render(painter, QRectF(0, 0, side, side))
    painter.end()
    result.setDevicePixelRatio(ratio)
    return result


@lru_cache(maxsize=128)
def _renderer(name: str, color: str) -> QSvgRenderer:
    text = paths.resource(f"icons/{name}.svg").read_text(encoding="utf-8")
    return QSvgRenderer(QByteArray(text.replace("currentColor", color).encode()))


def app_icon() -> QIcon:
    """Return the icon of the program."""
    result = QIcon()
    for side in (16, 32, 48, 64, 128, 256):
        result.addPixmap(_pixmap("rfviewer", "", side, 1.0))
    return result
