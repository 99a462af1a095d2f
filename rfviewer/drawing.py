"""How overlays look, in numbers: the one definition for the host renderer and the device overlay.

Both blend in whole numbers with the same rounding, so both draw the same bytes.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

OUTLINE_LIGHTER = 0.35
"""The outline is that much lighter than the class colour, to stand off its own fill and box."""

OPACITY_STEPS = 256
"""Shares are whole numbers up to this one: `(old * (256 - share) + new * share + 128) >> 8`."""

_MAX_OUTLINE_PX = 9
"""Wider lines would need windows beyond the bytes beside a pixel; 4K has 5."""


@dataclass(frozen=True, slots=True)
class DrawSizes:
    """Line widths and text size in pixels, grown with the frame so that all frames look alike."""

    box_reach: int
    """Pixels of a box's line on each side of the outermost pixels that the box covers."""
    outline_px: int
    """Width of the outline."""
    font_px: int
    """Height of the text."""

    @classmethod
    def for_frame(cls, width: int, height: int) -> Self:
        """Return sizes for a frame by its shorter side; text never gets smaller than 8 px."""
        side = min(width, height)
        return cls(
            box_reach=round(side / 1440),
            outline_px=min(_MAX_OUTLINE_PX, max(1, round(side / 400))),
            font_px=max(8, round(side / 46)),
        )


def opacity_share(opacity: float) -> int:
    """Return `opacity`, 0..1, as a share of `OPACITY_STEPS`."""
    return round(opacity * OPACITY_STEPS)


@dataclass(frozen=True, slots=True, eq=False)
class OutlinePen:
    """An antialiased line along the edge of a mask, told pixel by pixel from the mask around it.

    The share of a square window that the mask covers tells how far the edge is: `reach` pixels on
    each side of the pixel, whatever lies beyond the frame counts as unset. No contour is traced, so
    a mask may have any number of parts and holes, and every pixel can be drawn on its own.
    """

    reach: int
    """Pixels from the middle of the window to its side."""
    shares: NDArray[np.uint16]
    """(2 * (side**2 + 1),) how much of the line shows, 0..256: entry n for an unset pixel with n
    set ones in its window, entry side**2 + 1 + n for a set one; side is 2 * reach + 1."""


@lru_cache
def outline_pen(outline_px: int) -> OutlinePen:
    """Return the pen for lines of that width.

    Along a straight edge n / side - side / 2 is the distance to it, positive inside. The line's
    middle runs half a pixel inside, through the outermost pixels of the mask; it ends over a pixel.
    """
    reach = (outline_px + 2) // 2
    side = 2 * reach + 1
    count = np.arange(side * side + 1)
    distance = count / side - side / 2
    # A set pixel's middle lies half a pixel inside at least: thin parts get a full line.
    inside = np.maximum(distance, 0.5)
    around = np.concatenate([distance, inside])
    cover = np.clip(outline_px / 2 + 0.5 - np.abs(around - 0.5), 0, 1)
    cover[0] = 0  # far from every mask
    shares = np.rint(cover * OPACITY_STEPS).astype(np.uint16)
    shares.setflags(write=False)
    return OutlinePen(reach, shares)
