"""Display matrices: how a decoded picture must be turned or mirrored to be upright."""

from dataclasses import dataclass

import cv2
import numpy as np
from av.video.frame import VideoFrame

from rfviewer.frame import U8Array

_MATRIX_BYTES = 36
_ONE = 1 << 16
_TOLERANCE = 0.01
"""Cosines this near 0 or 1 count as such: 0.5 degrees."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """A turn by a multiple of 90 degrees with an optional mirror: transpose, then flips."""

    transpose: bool = False
    """Swap rows and columns first."""
    flip_x: bool = False
    """Then mirror left and right."""
    flip_y: bool = False
    """Then mirror top and bottom."""

    def apply(self, image: U8Array) -> U8Array:
        """Return `image`, (H, W, 3), upright and C-contiguous; the same array if it is upright."""
        if self.transpose:
            image = np.asarray(cv2.transpose(image), np.uint8)
        if self.flip_x or self.flip_y:
            code = -1 if self.flip_x and self.flip_y else int(self.flip_x)
            image = np.asarray(cv2.flip(image, code), np.uint8)
        return image


UPRIGHT = Orientation()


def orientation_of(frame: VideoFrame) -> Orientation | None:
    """Return what the frame's display matrix asks for; None for an angle between 90 degree steps.

    The matrix maps a pixel (x, y) to (a x + c y, b x + d y), with a, b, c, d as 16.16 numbers at
    places 0, 1, 3 and 4 (ISO/IEC 14496-12, 6.2.2; libavutil/display.h).
    """
    side_data = frame.side_data.get("DISPLAYMATRIX")
    if side_data is None or side_data.buffer_size < _MATRIX_BYTES:
        return UPRIGHT
    matrix = np.frombuffer(bytes(side_data)[:_MATRIX_BYTES], np.int32).astype(float) / _ONE
    a, b, c, d = matrix[[0, 1, 3, 4]]
    x_length, y_length = np.hypot(a, b), np.hypot(c, d)
    if not x_length or not y_length:
        return None
    a, b, c, d = a / x_length, b / x_length, c / y_length, d / y_length
    if abs(b) < _TOLERANCE and abs(c) < _TOLERANCE:
        return Orientation(flip_x=a < 0, flip_y=d < 0)
    if abs(a) < _TOLERANCE and abs(d) < _TOLERANCE:
        return Orientation(transpose=True, flip_x=c < 0, flip_y=b < 0)
    return None
