"""Turns the spans of a lane into a row of pixels, at a cost that hardly depends on their number."""

import numpy as np
from numpy.typing import NDArray

from rfviewer.gui.timeline_data import Columns

OVERSAMPLING = 4
"""Moments looked at for each pixel, so that work shorter than a pixel shows by its share."""
_CHANNEL_BITS = 20
"""Room for the sum of the samples of one colour channel in a packed colour."""

type Packed = NDArray[np.int64]
"""(n,): red, green and blue, `_CHANNEL_BITS` apart, so that one addition adds all three."""


def packed(colors: list[tuple[int, int, int]]) -> Packed:
    """Return colours (red, green, blue, 0..255) packed."""
    return np.array(
        [(r << 2 * _CHANNEL_BITS) | (g << _CHANNEL_BITS) | b for r, g, b in colors], np.int64
    )


def lane_pixels(
    rows: Columns, start_ns: int, end_ns: int, width: int, palette: Packed
) -> NDArray[np.uint8]:
    """Return (1, width, 4), BGRX: the mean colour of each pixel column, for QImage's Format_RGB32.

    `rows` are sorted by start and do not overlap; `palette` holds a colour for each number in the
    third column, and last the one where there is no span.
    """
    none = len(palette) - 1
    if len(rows):
        step = (end_ns - start_ns) / (width * OVERSAMPLING)
        times = (start_ns + np.arange(width * OVERSAMPLING) * step).astype(np.int64)
        index = np.searchsorted(rows[:, 0], times, side="right") - 1
        np.maximum(index, 0, out=index)  # before the first start the check below says no
        inside = (times >= rows[:, 0][index]) & (times < rows[:, 1][index])
        chosen = np.where(inside, rows[:, 2][index], none)
        sums = palette[chosen].reshape(width, OVERSAMPLING).sum(axis=1)
    else:
        sums = np.full(width, palette[none] * OVERSAMPLING)
    mask = (1 << _CHANNEL_BITS) - 1
    pixels = np.full((1, width, 4), 255, np.uint8)
    for channel in range(3):
        pixels[0, :, channel] = ((sums >> channel * _CHANNEL_BITS) & mask) // OVERSAMPLING
    return pixels


def gap_rows(gaps: NDArray[np.int64]) -> Columns:
    """Return idle gaps (n, 2) as rows of one colour."""
    zeros = np.zeros((len(gaps), 2), np.int64)
    return np.concatenate((gaps, zeros), axis=1)
