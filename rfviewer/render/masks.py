"""Filling masks and drawing their outlines on a BGRA canvas."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from rfviewer.detections import InstanceMasks
from rfviewer.frame import U8Array
from rfviewer.palette import Rgb

type Crop = tuple[NDArray[np.bool_], int, int]
"""A mask inside its region, (h, w), and the region's left and top (`InstanceMasks.crop`)."""

_OUTLINE_TOLERANCE_PX = 0.7
"""A straight run may pass that far from the pixel staircase: it removes the steps of the mask."""


def fill_region(canvas: U8Array, crop: Crop, color: Rgb, opacity: float) -> None:
    """Blend one mask inside its region, in place."""
    mask, left, top = crop
    if not mask.size:
        return
    height, width = mask.shape
    region = canvas[top : top + height, left : left + width]
    # One table look-up a byte instead of float arithmetic: exact, so whole-frame blending agrees.
    cv2.copyTo(cv2.LUT(region, _blend_table(color, opacity)), mask.view(np.uint8), region)


def fill_frame(
    canvas: U8Array, masks: InstanceMasks, index: int, color: Rgb, opacity: float
) -> None:
    """Blend one mask over the whole frame, in place: the plain way, same bytes as `fill_region`."""
    mask = masks.select(np.array([index])).dense()[0]
    cv2.copyTo(cv2.LUT(canvas, _blend_table(color, opacity)), mask.view(np.uint8), canvas)


def outline(canvas: U8Array, crop: Crop, color: Rgb, width_px: int) -> None:
    """Draw an antialiased line along the edge of one mask, holes included, in place."""
    mask, left, top = crop
    if not mask.size:
        return
    contours, _ = cv2.findContours(
        mask.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=(left, top)
    )
    lines = [cv2.approxPolyDP(line, _OUTLINE_TOLERANCE_PX, closed=True) for line in contours]
    cv2.polylines(canvas, lines, True, bgra(color), width_px, cv2.LINE_AA)  # noqa: FBT003


def bgra(color: Rgb) -> tuple[int, int, int, int]:
    """Return `color` as OpenCV wants it on a BGRA canvas, opaque."""
    red, green, blue = color
    return blue, green, red, 255


@lru_cache(maxsize=256)
def _blend_table(color: Rgb, opacity: float) -> U8Array:
    """Return (1, 256, 4): what each byte of B, G, R becomes; alpha stays as it is."""
    values = np.arange(256, dtype=np.float64)
    red, green, blue = color
    columns = [np.rint(values + (channel - values) * opacity) for channel in (blue, green, red)]
    table: U8Array = np.stack([*columns, values], axis=1).astype(np.uint8)[None]
    return table
