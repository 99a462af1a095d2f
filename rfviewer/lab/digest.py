"""Gate G0: one hash of everything that a frame's record says, however its masks are stored."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from rfviewer.detections import Detections, InstanceMasks, RegionMasks


def digest(detections: Detections) -> bytes:
    """Return the SHA-256 of boxes, scores, classes and masks, bit by bit and in their order.

    Masks count by their set pixels: dense or packed, whole frame or region is the same.
    """
    hasher = hashlib.sha256(np.int64(len(detections)).tobytes())
    for column, dtype in (
        (detections.boxes_xyxy, np.float32),
        (detections.scores, np.float32),
        (detections.class_ids, np.int32),
    ):
        hasher.update(np.ascontiguousarray(column, dtype).tobytes())
    masks = detections.masks if len(detections) else None
    if masks is not None:
        hasher.update(np.array([masks.width, masks.height], np.int64).tobytes())
        for index in range(len(masks)):
            mask, left, top = _tight(masks, index)
            hasher.update(np.array([left, top, *mask.shape], np.int64).tobytes())
            hasher.update(np.packbits(mask).tobytes())
    return hasher.digest()


def compact(detections: Detections) -> Detections:
    """Return the same detections with masks as the bytes of their regions only.

    Results that wait for their partner would fill the memory otherwise: a dense 1920x1080 mask has
    2 MB.
    """
    masks = detections.masks
    if masks is None or isinstance(masks, RegionMasks):
        return detections
    rows: list[NDArray[np.uint8]] = []
    regions = np.zeros((len(masks), 4), np.int32)
    starts = np.zeros(len(masks), np.int64)
    size = 0
    for index in range(len(masks)):
        mask, left, top = _tight(masks, index)
        starts[index] = size
        if not mask.size:
            continue
        height, width = mask.shape
        regions[index] = (left, top, left + width, top + height)
        padded = np.pad(mask, ((0, 0), (left % 8, 0)))
        rows.append(np.packbits(padded, axis=1, bitorder="little").ravel())
        size += len(rows[-1])
    stream = np.concatenate(rows) if rows else np.zeros(0, np.uint8)
    packed = RegionMasks(stream, starts, regions, masks.width, masks.height)
    return Detections(detections.boxes_xyxy, detections.scores, detections.class_ids, packed)


def _tight(masks: InstanceMasks, index: int) -> tuple[NDArray[np.bool_], int, int]:
    """Return the mask inside the smallest region that holds it, with that region's left and top."""
    mask, left, top = masks.crop(index)
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return np.zeros((0, 0), np.bool_), 0, 0
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    return mask[y0:y1, x0:x1], left + x0, top + y0
