"""Two results of one frame in one picture: the one, the other, and where they differ."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from rfviewer.config import View
from rfviewer.detections import Detections
from rfviewer.frame import Frame, U8Array
from rfviewer.palette import Rgb
from rfviewer.render.host import HostRenderer
from rfviewer.render.masks import bgra
from rfviewer.render.text import default_font

ONLY_REFERENCE: Rgb = (255, 159, 28)
ONLY_CANDIDATE: Rgb = (46, 196, 240)
"""Pixels of masks that one side has alone; both read on grey, also for the colour-blind."""
_MARK: Rgb = (255, 70, 90)
_PAPER: Rgb = (24, 26, 30)
_INK: Rgb = (236, 238, 240)
_FAINT: Rgb = (150, 156, 164)
_PANEL_WIDTH = (480, 1280)
"""Small frames are enlarged and large ones reduced to a width between these, in pixels."""
_MARGIN = 10
_FONT_PX = 15
_FONT_SHARE = 48
"""The text is that part of a panel's width high, and at least `_FONT_PX`."""
_DIMMED = 0.4
_LEGEND = (
    "orange: in masks of the reference only; blue: of the candidate only",
    "red: what differs",
)

type Box = tuple[float, float, float, float]
"""xyxy in frame pixels."""


def side_by_side(
    frame: Frame,
    reference: Detections,
    candidate: Detections,
    class_names: Sequence[str | None],
    *,
    titles: tuple[str, str],
    caption: Sequence[str],
    marks: Sequence[Box],
) -> U8Array:
    """Return BGRA (H, W, 4): reference and candidate side by side, the difference, a caption.

    Two by two, as screens are wide; upright frames stand in one row above their caption.

    Args:
        frame: on which both were found.
        reference: drawn on the left.
        candidate: drawn beside it.
        class_names: of both.
        titles: what the two are, in a few words.
        caption: lines beside or below the pictures; long ones are broken.
        marks: boxes to frame on the difference, where detections differ.
    """
    view = View(split=None)
    left, middle = (
        HostRenderer().render(frame, side, view, class_names) for side in (reference, candidate)
    )
    least, most = _PANEL_WIDTH
    scale = max(1.0, math.ceil(least / frame.width)) if frame.width < most else most / frame.width
    right = _fit(_difference(frame, reference, candidate), scale)
    _mark(right, marks, scale)
    height, width = right.shape[:2]
    panels = (_fit(left, scale), _fit(middle, scale), right)
    heads = (f"reference: {titles[0]}", f"candidate: {titles[1]}", "difference")
    font_px = max(_FONT_PX, width // _FONT_SHARE)
    line_px = round(font_px * 1.6)
    pitch_xy = (width + _MARGIN, line_px + 4 + height + _MARGIN)
    two_rows = width >= height
    places = ((0, 0), (1, 0), (0, 1) if two_rows else (2, 0))
    room = width if two_rows else 3 * width + 2 * _MARGIN
    lines = [(line, _INK) for text in caption for line in _broken(text, room, font_px)]
    lines += [(line, _FAINT) for text in _LEGEND for line in _broken(text, room, font_px)]
    text_px = len(lines) * line_px + _MARGIN
    if two_rows:
        text_xy = _MARGIN + pitch_xy[0], pitch_xy[1] + line_px + 4
        sheet = _sheet(_MARGIN + 2 * pitch_xy[0], pitch_xy[1] + max(pitch_xy[1], text_px + line_px))
    else:
        text_xy = _MARGIN, pitch_xy[1]
        sheet = _sheet(_MARGIN + 3 * pitch_xy[0], pitch_xy[1] + text_px)
    for panel, head, (column, row) in zip(panels, heads, places, strict=True):
        x, y = _MARGIN + column * pitch_xy[0], row * pitch_xy[1]
        _write(sheet, head, (x, y + font_px + 4), _INK, width, font_px)
        y += line_px + 4
        sheet[y : y + height, x : x + width] = panel
    for number, (line, color) in enumerate(lines):
        baseline = text_xy[0], text_xy[1] + number * line_px + font_px
        _write(sheet, line, baseline, color, room, font_px)
    sheet[..., 3] = 255  # antialiased text may lose a unit to rounding
    return sheet


def _difference(frame: Frame, reference: Detections, candidate: Detections) -> U8Array:
    """Return the dimmed grey frame with the pixels that only one side's masks cover."""
    grey = cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY)
    canvas: U8Array = np.empty((frame.height, frame.width, 4), np.uint8)
    canvas[..., :3] = (grey * _DIMMED).astype(np.uint8)[..., None]
    canvas[..., 3] = 255
    first, second = _covered(frame, reference), _covered(frame, candidate)
    canvas[first & second, :3] += np.uint8(48)
    canvas[first & ~second] = bgra(ONLY_REFERENCE)
    canvas[second & ~first] = bgra(ONLY_CANDIDATE)
    return canvas


def _covered(frame: Frame, detections: Detections) -> NDArray[np.bool_]:
    covered = np.zeros((frame.height, frame.width), np.bool_)
    masks = detections.masks
    for index in range(0 if masks is None else len(detections)):
        assert masks is not None
        mask, left, top = masks.crop(index)
        covered[top : top + mask.shape[0], left : left + mask.shape[1]] |= mask
    return covered


def _mark(canvas: U8Array, marks: Sequence[Box], scale: float) -> None:
    for box in marks:
        x0, y0, x1, y1 = (round(value * scale) for value in box)
        cv2.rectangle(canvas, (x0 - 2, y0 - 2), (x1 + 1, y1 + 1), bgra(_MARK), 2)


def _fit(image: U8Array, scale: float) -> U8Array:
    if scale == 1.0:
        return image
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    # Enlarged pixels stay square: a difference of one pixel must be seen as one.
    method = cv2.INTER_NEAREST if scale > 1 else cv2.INTER_AREA
    return np.ascontiguousarray(cv2.resize(image, size, interpolation=method), np.uint8)


def _sheet(width: int, height: int) -> U8Array:
    sheet: U8Array = np.empty((height, width, 4), np.uint8)
    sheet[:] = bgra(_PAPER)
    return sheet


def _broken(text: str, room: int, font_px: int) -> list[str]:
    """Return `text` in lines no longer than `room` px, as far as its words allow it."""
    font = default_font()
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.width(longer, font_px) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _write(
    sheet: U8Array, text: str, baseline_xy: tuple[int, int], color: Rgb, room: int, font_px: int
) -> None:
    """Write one line, cut off where it would leave its room."""
    font = default_font()
    line = text
    while len(line) > 3 and font.width(line, font_px) > room:
        text = text[:-1]
        line = f"{text.rstrip()}..."
    font.draw(sheet, line, baseline_xy, font_px, color)
