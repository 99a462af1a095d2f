"""The overlay on the host: one look for the window, recordings and screenshots."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from rfviewer.config import ColorBy, View
from rfviewer.detections import Detections
from rfviewer.errors import RfviewerError
from rfviewer.frame import Frame, PixelFormat, U8Array
from rfviewer.palette import Rgb, color_of, lighter
from rfviewer.render.instances import InstanceSlots
from rfviewer.render.labels import draw_labels
from rfviewer.render.masks import bgra, fill_frame, fill_region, outline

_OUTLINE_LIGHTER = 0.35
"""The outline is that much lighter than the class colour, to stand off its own fill and box."""


@dataclass(frozen=True, slots=True)
class DrawSizes:
    """Line widths and text size in pixels, grown with the frame so that all frames look alike."""

    box_px: int
    outline_px: int
    font_px: int

    @classmethod
    def for_frame(cls, width: int, height: int) -> Self:
        """Return sizes for a frame by its shorter side; text never gets smaller than 8 px."""
        side = min(width, height)
        return cls(
            box_px=max(1, round(side / 720)),
            outline_px=max(1, round(side / 400)),
            font_px=max(8, round(side / 46)),
        )


class HostRenderer:
    """Draws detections with OpenCV at source resolution. Implements `interfaces.Renderer`.

    Paint order: all fills, outlines, boxes, labels; in each of them big boxes first, so that small
    objects lie on top. Not shared between threads: it remembers which instance had which colour.
    """

    def __init__(self) -> None:
        self._slots = InstanceSlots()

    def render(
        self,
        frame: Frame,
        detections: Detections,
        view: View,
        class_names: Sequence[str | None],
        *,
        roi: bool = True,
        composited: U8Array | None = None,
    ) -> U8Array:
        """Return BGRA (H, W, 4), a new array, alpha 255; `composited` itself if that is given.

        `roi` False blends every mask over the whole frame: the same bytes, the plain way.
        `composited` has masks and boxes drawn already: only labels are added, in place.

        Raises:
            RfviewerError: for an NV12 frame, which only the device overlay can draw.
        """
        canvas = self._canvas(frame) if composited is None else composited
        if not len(detections):
            return canvas
        colors = self._colors(frame, detections, view)
        sizes = DrawSizes.for_frame(frame.width, frame.height)
        if composited is None:
            _draw_objects(canvas, detections, view, colors, sizes, roi=roi)
        if view.labels:
            draw_labels(canvas, detections, colors, class_names, sizes.font_px)
        return canvas

    def _canvas(self, frame: Frame) -> U8Array:
        if frame.pixel_format is not PixelFormat.BGR24:
            raise RfviewerError(
                f"Frames in {frame.pixel_format} cannot be drawn on the host; "
                "decode to BGR or turn device_overlay on."
            )
        canvas: U8Array = np.empty((frame.height, frame.width, 4), np.uint8)
        cv2.cvtColor(frame.image, cv2.COLOR_BGR2BGRA, dst=canvas)
        return canvas

    def _colors(self, frame: Frame, detections: Detections, view: View) -> list[Rgb]:
        slots = [0] * len(detections)
        if view.color_by is ColorBy.INSTANCE:
            slots = self._slots.assign((frame.epoch, frame.width, frame.height), detections)
        pairs = zip(detections.class_ids, slots, strict=True)
        return [color_of(view, int(class_id), slot) for class_id, slot in pairs]


def paint_order(boxes_xyxy: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the indices by box area, biggest first; equal ones keep their order (by score)."""
    return np.argsort(-np.prod(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], axis=1), kind="stable")


def _draw_objects(
    canvas: U8Array,
    detections: Detections,
    view: View,
    colors: Sequence[Rgb],
    sizes: DrawSizes,
    *,
    roi: bool,
) -> None:
    order = [int(index) for index in paint_order(detections.boxes_xyxy)]
    masks = detections.masks
    if masks is not None and (view.masks or view.outlines):
        crops = [masks.crop(index) for index in order]
        if view.masks and view.opacity > 0:
            for index, crop in zip(order, crops, strict=True):
                if roi:
                    fill_region(canvas, crop, colors[index], view.opacity)
                else:
                    fill_frame(canvas, masks, index, colors[index], view.opacity)
        if view.outlines:
            for index, crop in zip(order, crops, strict=True):
                tone = lighter(colors[index], _OUTLINE_LIGHTER)
                outline(canvas, crop, tone, sizes.outline_px)
    if view.boxes:
        last_x, last_y = canvas.shape[1] - 1, canvas.shape[0] - 1
        corners = np.rint(detections.boxes_xyxy).astype(int)
        for index in order:
            # A box (x0, y0, x1, y1) covers the pixels up to x1 - 1.
            x0, y0, x1, y1 = (int(v) for v in corners[index])
            low = (min(x0, last_x), min(y0, last_y))
            high = (max(low[0], x1 - 1), max(low[1], y1 - 1))
            cv2.rectangle(canvas, low, high, bgra(colors[index]), sizes.box_px)
