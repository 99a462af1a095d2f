"""Detections as one dictionary per object, and back: the reference of `direct_detections`.

What a pipeline pays that hands results on as a web service answers: Python numbers and a mask of
its own for every object. Nothing is lost on the way, unlike with polygons.
"""

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from rfviewer.detections import Detections, InstanceMasks


class ObjectMask(TypedDict):
    """The mask of one object inside its region."""

    left: int
    top: int
    bits: NDArray[np.bool_]
    """(h, w)."""


class DetectedObject(TypedDict):
    """One detection on its own."""

    xyxy: tuple[float, float, float, float]
    confidence: float
    class_id: int
    mask: ObjectMask | None


def to_objects(detections: Detections) -> list[DetectedObject]:
    """Return one dictionary per detection."""
    masks: list[ObjectMask | None] = [None] * len(detections)
    if detections.masks is not None:
        crops = (detections.masks.crop(index) for index in range(len(detections)))
        masks = [ObjectMask(left=left, top=top, bits=bits) for bits, left, top in crops]
    columns = zip(
        detections.boxes_xyxy.tolist(),
        detections.scores.tolist(),
        detections.class_ids.tolist(),
        masks,
        strict=True,
    )
    return [
        DetectedObject(xyxy=tuple(box), confidence=score, class_id=class_id, mask=mask)
        for box, score, class_id, mask in columns
    ]


def from_objects(objects: list[DetectedObject], empty: InstanceMasks | None) -> Detections:
    """Return the detections that `objects` describe; `empty` tells size and layout of masks."""
    count = len(objects)
    return Detections(
        np.array([item["xyxy"] for item in objects], np.float32).reshape(count, 4),
        np.array([item["confidence"] for item in objects], np.float32),
        np.array([item["class_id"] for item in objects], np.int32),
        None if empty is None else _masks([item["mask"] for item in objects], empty),
    )


def through_objects(detections: Detections) -> Detections:
    """Return equal detections, made from one dictionary per object."""
    return from_objects(to_objects(detections), detections.masks)


def _masks(masks: list[ObjectMask | None], like: InstanceMasks) -> InstanceMasks:
    dense = np.zeros((len(masks), like.height, like.width), np.bool_)
    regions = np.zeros((len(masks), 4), np.int32)
    for plane, region, mask in zip(dense, regions, masks, strict=True):
        if mask is not None and mask["bits"].size:
            height, width = mask["bits"].shape
            right, bottom = mask["left"] + width, mask["top"] + height
            plane[mask["top"] : bottom, mask["left"] : right] = mask["bits"]
            region[:] = mask["left"], mask["top"], right, bottom
    data = np.packbits(dense, axis=2, bitorder="little") if like.packed else dense.view(np.uint8)
    return InstanceMasks(data, regions, like.width, like.height, like.packed)
