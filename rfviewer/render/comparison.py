"""Two results of one frame in one picture: the one, the other, and where they differ."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from rfviewer.config import View
from rfviewer.detections import Detections
from rfviewer.drawing import DrawSizes
from rfviewer.frame import Frame, U8Array
from rfviewer.palette import BLACK, Rgb, color_of
from rfviewer.render.host import HostRenderer
from rfviewer.render.labels import draw_labels
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
_DASH_PX, _DASH_ON_PX = 12, 8
"""Length of a dash with its gap, and without."""
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
    dashed: tuple[Sequence[int], Sequence[int]] = ((), ()),
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
        dashed: rows of the reference and of the candidate that are drawn as dashed boxes without
            their masks, on the difference too: what one side has alone and the counts allow.
    """
    least, most = _PANEL_WIDTH
    scale = max(1.0, math.ceil(least / frame.width)) if frame.width < most else most / frame.width
    sides = tuple(zip((reference, candidate), dashed, strict=True))
    left, middle = (_panel(frame, found, rows, class_names, scale) for found, rows in sides)
    solid = (_without(found, rows) for found, rows in sides)
    right = _fit(_difference(frame, *solid), scale)
    _mark(right, marks, scale)
    for (found, rows), color in zip(sides, (ONLY_REFERENCE, ONLY_CANDIDATE), strict=True):
        _dash(right, found.boxes_xyxy[list(rows)], [color] * len(rows), scale)
    height, width = right.shape[:2]
    panels = (left, middle, right)
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


def _panel(
    frame: Frame,
    found: Detections,
    dashed: Sequence[int],
    class_names: Sequence[str | None],
    scale: float,
) -> U8Array:
    """Return one side at `scale`: every detection with its label, those of `dashed` hollow."""
    view = View(split=None, labels=False)
    canvas = HostRenderer().render(frame, _without(found, dashed), view, class_names)
    colors = [color_of(view, int(class_id)) for class_id in found.class_ids]
    font_px = DrawSizes.for_frame(frame.width, frame.height).font_px
    if len(found):
        draw_labels(canvas, found, colors, class_names, font_px)
    canvas = _fit(canvas, scale)
    _dash(canvas, found.boxes_xyxy[list(dashed)], [colors[row] for row in dashed], scale)
    return canvas


def _without(found: Detections, rows: Sequence[int]) -> Detections:
    keep = np.ones(len(found), np.bool_)
    keep[list(rows)] = False
    return found.select(keep)


def _dash(
    canvas: U8Array, boxes_xyxy: NDArray[np.float32], colors: Sequence[Rgb], scale: float
) -> None:
    """Draw dashed boxes just inside their sides, on black, in place: (N, 4) in frame pixels."""
    height, width = canvas.shape[:2]
    rim = np.zeros((height, width), np.uint8)
    columns, rows = np.arange(width)[None], np.arange(height)[:, None]
    on = (columns + rows) % _DASH_PX < _DASH_ON_PX
    for box, color in zip(boxes_xyxy, colors, strict=True):
        x0, y0, x1, y1 = (round(float(value) * scale) for value in box)
        rim[:] = 0
        corners = (x0 + 1, y0 + 1), (max(x0 + 1, x1 - 2), max(y0 + 1, y1 - 2))
        cv2.rectangle(rim, *corners, 255, 2)
        canvas[rim > 0] = bgra(BLACK)
        canvas[(rim > 0) & on] = bgra(color)


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
