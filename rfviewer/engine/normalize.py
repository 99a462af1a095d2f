"""The network's input normalisation: ImageNet mean and standard deviation, RGB.

Source: rfdetr 1.11.2, `RFDETR.means` and `RFDETR.stds`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rfviewer.models.spec import F32Array

MEAN_RGB: F32Array = np.array([0.485, 0.456, 0.406], np.float32)
"""(3,) mean of pixel values scaled to 0..1."""
STD_RGB: F32Array = np.array([0.229, 0.224, 0.225], np.float32)
"""(3,) standard deviation of pixel values scaled to 0..1."""

GAIN_RGB: F32Array = (1.0 / (255.0 * STD_RGB.astype(np.float64))).astype(np.float32)
"""(3,) a of the fused form `level * a + b`, level 0..255."""
BIAS_RGB: F32Array = (-(MEAN_RGB.astype(np.float64) / STD_RGB)).astype(np.float32)
"""(3,) b of the fused form."""


def normalize(scaled_chw: F32Array) -> F32Array:
    """Return `(scaled - mean) / std` of an RGB image (3, H, W) scaled to 0..1."""
    result: F32Array = (scaled_chw - MEAN_RGB[:, None, None]) / STD_RGB[:, None, None]
    return result


def normalize_in_passes(levels: NDArray[Any], channel: int, out: F32Array) -> None:
    """Write `(levels / 255 - mean) / std` of one channel into `out`, three passes over it.

    `levels` are 0..255, of the shape of `out`, and may be `out` itself.
    """
    np.divide(levels, np.float32(255), out=out)
    np.subtract(out, MEAN_RGB[channel], out=out)
    np.divide(out, STD_RGB[channel], out=out)


def byte_levels() -> F32Array:
    """Return (3, 256): the normalised value of each byte per channel R, G, B.

    The same three roundings as `normalize(byte / 255)`, so looking up is bit-exact.
    """
    scaled = np.arange(256, dtype=np.float32) / np.float32(255)
    return normalize(np.broadcast_to(scaled, (3, 1, 256)))[:, 0]
