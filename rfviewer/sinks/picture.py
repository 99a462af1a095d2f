"""Fitting drawn frames to the one picture size a recording has."""

import cv2
import numpy as np

from rfviewer.frame import U8Array


def even_size(width: int, height: int) -> tuple[int, int]:
    """Return the size rounded up to even numbers, which 4:2:0 video needs."""
    return width + width % 2, height + height % 2


def fit(image: U8Array, width: int, height: int) -> U8Array:
    """Return `image`, (H, W, 4) BGRA, as a picture of `width` x `height`, both even.

    An odd size gains a copy of its last column or row on the right or below: nothing is cut and no
    pixel moves. Any other size is scaled to fit, centred, with black bars.
    """
    rows, columns = image.shape[:2]
    if (columns, rows) == (width, height):
        return image
    if even_size(columns, rows) == (width, height):
        padded: U8Array = np.empty((height, width, 4), np.uint8)
        cv2.copyMakeBorder(
            image, 0, height - rows, 0, width - columns, cv2.BORDER_REPLICATE, dst=padded
        )
        return padded
    scale = min(width / columns, height / rows)
    inner = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    picture: U8Array = np.zeros((height, width, 4), np.uint8)
    picture[..., 3] = 255
    picture[top : top + inner[1], left : left + inner[0]] = cv2.resize(
        image, inner, interpolation=method
    )
    return picture
