"""Resampling tables: which source samples make each output sample, and with what weight.

Two rules (mode A and masks: two taps; mode B: Pillow's antialiased triangle), each for one axis,
computed once on the host in float64 so that no result depends on a compiler's contraction.
`TableCache` keeps what was made from them. Needs numpy only.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rfviewer.models.spec import F32Array

PILLOW_BITS = 22
"""Fraction bits of mode B's weights (Pillow, src/libImaging/Resample.c: PRECISION_BITS)."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearTable:
    """Bilinear taps of one axis: `out[d] = weight0[d] * in[first[d]] + weight1[d] * in[second[d]]`.

    `first` and `second` never decrease, and `second` is `first + 1` except at the end.
    """

    first: NDArray[np.intp]
    """(n_out,) index of the lower tap."""
    second: NDArray[np.intp]
    """(n_out,) index of the upper tap, at most n_in - 1."""
    weight0: F32Array
    """(n_out,) weight of the lower tap, `1 - weight1` in fp32."""
    weight1: F32Array
    """(n_out,) weight of the upper tap, 0..1."""


def linear_table(n_in: int, n_out: int) -> LinearTable:
    """Return half-pixel-centre bilinear taps without antialiasing, as aten computes them.

    `x = max(fma(fl32(n_in / n_out), d + 0.5, -0.5), 0)`: the product is exact in float64, so one
    cast gives the one rounding of the fma.

    Source: torch.nn.functional.interpolate(mode="bilinear", align_corners=False), which
    rfdetr 1.11.2 uses both for the frame and for the masks.
    """
    ratio = np.float64(np.float32(n_in) / np.float32(n_out))
    x = np.maximum(ratio * (np.arange(n_out) + 0.5) - 0.5, 0.0).astype(np.float32)
    first = np.floor(x).astype(np.intp)
    weight1 = x - first.astype(np.float32)
    return LinearTable(
        first=first,
        second=np.minimum(first + 1, n_in - 1),
        weight0=np.float32(1) - weight1,
        weight1=weight1,
    )


@dataclass(frozen=True, slots=True, eq=False)
class TriangleTable:
    """Antialiased taps of one axis: `out[d] = sum_k weights[d, k] * in[lowest[d] + k] / 2**22`."""

    lowest: NDArray[np.intp]
    """(n_out,) index of the first tap."""
    weights: NDArray[np.int32]
    """(n_out, taps) in units of 2**-22; 0 where `lowest + k` is past the last tap."""


def triangle_table(n_in: int, n_out: int) -> TriangleTable:
    """Return the taps of Pillow's BILINEAR resize on bytes.

    Source: Pillow, src/libImaging/Resample.c, `precompute_coeffs` and `normalize_coeffs_8bpc`.
    """
    scale = n_in / n_out
    support = max(1.0, scale)
    center = (np.arange(n_out) + 0.5) * scale
    lowest = np.maximum(0, np.trunc(center - support + 0.5)).astype(np.intp)
    end = np.minimum(n_in, np.trunc(center + support + 0.5)).astype(np.intp)
    tap = np.arange(int((end - lowest).max()))[None]
    distance = np.abs(tap + lowest[:, None] - center[:, None] + 0.5) / support
    weights = np.where(tap < (end - lowest)[:, None], np.maximum(0.0, 1.0 - distance), 0.0)
    total = np.zeros(n_out)
    for column in weights.T:  # Pillow adds tap by tap; a pairwise sum may round differently
        total += column
    weights /= total[:, None]
    return TriangleTable(lowest, np.floor(weights * 2**PILLOW_BITS + 0.5).astype(np.int32))


class TableCache[K, V]:
    """Keeps the tables of the last few sizes; disabled, it builds them anew for every frame.

    One thread at a time. `K` is hashable and tells everything that `build` needs.
    """

    def __init__(self, build: Callable[[K], V], *, enabled: bool, capacity: int = 4) -> None:
        self._build = build
        self._enabled = enabled
        self._capacity = capacity
        self._tables: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V:
        """Return the tables for `key`."""
        if not self._enabled:
            return self._build(key)
        if key not in self._tables:
            self._tables[key] = self._build(key)
            if len(self._tables) > self._capacity:
                self._tables.popitem(last=False)
        self._tables.move_to_end(key)
        return self._tables[key]
