"""Network normalisation as one multiply-add per channel on 0..255 values."""

from dataclasses import dataclass

import numpy as np

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Affine:
    """y = value * scale[c] + offset[c], for R, G, B values 0..255."""

    scale: tuple[float, float, float]
    """1 / (255 * std), rounded to float32."""
    offset: tuple[float, float, float]
    """-mean / std, rounded to float32."""


def affine(
    mean: tuple[float, float, float] = IMAGENET_MEAN, std: tuple[float, float, float] = IMAGENET_STD
) -> Affine:
    """Return the constants of (v / 255 - mean) / std; within 4.8e-7 of the two-step form."""
    scale = tuple(float(np.float32(1 / (255 * s))) for s in std)
    offset = tuple(float(np.float32(-m / s)) for m, s in zip(mean, std, strict=True))
    return Affine(scale, offset)  # type: ignore[arg-type]
