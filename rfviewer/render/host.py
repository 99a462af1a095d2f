"""The overlay on the host: one look for the window, recordings and screenshots."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from rfviewer.config import ColorBy, View
from rfviewer.detections import Detections
from rfviewer.drawing import OUTLINE_LIGHTER, DrawSizes, outline_pen
from rfviewer.errors import RfviewerError
from rfviewer.frame import Frame, PixelFormat, U8Array
from rfviewer.palette import Rgb, color_of, lighter
from rfviewer.render.instances import InstanceSlots
from rfviewer.render.labels import draw_labels
from rfviewer.render.masks import bgra, fill, outline, whole_frame


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
        crops = [masks.crop(i) if roi else whole_frame(masks, i) for i in order]
        if view.masks and view.opacity > 0:
            for index, crop in zip(order, crops, strict=True):
                fill(canvas, crop, colors[index], view.opacity)
        if view.outlines:
            pen = outline_pen(sizes.outline_px)
            for index, crop in zip(order, crops, strict=True):
                outline(canvas, crop, lighter(colors[index], OUTLINE_LIGHTER), pen)
    if view.boxes:
        corners = np.rint(detections.boxes_xyxy).astype(int).tolist()
        for index in order:
            _draw_box(canvas, corners[index], colors[index], sizes.box_reach)


def _draw_box(canvas: U8Array, corners: list[int], color: Rgb, reach: int) -> None:
    """Draw a box (x0, y0, x1, y1), which covers the pixels up to x1 - 1 and y1 - 1, in place."""
    height, width = canvas.shape[:2]
    left, top = min(corners[0], width - 1), min(corners[1], height - 1)
    right, bottom = max(left, corners[2] - 1), max(top, corners[3] - 1)
    x0, y0 = max(0, left - reach), max(0, top - reach)
    x1, y1 = right + reach + 1, bottom + reach + 1
    pixel = bgra(color)
    # A box thinner than its line is all line, so each side ends where the box does.
    canvas[y0 : min(y1, top + reach + 1), x0:x1] = pixel
    canvas[max(y0, bottom - reach) : y1, x0:x1] = pixel
    canvas[y0:y1, x0 : min(x1, left + reach + 1)] = pixel
    canvas[y0:y1, max(x0, right - reach) : x1] = pixel
