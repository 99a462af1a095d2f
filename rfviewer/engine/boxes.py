"""From the network's boxes to frame pixels. Needs numpy only."""

import numpy as np

from rfviewer.models.spec import F32Array


def boxes_in_frame(boxes_cxcywh: F32Array, frame_wh: tuple[int, int]) -> F32Array:
    """Return (N, 4) x0, y0, x1, y1 in frame pixels, clipped to the frame, not rounded, fp32.

    Args:
        boxes_cxcywh: (N, 4) centre, width and height relative to the frame, not clamped.
        frame_wh: frame width and height in pixels.

    Source: rfdetr 1.11.2, `box_cxcywh_to_xyxy` and `PostProcess.forward`.
    """
    center, size = boxes_cxcywh[:, :2], np.maximum(boxes_cxcywh[:, 2:], np.float32(0))
    half = np.float32(0.5) * size
    limit = np.array([*frame_wh, *frame_wh], np.float32)
    boxes_xyxy = np.concatenate([center - half, center + half], axis=1) * limit
    result: F32Array = np.clip(boxes_xyxy, np.float32(0), limit)
    return result
