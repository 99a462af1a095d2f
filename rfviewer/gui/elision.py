"""Shortens a line to its room: a path in its middle, so that what is told around it stays."""

import re

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics

_PATH = re.compile(r"(?<!\S)(?:/|~|[A-Za-z]:[\\/]|\\\\).+?(?= \(|[,;:] |\.?$)")
"""From a root or a drive to a bracket, a mark or the end: names of folders may hold spaces."""
_LEAST_LETTERS = 8
"""A path of fewer letters tells nothing; the whole line is cut at its end then."""


def elided(text: str, metrics: QFontMetrics, width_px: int) -> str:
    """Return `text` in at most `width_px`, with an ellipsis where something was left out."""
    if metrics.horizontalAdvance(text) <= width_px:
        return text  # Qt counts fractions of pixels, and would cut what just fits
    found = _PATH.search(text)
    if found is not None:
        before, after = text[: found.start()], text[found.end() :]
        room_px = width_px - metrics.horizontalAdvance(before + after)
        if room_px >= _LEAST_LETTERS * metrics.averageCharWidth():
            middle = metrics.elidedText(found[0], Qt.TextElideMode.ElideMiddle, room_px)
            return before + middle + after
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width_px)
