"""Labels: a filled pill in the object's colour with its name and score."""

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from rfviewer.detections import Detections
from rfviewer.frame import U8Array
from rfviewer.palette import Rgb, text_color_on
from rfviewer.render.masks import bgra
from rfviewer.render.placement import place_labels
from rfviewer.render.text import clean, default_font

_SUPERSAMPLE = 4
_SCORE_SHARE = 1.1
"""The score is shown while the whole label is at most that many times as wide as its box."""


def draw_labels(
    canvas: U8Array,
    detections: Detections,
    colors: Sequence[Rgb],
    class_names: Sequence[str | None],
    font_px: int,
) -> None:
    """Draw the label of each object where there is room for it, in place.

    Big objects choose first. A label that finds no place without hiding an object or another label
    is left out, its score before its name.
    """
    boxes = detections.boxes_xyxy.astype(np.float64)
    order = np.argsort(-_areas(boxes), kind="stable")
    texts = [
        _texts(class_names, int(class_id), float(score))
        for class_id, score in zip(detections.class_ids, detections.scores, strict=True)
    ]
    pad = max(2, round(font_px * 0.3))
    height = round(font_px * 1.3)
    sizes = np.array(
        [[(_width(text, font_px) + 2 * pad, height) for text in pair] for pair in texts],
        np.float64,
    )
    box_widths = boxes[:, 2] - boxes[:, 0]
    sizes[sizes[:, 0, 0] > box_widths * _SCORE_SHARE, 0, 0] = 0
    frame_wh = (canvas.shape[1], canvas.shape[0])
    places = place_labels(boxes[order], sizes[order], frame_wh)
    for index, place in zip(order.tolist(), places, strict=True):
        if place is not None:
            left, top, right, bottom = place.xyxy
            text = texts[index][place.size]
            width = int(sizes[index, place.size, 0])
            pill = _pill(text, colors[index], font_px, width, height, pad)
            _paste(canvas[top:bottom, left:right], pill)


def _texts(class_names: Sequence[str | None], class_id: int, score: float) -> tuple[str, str]:
    """Return the label with and without the score."""
    known = class_names[class_id] if 0 <= class_id < len(class_names) else None
    name = clean(known or "") or f"class {class_id}"
    return f"{name} {score:.2f}", name


def _areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    areas: NDArray[np.float64] = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return areas


@lru_cache(maxsize=2048)
def _width(text: str, font_px: int) -> int:
    return default_font().width(text, font_px)


type _Pill = tuple[U8Array, NDArray[np.float32]]
"""BGRA (h, w, 4) and how much of it shows, (h, w), 0..1: less than 1 on the round corners."""


@lru_cache(maxsize=512)
def _pill(text: str, color: Rgb, font_px: int, width: int, height: int, pad: int) -> _Pill:
    """Return a finished label, kept because names and scores repeat from frame to frame."""
    face = np.empty((height, width, 4), np.uint8)
    face[:] = bgra(color)
    baseline = (height + round(font_px * 0.7)) // 2
    default_font().draw(face, text, (pad, baseline), font_px, text_color_on(color))
    shape = np.zeros((height * _SUPERSAMPLE, width * _SUPERSAMPLE), np.uint8)
    radius = min(height, width) * _SUPERSAMPLE // 4
    bottom, right = shape.shape[0] - 1, shape.shape[1] - 1
    cv2.rectangle(shape, (radius, 0), (right - radius, bottom), 255, cv2.FILLED)
    cv2.rectangle(shape, (0, radius), (right, bottom - radius), 255, cv2.FILLED)
    for center in ((x, y) for x in (radius, right - radius) for y in (radius, bottom - radius)):
        cv2.circle(shape, center, radius, 255, cv2.FILLED)
    coverage = cv2.resize(shape, (width, height), interpolation=cv2.INTER_AREA)
    return face, coverage.astype(np.float32) / np.float32(255)


def _paste(region: U8Array, pill: _Pill) -> None:
    """Blend the pill over `region`, which may be smaller when the frame is."""
    face, cover = (part[: region.shape[0], : region.shape[1]] for part in pill)
    region[:] = cv2.blendLinear(region, face, 1 - cover, cover)
    region[..., 3] = 255  # blendLinear may lose a unit to rounding
