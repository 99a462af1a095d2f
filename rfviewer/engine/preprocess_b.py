"""Preprocess mode B: Pillow's antialiased BILINEAR resize on bytes, then normalise, RGB, CHW, fp32.

Two passes of integer taps (`triangle_table`), horizontal then vertical, each rounded to a byte:
`q = (sum(W * u8) + 2**21) >> 22`, bit-exact with Pillow. No clamp is needed: the weights are not
negative and add up to 2**22 within half a unit per tap. The horizontal pass always comes first, as
in every Pillow before 13; Pillow 13 turns the order round when that is cheaper for a tall frame,
which moves a quarter of the bytes by one level (Pillow pull request 9549).

The reference runs tap by tap in int32. The fused variant is the same integer sum as a product of
banded matrices in fp32: every weight is split as `W = high * 2**7 + low`, so that both partial sums
stay whole numbers below 2**24, which fp32 holds exactly in any order of addition; normalising is a
table look-up. Both give the same bits. Needs numpy and OpenCV.
"""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np

from rfviewer.engine.normalize import byte_levels, normalize, normalize_in_passes
from rfviewer.engine.preprocess_a import Sizes
from rfviewer.engine.tables import PILLOW_BITS, TableCache, TriangleTable, triangle_table
from rfviewer.frame import U8Array
from rfviewer.models.spec import F32Array

_LOW_BITS = 7
"""Bits in `low`: sums stay below 2**24 for up to 518 taps, a frame 80,000 pixels wide."""
_BLOCK = 8
"""Outputs per matrix product: few zeros in the band, and still enough work per call."""
_MAX_TAPS = 2**24 // (255 * (2**_LOW_BITS - 1))


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """Outputs `first`..`last` of one axis as a product with the inputs `start`..`stop`."""

    first: int
    last: int
    start: int
    stop: int
    high: F32Array
    """(last - first, stop - start) whole numbers `W >> 7`."""
    low: F32Array
    """(last - first, stop - start) whole numbers `W & 127`."""


def bands(table: TriangleTable, n_in: int) -> tuple[Band, ...]:
    """Return the weights of one axis as dense blocks of `_BLOCK` outputs."""
    n_out, taps = table.weights.shape
    if taps > _MAX_TAPS:
        raise ValueError(f"{taps} taps do not fit into fp32 sums (at most {_MAX_TAPS})")
    result = []
    for first in range(0, n_out, _BLOCK):
        last = min(first + _BLOCK, n_out)
        start = int(table.lowest[first])
        stop = min(n_in, int(table.lowest[last - 1]) + taps)
        dense = np.zeros((last - first, stop - start + taps), np.int32)
        offset = table.lowest[first:last] - start
        np.put_along_axis(
            dense, offset[:, None] + np.arange(taps)[None], table.weights[first:last], axis=1
        )
        dense = dense[:, : stop - start]
        high, low = dense >> _LOW_BITS, dense & (2**_LOW_BITS - 1)
        result.append(
            Band(first, last, start, stop, high.astype(np.float32), low.astype(np.float32))
        )
    return tuple(result)


@dataclass(frozen=True, slots=True, eq=False)
class PlanB:
    """What mode B needs to know about one pair of sizes. Read-only."""

    rows: TriangleTable
    columns: TriangleTable
    row_bands: tuple[Band, ...]
    column_bands: tuple[Band, ...]

    @classmethod
    def build(cls, sizes: Sizes) -> Self:
        """Make the plan for frame size and network input size, each (width, height)."""
        (frame_w, frame_h), (w, h) = sizes
        rows, columns = triangle_table(frame_h, h), triangle_table(frame_w, w)
        return cls(rows, columns, bands(rows, frame_h), bands(columns, frame_w))


class PreprocessB:
    """Mode B for one frame size, with the buffers of one slot. One thread at a time."""

    def __init__(
        self,
        sizes: Sizes,
        plans: TableCache[Sizes, PlanB],
        *,
        fused: bool,
        constants: bool = True,
    ) -> None:
        """Make buffers; `constants` False normalises in three passes behind the fused resize."""
        self._constants = constants
        self._sizes = sizes
        self._plans = plans
        self._fused = fused
        self._levels = byte_levels()
        (frame_w, frame_h), (w, h) = sizes
        if not fused:
            return
        self._planes: list[Any] = [np.empty((frame_h, frame_w), np.uint8) for _ in range(3)]
        self._plane = np.empty((frame_h, frame_w), np.float32)
        self._wide = (np.empty((frame_h, w), np.float32), np.empty((frame_h, w), np.float32))
        self._net = (np.empty((h, w), np.float32), np.empty((h, w), np.float32))
        self._bytes = np.empty((h, w), np.uint8)

    def run(self, image: U8Array, out: F32Array) -> None:
        """Write the network input (3, h, w) for `image`, BGR (H, W, 3), into `out`."""
        plan = self._plans.get(self._sizes)
        if self._fused:
            self._run_fused(image, plan, out)
        else:
            out[...] = reference_b(image, plan)

    def _run_fused(self, image: U8Array, plan: PlanB, out: F32Array) -> None:
        cv2.split(image, self._planes)
        plane, (high, low), (net_high, net_low) = self._plane, self._wide, self._net
        for channel in range(3):
            np.copyto(plane, self._planes[2 - channel])  # BGR -> RGB
            for band in plan.column_bands:
                source = plane[:, band.start : band.stop]
                np.matmul(source, band.high.T, out=high[:, band.first : band.last])
                np.matmul(source, band.low.T, out=low[:, band.first : band.last])
            _round_to_levels(high, low)
            for band in plan.row_bands:
                source = high[band.start : band.stop]
                np.matmul(band.high, source, out=net_high[band.first : band.last])
                np.matmul(band.low, source, out=net_low[band.first : band.last])
            _round_to_levels(net_high, net_low)
            np.copyto(self._bytes, net_high, casting="unsafe")
            self._normalize(channel, out[channel])

    def _normalize(self, channel: int, out: F32Array) -> None:
        """Write the normalised levels of one channel; both ways give the same bits."""
        if not self._constants:
            normalize_in_passes(self._bytes, channel, out)
        elif out.flags.c_contiguous:
            cv2.LUT(self._bytes, self._levels[channel], out)
        else:  # OpenCV writes planes only
            np.copyto(out, cv2.LUT(self._bytes, self._levels[channel]))


def _round_to_levels(high: F32Array, low: F32Array) -> None:
    """Turn `high` into `(high * 2**7 + low + 2**21) >> 22`, a whole number 0..255; spoils `low`.

    Exact: every intermediate is a whole number below 2**24 or one divided by a power of two.
    """
    np.multiply(low, np.float32(2.0**-_LOW_BITS), out=low)
    np.floor(low, out=low)
    np.add(high, low, out=high)
    np.add(high, np.float32(2.0 ** (PILLOW_BITS - 1 - _LOW_BITS)), out=high)
    np.multiply(high, np.float32(2.0 ** (_LOW_BITS - PILLOW_BITS)), out=high)
    np.floor(high, out=high)


def resize_levels(image: U8Array, plan: PlanB) -> U8Array:
    """Return `image`, (H, W, 3), resized to (h, w, 3), tap by tap in int32; bit-equal to Pillow."""
    for axis, table in ((1, plan.columns), (0, plan.rows)):
        taps = table.weights.shape[1]
        last = image.shape[axis] - 1
        shape = (-1, 1, 1) if axis == 0 else (1, -1, 1)
        total = np.full(1, 2 ** (PILLOW_BITS - 1), np.int32)
        for tap in range(taps):
            source = np.take(image, np.minimum(table.lowest + tap, last), axis=axis)
            total = total + table.weights[:, tap].reshape(shape) * source
        image = (total >> PILLOW_BITS).astype(np.uint8)
    return image


def reference_b(image: U8Array, plan: PlanB) -> F32Array:
    """Return the network input (3, h, w) of `image`, BGR (H, W, 3), one plain op after the other.

    Allocates.
    """
    levels = resize_levels(image, plan)[:, :, ::-1].transpose(2, 0, 1)
    return normalize(levels.astype(np.float32) / np.float32(255))


def plans_b(*, enabled: bool) -> TableCache[Sizes, PlanB]:
    """Return the cache of mode B's plans, shared by the slots of one engine."""
    return TableCache(PlanB.build, enabled=enabled)
