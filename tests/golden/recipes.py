"""Inputs of the golden vectors that are cheaper to make again than to store. numpy only.

Integer or single-operation arithmetic only, so that every machine makes the same bits.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MASK_SIZE = 78


def noise_image(seed: int, height: int, width: int) -> NDArray[Any]:
    """Return white noise, (height, width, 3) u8: a 32-bit integer hash of each element's index."""
    value = np.arange(height * width * 3, dtype=np.uint32) + np.uint32(seed * 0x9E3779B1 % 2**32)
    for multiplier, shift in ((0x7FEB352D, 16), (0x846CA68B, 15)):
        value = (value ^ (value >> np.uint32(shift))) * np.uint32(multiplier)
    value ^= value >> np.uint32(16)
    return (value >> np.uint32(24)).astype(np.uint8).reshape(height, width, 3)


def disc_masks(discs: NDArray[Any]) -> NDArray[Any]:
    """Return mask logits, (1, N, 78, 78) f32: radius**2 - distance**2 from each disc's centre.

    Args:
        discs: (N, 3) f32: x, y, radius**2 on the mask grid.
    """
    grid = np.arange(MASK_SIZE, dtype=np.float32)
    x, y, radius_squared = (discs[:, column, None, None] for column in range(3))
    across, down = np.square(grid[None, None, :] - x), np.square(grid[None, :, None] - y)
    return (radius_squared - across - down)[None]
