"""Keeps the colour of an instance from frame to frame by overlap with the frame before."""

import numpy as np
from numpy.typing import NDArray

from rfviewer.detections import Detections

_MIN_IOU = 0.3
_KEEP_FRAMES = 15


class InstanceSlots:
    """Gives every object a small number that stays with it while its boxes overlap.

    This is no tracker: an object that jumps, or hides for more than 15 frames, gets a new number.
    Numbers are the lowest free ones, so up to 20 objects on display all differ in colour.
    Not thread-safe.
    """

    def __init__(self) -> None:
        self._key: object = None
        self._boxes: NDArray[np.float32]
        self._classes: NDArray[np.int32]
        self._slots: NDArray[np.int64]
        self._missed: NDArray[np.int64]
        self._forget()

    def assign(self, key: object, detections: Detections) -> list[int]:
        """Return a slot number for each detection.

        `key` tells a continuous run of frames (epoch and frame size); a new key starts afresh.
        """
        if key != self._key:
            self._key = key
            self._forget()
        slots = [-1] * len(detections)
        linked: set[int] = set()
        for index, known in self._pairs(detections):
            if slots[index] < 0 and known not in linked:
                slots[index] = int(self._slots[known])
                linked.add(known)
        # What was missed for a few frames keeps its number, so that a flickering score does not
        # make the colours of its neighbours jump.
        waiting = [
            i for i in range(len(self._slots)) if i not in linked and self._missed[i] < _KEEP_FRAMES
        ]
        taken = {slot for slot in slots if slot >= 0} | {int(self._slots[i]) for i in waiting}
        for index, slot in enumerate(slots):
            if slot < 0:
                slots[index] = next(n for n in range(len(taken) + 1) if n not in taken)
                taken.add(slots[index])
        self._boxes = np.concatenate([detections.boxes_xyxy, self._boxes[waiting]])
        self._classes = np.concatenate([detections.class_ids, self._classes[waiting]])
        self._slots = np.concatenate([np.array(slots, np.int64), self._slots[waiting]])
        self._missed = np.concatenate([np.zeros(len(slots), np.int64), self._missed[waiting] + 1])
        return slots

    def _forget(self) -> None:
        self._boxes = np.zeros((0, 4), np.float32)
        self._classes = np.zeros(0, np.int32)
        self._slots = np.zeros(0, np.int64)
        self._missed = np.zeros(0, np.int64)

    def _pairs(self, detections: Detections) -> list[tuple[int, int]]:
        """Return (detection, known object) of the same class, best overlap first."""
        iou = box_iou(detections.boxes_xyxy, self._boxes)
        iou[detections.class_ids[:, None] != self._classes[None, :]] = 0
        rows, columns = np.nonzero(iou > _MIN_IOU)
        best_first = np.argsort(-iou[rows, columns], kind="stable")
        return list(zip(rows[best_first].tolist(), columns[best_first].tolist(), strict=True))


def box_iou(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the intersection over union of (N, 4) and (M, 4) xyxy boxes, (N, M)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=2)
    area_1 = np.prod(first[:, 2:] - first[:, :2], axis=1)
    area_2 = np.prod(second[:, 2:] - second[:, :2], axis=1)
    union = area_1[:, None] + area_2[None, :] - common
    iou: NDArray[np.float32] = common / np.maximum(union, np.float32(1e-9))
    return iou
