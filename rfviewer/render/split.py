"""The split line: one drawn frame left of it, another right of it."""

import cv2

from rfviewer.frame import U8Array
from rfviewer.palette import Rgb
from rfviewer.render.masks import bgra

_LINE: Rgb = (255, 255, 255)
_SHADOW: Rgb = (0, 0, 0)


def split_column(width: int, share: float) -> int:
    """Return the first column of the right side."""
    return min(width, max(0, round(width * share)))


def compose_split(left: U8Array, right: U8Array, share: float) -> U8Array:
    """Return `right`, changed in place, with `left` up to the line.

    What the sides are is told by whoever shows the picture: a small one has no room for words.

    Args:
        left: BGRA (H, W, 4).
        right: BGRA (H, W, 4).
        share: where the line stands, 0..1 of the width.
    """
    height, width = right.shape[:2]
    column = split_column(width, share)
    right[:, :column] = left[:, :column]
    thickness = max(1, round(min(width, height) / 360))
    for offset, color in ((thickness, _SHADOW), (0, _LINE)):
        x0 = column - thickness // 2 + offset
        cv2.rectangle(right, (x0, 0), (x0 + thickness - 1, height - 1), bgra(color), cv2.FILLED)
    return right
