"""The split line: one drawn frame left of it, another right of it."""

import cv2

from rfviewer.frame import U8Array
from rfviewer.palette import Rgb, text_color_on
from rfviewer.render.masks import bgra
from rfviewer.render.text import default_font

_LINE: Rgb = (255, 255, 255)
_SHADOW: Rgb = (0, 0, 0)
_PLATE: Rgb = (20, 22, 26)


def split_column(width: int, share: float) -> int:
    """Return the first column of the right side."""
    return min(width, max(0, round(width * share)))


def compose_split(left: U8Array, right: U8Array, share: float, labels: tuple[str, str]) -> U8Array:
    """Return `right`, changed in place, with `left` up to the line and a label on each side.

    Args:
        left: BGRA (H, W, 4).
        right: BGRA (H, W, 4).
        share: where the line stands, 0..1 of the width.
        labels: of the left and the right; one that finds no room on its side is left out.
    """
    height, width = right.shape[:2]
    column = split_column(width, share)
    right[:, :column] = left[:, :column]
    thickness = max(1, round(min(width, height) / 360))
    for offset, color in ((thickness, _SHADOW), (0, _LINE)):
        x0 = column - thickness // 2 + offset
        cv2.rectangle(right, (x0, 0), (x0 + thickness - 1, height - 1), bgra(color), cv2.FILLED)
    font_px = max(9, round(min(width, height) / 40))
    for text, to_the_left in zip(labels, (True, False), strict=True):
        _label(right, text, column, font_px, to_the_left=to_the_left)
    right[..., 3] = 255  # antialiased text may lose a unit to rounding
    return right


def _label(canvas: U8Array, text: str, column: int, font_px: int, *, to_the_left: bool) -> None:
    if not text:
        return
    font, pad = default_font(), max(3, font_px // 2)
    width, height = font.width(text, font_px) + 2 * pad, font_px + pad
    room = column if to_the_left else canvas.shape[1] - column
    if width + 2 * pad > room or height + pad > canvas.shape[0]:
        return
    x0 = column - pad - width if to_the_left else column + pad
    plate = (x0, pad), (x0 + width - 1, pad + height - 1)
    cv2.rectangle(canvas, *plate, bgra(_PLATE), cv2.FILLED)
    baseline = (x0 + pad, pad + (height + round(font_px * 0.7)) // 2)
    font.draw(canvas, text, baseline, font_px, text_color_on(_PLATE))
