"""Where labels go: near their box, inside the frame, off each other and off small objects."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

type Boxes = NDArray[np.float64]
"""(..., 4) xyxy in pixels."""

type _Rect = tuple[int, int, int, int]

_MAX_COVER_OTHER = 0.15
"""A label may hide that share of any other object's box ..."""
_MAX_COVER_OWN = 0.25
"""... and that share of its own."""


class Placement(NamedTuple):
    """Where one label goes."""

    xyxy: _Rect
    """Half-open pixel box inside the frame."""
    size: int
    """Number of the size that fitted."""


def place_labels(
    boxes: Boxes, sizes_wh: NDArray[np.float64], frame_wh: tuple[int, int]
) -> list[Placement | None]:
    """Choose a place for each label, greedily in the order given.

    Args:
        boxes: object boxes, (N, 4).
        sizes_wh: label sizes to try for each object, best first, (N, S, 2); width 0 is not tried.
        frame_wh: frame size in pixels.

    Returns:
        A place for each object, None where there is none.
    """
    candidates, numbers = _candidates(boxes, sizes_wh, frame_wh)
    allowed = _allowed(candidates, boxes) & (sizes_wh[:, numbers, 0] > 0)
    sizes = numbers.tolist()
    result: list[Placement | None] = []
    taken: list[_Rect] = []
    for places, usable in zip(candidates.astype(int).tolist(), allowed.tolist(), strict=True):
        free = (
            Placement((left, top, right, bottom), size)
            for (left, top, right, bottom), size, ok in zip(places, sizes, usable, strict=True)
            if ok and _is_free(left, top, right, bottom, taken)
        )
        chosen = next(free, None)
        if chosen is not None:
            taken.append(chosen.xyxy)
        result.append(chosen)
    return result


def _candidates(
    boxes: Boxes, sizes_wh: NDArray[np.float64], frame_wh: tuple[int, int]
) -> tuple[Boxes, NDArray[np.intp]]:
    """Return (N, C, 4) label boxes inside the frame, best first, and the size number of each C."""
    x0, y0, x1, y1 = (np.rint(boxes[:, i])[:, None] for i in range(4))
    width, height = sizes_wh[..., 0], sizes_wh[..., 1]
    lefts_tops = [
        (x0, y0 - height),  # on the box
        (x0, y0),  # inside, at its top
        (x0, y1),  # under it
        (x1 - width, y0 - height),  # on it, to the right
        (x1 - width, y1),
        (x1, y0),  # beside it
        (x0 - width, y0),
    ]
    left = np.stack([np.broadcast_to(x, width.shape) for x, _ in lefts_tops], axis=2)
    top = np.stack([np.broadcast_to(y, width.shape) for _, y in lefts_tops], axis=2)
    # A label that would leave the frame is pushed back in.
    left = np.clip(left, 0, np.maximum(frame_wh[0] - width, 0)[..., None])
    top = np.clip(top, 0, np.maximum(frame_wh[1] - height, 0)[..., None])
    right = np.minimum(left + width[..., None], frame_wh[0])
    bottom = np.minimum(top + height[..., None], frame_wh[1])
    places = np.stack([left, top, right, bottom], axis=3)
    sizes = np.repeat(np.arange(sizes_wh.shape[1]), len(lefts_tops))
    return places.reshape(len(boxes), len(sizes), 4), sizes


def _allowed(candidates: Boxes, boxes: Boxes) -> NDArray[np.bool_]:
    """Return (N, C): whether a label there leaves every object recognisable."""
    n, count, _ = candidates.shape
    areas = np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1.0)
    cover = (_overlap(candidates.reshape(-1, 4), boxes) / areas).reshape(n, count, n)
    limit = np.full((n, n), _MAX_COVER_OTHER)
    np.fill_diagonal(limit, _MAX_COVER_OWN)
    allowed: NDArray[np.bool_] = (cover <= limit[:, None, :]).all(axis=2)
    return allowed


def _overlap(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Return the common area of (N, 4) and (M, 4) boxes, (N, M), in square pixels."""
    width = np.minimum(first[:, None, 2], second[:, 2]) - np.maximum(
        first[:, None, 0], second[:, 0]
    )
    height = np.minimum(first[:, None, 3], second[:, 3]) - np.maximum(
        first[:, None, 1], second[:, 1]
    )
    area: NDArray[np.float64] = np.maximum(width, 0) * np.maximum(height, 0)
    return area


def _is_free(left: int, top: int, right: int, bottom: int, taken: list[_Rect]) -> bool:
    # A plain loop with an early end: arrays cost more for the few dozen labels of a frame.
    for x0, y0, x1, y1 in taken:
        if left < x1 and x0 < right and top < y1 and y0 < bottom:
            return False
    return True
