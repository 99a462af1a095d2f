"""Resampling tables, built on the host in float64 so that no kernel depends on contraction.

Owns the coordinate arithmetic of both resize modes and of the mask resize. Must not import triton.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIXED_POINT_BITS = 22
"""Fraction bits of Pillow's integer weights (PRECISION_BITS, Pillow src/libImaging/Resample.c)."""


@dataclass(frozen=True)
class LinearTable:
    """Two taps per output index: half-pixel centres, no antialiasing."""

    first: torch.Tensor
    """(n_out,) int32, the lower source index."""
    second: torch.Tensor
    """(n_out,) int32, the upper source index, clamped to the last."""
    weight: torch.Tensor
    """(n_out,) float32, weight of `second`, 0 <= w < 1."""
    n_in: int
    """Source length."""

    @property
    def n_out(self) -> int:
        """Output length."""
        return len(self.first)

    def to(self, device: torch.device) -> "LinearTable":
        """Return a copy on `device`."""
        first, second, weight = (p.to(device) for p in (self.first, self.second, self.weight))
        return LinearTable(first, second, weight, self.n_in)


def linear_table(n_in: int, n_out: int) -> LinearTable:
    """Return the two taps of every output index, as torch interpolates on a CPU.

    x = max(fma(s, d + 0.5, -0.5), 0) with s = fl32(n_in) / fl32(n_out) and one rounding
    (aten/src/ATen/native/UpSample.h, area_pixel_compute_source_index). The product is exact in
    float64, so casting once gives the fma's rounding on every device.
    """
    scale = np.float64(np.float32(n_in) / np.float32(n_out))
    centres = (scale * (np.arange(n_out) + 0.5) - 0.5).astype(np.float32)
    centres = np.maximum(centres, np.float32(0))
    first = np.minimum(np.floor(centres).astype(np.int32), n_in - 1)
    second = np.minimum(first + 1, n_in - 1)
    weight = centres - first.astype(np.float32)
    arrays = torch.from_numpy(first), torch.from_numpy(second), torch.from_numpy(weight)
    return LinearTable(*arrays, n_in)


@dataclass(frozen=True)
class AntialiasTable:
    """Pillow's triangle filter as integers: a run of source indices per output index."""

    start: torch.Tensor
    """(n_out,) int32, the first source index."""
    weights: torch.Tensor
    """(n_out, taps) int32, fixed point of `FIXED_POINT_BITS`, zero after a row's last tap."""
    n_in: int
    """Source length."""

    @property
    def n_out(self) -> int:
        """Output length."""
        return len(self.start)

    @property
    def taps(self) -> int:
        """Longest run of source indices."""
        return int(self.weights.shape[1])

    def to(self, device: torch.device) -> "AntialiasTable":
        """Return a copy on `device`."""
        return AntialiasTable(self.start.to(device), self.weights.to(device), self.n_in)


def antialias_table(n_in: int, n_out: int) -> AntialiasTable:
    """Return the runs and weights of Pillow's BILINEAR resize (Resample.c, precompute_coeffs)."""
    scale = n_in / n_out
    support = max(1.0, scale)
    centres = (np.arange(n_out) + 0.5) * scale
    low = np.maximum((centres - support + 0.5).astype(np.int64), 0)
    high = np.minimum((centres + support + 0.5).astype(np.int64), n_in)
    taps = int((high - low).max())
    offset = np.arange(taps)
    distance = np.abs((offset + low[:, None] - centres[:, None] + 0.5) / support)
    weights: NDArray[np.float64] = np.maximum(0.0, 1.0 - distance)
    weights[offset >= (high - low)[:, None]] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    fixed = np.floor(weights * 2**FIXED_POINT_BITS + 0.5).astype(np.int32)
    used = np.flatnonzero(fixed.any(axis=0))[-1] + 1
    fixed = np.ascontiguousarray(fixed[:, :used])
    return AntialiasTable(torch.from_numpy(low.astype(np.int32)), torch.from_numpy(fixed), n_in)
