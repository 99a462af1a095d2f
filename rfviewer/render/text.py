"""Text on images: the antialiased font of OpenCV 5, or the stroke font of OpenCV 4.

WORKAROUND: `cv2.FontFace` exists from OpenCV 5 on; the package range of this project reaches down
to 4.10, and conda and distribution builds may come without it.
"""

from functools import lru_cache
from typing import Any, Protocol

import cv2

from rfviewer.frame import U8Array
from rfviewer.palette import Rgb
from rfviewer.render.masks import bgra

_MAX_CHARACTERS = 32
_STROKE_FONT = cv2.FONT_HERSHEY_SIMPLEX


class Font(Protocol):
    """Measures and draws one line of text. Sizes are pixels from ascender to descender, about."""

    def width(self, text: str, size_px: int) -> int:
        """Return the width of `text` in pixels."""

    def draw(
        self, canvas: U8Array, text: str, baseline_xy: tuple[int, int], size_px: int, color: Rgb
    ) -> None:
        """Draw `text` with its baseline starting at that point, in place."""


class SmoothFont:
    """The TrueType font that OpenCV 5 carries ("sans"), semi-bold: thin strokes drown in video."""

    _WEIGHT = 500

    def __init__(self) -> None:
        # OpenCV's own stubs of version 5 lack these overloads.
        api: Any = cv2
        self._face = api.FontFace("sans")
        self._measure = api.getTextSize
        self._put = api.putText

    def width(self, text: str, size_px: int) -> int:
        """Return the width of `text` in pixels."""
        box = self._measure((0, 0), text, (0, 0), self._face, size_px, self._WEIGHT)
        return int(box[0] + box[2])

    def draw(
        self, canvas: U8Array, text: str, baseline_xy: tuple[int, int], size_px: int, color: Rgb
    ) -> None:
        """Draw `text` with its baseline starting at that point, in place."""
        self._put(canvas, text, baseline_xy, bgra(color), self._face, size_px, self._WEIGHT)


class StrokeFont:
    """The Hershey font of OpenCV 4: ASCII only, other characters show as "?"."""

    _UNIT_PX = 32.0
    """Height of an ascender plus descender at scale 1."""

    def width(self, text: str, size_px: int) -> int:
        """Return the width of `text` in pixels."""
        scale, thickness = size_px / self._UNIT_PX, self._thickness(size_px)
        (width, _), _ = cv2.getTextSize(_ascii(text), _STROKE_FONT, scale, thickness)
        return width

    def draw(
        self, canvas: U8Array, text: str, baseline_xy: tuple[int, int], size_px: int, color: Rgb
    ) -> None:
        """Draw `text` with its baseline starting at that point, in place."""
        scale = size_px / self._UNIT_PX
        thickness = self._thickness(size_px)
        cv2.putText(
            canvas,
            _ascii(text),
            baseline_xy,
            _STROKE_FONT,
            scale,
            bgra(color),
            thickness,
            cv2.LINE_AA,
        )

    @staticmethod
    def _thickness(size_px: int) -> int:
        return max(1, round(size_px / 16))


@lru_cache(maxsize=1)
def default_font() -> Font:
    """Return the best font that this OpenCV has."""
    return SmoothFont() if hasattr(cv2, "FontFace") else StrokeFont()


@lru_cache(maxsize=1024)
def clean(text: str) -> str:
    """Return `text` as one short printable line: class names come from other people's files."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _MAX_CHARACTERS else line[: _MAX_CHARACTERS - 3] + "..."


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")
