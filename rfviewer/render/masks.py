"""Filling masks and drawing their outlines on a BGRA canvas, in whole numbers (drawing.py)."""

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rfviewer.detections import InstanceMasks
from rfviewer.drawing import OPACITY_STEPS, OutlinePen, opacity_share
from rfviewer.frame import U8Array
from rfviewer.palette import Rgb

type Crop = tuple[NDArray[np.bool_], int, int]
"""A mask inside its region, (h, w), and the region's left and top (`InstanceMasks.crop`)."""


def whole_frame(masks: InstanceMasks, index: int) -> Crop:
    """Return one mask as a crop of the whole frame: the plain way, same pixels."""
    return masks.select(np.array([index])).dense()[0], 0, 0


def fill(canvas: U8Array, crop: Crop, color: Rgb, opacity: float) -> None:
    """Blend one mask, in place."""
    mask, left, top = crop
    if not mask.size:
        return
    height, width = mask.shape
    region = canvas[top : top + height, left : left + width]
    # One table look-up a byte instead of arithmetic on every pixel.
    cv2.copyTo(cv2.LUT(region, _blend_table(color, opacity)), mask.view(np.uint8), region)


def outline(canvas: U8Array, crop: Crop, color: Rgb, pen: OutlinePen) -> None:
    """Draw an antialiased line along the edge of one mask, holes included, in place."""
    mask, left, top = crop
    if not mask.size:
        return
    height, width = mask.shape
    reach = pen.reach
    x0, y0 = max(0, left - reach), max(0, top - reach)
    x1 = min(canvas.shape[1], left + width + reach)
    y1 = min(canvas.shape[0], top + height + reach)
    bits = np.zeros((y1 - y0, x1 - x0), np.uint8)
    bits[top - y0 : top - y0 + height, left - x0 : left - x0 + width] = mask
    side = 2 * reach + 1
    # What lies beyond the frame counts as unset, and beyond the region everything is.
    entries: Any = cv2.boxFilter(
        bits, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT
    )
    entries += bits * np.uint8(side * side + 1)
    # The line is thin: from here on only its own pixels are touched, four bytes at a time.
    at = np.flatnonzero(cv2.LUT(entries, _shows(pen)).view(np.bool_))
    share = pen.shares[entries.reshape(-1)[at]][:, None]
    rows, columns = np.divmod(at, x1 - x0)
    pixels = canvas.view(np.uint32)[y0:y1, x0:x1, 0]
    old = pixels[rows, columns].view(np.uint8).reshape(-1, 4)
    # At most 255 * 256 + 128: it fits into 16 bits.
    blended = (old * (OPACITY_STEPS - share) + np.array(bgra(color), np.uint16) * share + 128) >> 8
    pixels[rows, columns] = blended.astype(np.uint8).view(np.uint32)[:, 0]


def bgra(color: Rgb) -> tuple[int, int, int, int]:
    """Return `color` as OpenCV wants it on a BGRA canvas, opaque."""
    red, green, blue = color
    return blue, green, red, 255


@lru_cache(maxsize=256)
def _blend_table(color: Rgb, opacity: float) -> U8Array:
    """Return (1, 256, 4): what each byte of B, G, R becomes; alpha stays as it is."""
    values = np.arange(256)
    share = opacity_share(opacity)
    red, green, blue = color
    columns = [
        (values * (OPACITY_STEPS - share) + channel * share + 128) >> 8
        for channel in (blue, green, red)
    ]
    table: U8Array = np.stack([*columns, values], axis=1).astype(np.uint8)[None]
    return table


@lru_cache
def _shows(pen: OutlinePen) -> U8Array:
    """Return (256,) 1 for each entry of the pen's table that is not 0."""
    table = np.zeros(256, np.uint8)
    table[: len(pen.shares)] = pen.shares > 0
    return table
