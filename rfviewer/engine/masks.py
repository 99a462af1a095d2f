"""Mask logits to boolean masks at frame size: resize, then threshold, in fp32 on raw logits.

`value = y0 * (x0 * p00 + x1 * p01) + y1 * (x0 * p10 + x1 * p11)`, mask = value > 0, with the taps
of `linear_table`, every product and sum rounded in exactly this order: so a region gives the same
bits as the whole frame. Needs numpy only.

Source: rfdetr 1.11.2, `PostProcess._postprocess_masks` (F.interpolate, then > 0).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rfviewer.detections import InstanceMasks
from rfviewer.engine.tables import LinearTable, TableCache, linear_table
from rfviewer.frame import U8Array
from rfviewer.models.spec import F32Array

_BLOCK_PIXELS = 65536
"""Pixels per block of rows: two fp32 blocks of it stay in a core's cache."""

type MaskSizes = tuple[tuple[int, int], tuple[int, int]]
"""(width, height) of the mask logits, then of the frame."""

type Region = tuple[int, int, int, int]
"""x0, y0, x1, y1 in frame pixels, half-open."""


@dataclass(frozen=True, slots=True, eq=False)
class MaskTables:
    """Taps of both axes. Read-only."""

    rows: LinearTable
    columns: LinearTable

    @classmethod
    def build(cls, sizes: MaskSizes) -> Self:
        """Make the tables for mask size and frame size, each (width, height)."""
        (mask_w, mask_h), (frame_w, frame_h) = sizes
        return cls(linear_table(mask_h, frame_h), linear_table(mask_w, frame_w))


class MaskResizer:
    """Makes the masks of one frame size, with the buffers of one slot. One thread at a time."""

    def __init__(
        self,
        sizes: MaskSizes,
        tables: TableCache[MaskSizes, MaskTables],
        *,
        roi: bool,
        packed: bool,
    ) -> None:
        self._sizes = sizes
        self._tables = tables
        self._roi = roi
        self._packed = packed
        (_, mask_h), (frame_w, frame_h) = sizes
        pixels = max(_BLOCK_PIXELS, frame_w)
        self._wide = np.empty((2, mask_h * frame_w), np.float32)
        self._block = np.empty((2, pixels), np.float32)
        self._bits: NDArray[np.bool_] = np.empty(frame_h * frame_w, np.bool_)

    def run(
        self, pred_masks: F32Array, queries: NDArray[np.intp], kept: NDArray[np.bool_] | None = None
    ) -> InstanceMasks:
        """Return a new mask at frame size for each of `queries`, in that order.

        Args:
            pred_masks: (Q, mask_h, mask_w) mask logits.
            queries: (M,) which of them, duplicates allowed.
            kept: (M,) which of the resized masks to return; None for all. Those not kept are
                resized all the same: the reference of `limit_masks`.
        """
        width, height = self._sizes[1]
        tables = self._tables.get(self._sizes)
        count = len(queries) if kept is None else int(kept.sum())
        columns = -(-width // 8) if self._packed else width
        data = np.zeros((count, height, columns), np.uint8)
        regions = np.zeros((count, 4), np.int32)
        index = 0
        for position, query in enumerate(queries):
            logits = pred_masks[query]
            region = _support(logits, tables) if self._roi else (0, 0, width, height)
            bits = None if region is None else self._resize(logits, region, tables)
            if kept is not None and not kept[position]:
                continue
            if bits is not None and region is not None:
                regions[index] = self._store(bits, region, data[index])
            index += 1
        return InstanceMasks(data, regions, width, height, self._packed)

    def _resize(self, logits: F32Array, region: Region, tables: MaskTables) -> NDArray[np.bool_]:
        """Return `value > 0` inside `region`, (h, w), valid until the next call."""
        x0, y0, x1, y1 = region
        width, height = x1 - x0, y1 - y0
        rows, columns = tables.rows, tables.columns
        top = int(rows.first[y0])
        source = logits[top : int(rows.second[y1 - 1]) + 1]
        wide, other = (b[: len(source) * width].reshape(-1, width) for b in self._wide)
        np.take(source, columns.first[x0:x1], axis=1, out=wide, mode="clip")
        np.take(source, columns.second[x0:x1], axis=1, out=other, mode="clip")
        np.multiply(wide, columns.weight0[x0:x1], out=wide)
        np.multiply(other, columns.weight1[x0:x1], out=other)
        np.add(wide, other, out=wide)
        bits = self._bits[: height * width].reshape(height, width)
        step = max(1, _BLOCK_PIXELS // width)
        for start in range(y0, y1, step):
            stop = min(start + step, y1)
            upper, lower = (b[: (stop - start) * width].reshape(-1, width) for b in self._block)
            np.take(wide, rows.first[start:stop] - top, axis=0, out=upper, mode="clip")
            np.take(wide, rows.second[start:stop] - top, axis=0, out=lower, mode="clip")
            np.multiply(upper, rows.weight0[start:stop, None], out=upper)
            np.multiply(lower, rows.weight1[start:stop, None], out=lower)
            np.add(upper, lower, out=upper)
            np.greater(upper, np.float32(0), out=bits[start - y0 : stop - y0])
        return bits

    def _store(self, bits: NDArray[np.bool_], region: Region, target: U8Array) -> Region:
        """Write `bits` of `region` into `target`, one mask; return the tight region, or zeros."""
        x0, y0, x1, y1 = region
        set_rows = np.flatnonzero(bits.any(axis=1))
        if not len(set_rows):
            return (0, 0, 0, 0)
        set_columns = np.flatnonzero(bits.any(axis=0))
        if self._packed:
            target[y0:y1, x0 // 8 : -(-x1 // 8)] = np.packbits(bits, axis=1, bitorder="little")
        else:
            target[y0:y1, x0:x1] = bits
        return (
            x0 + int(set_columns[0]),
            y0 + int(set_rows[0]),
            x0 + int(set_columns[-1]) + 1,
            y0 + int(set_rows[-1]) + 1,
        )


def _support(logits: F32Array, tables: MaskTables) -> Region | None:
    """Return the region in which a value can be positive, x0 and x1 on whole bytes; None if none.

    A weighted mean of taps that are all <= 0 is <= 0, so a pixel matters only if one of its taps
    lies between the first and the last positive row, and the same for columns.
    """
    positive = logits > 0
    rows = np.flatnonzero(positive.any(axis=1))
    if not len(rows):
        return None
    columns = np.flatnonzero(positive.any(axis=0))
    y0, y1 = _span(tables.rows, int(rows[0]), int(rows[-1]))
    x0, x1 = _span(tables.columns, int(columns[0]), int(columns[-1]))
    if x0 >= x1 or y0 >= y1:
        return None  # a frame smaller than the mask can skip taps
    width = len(tables.columns.first)
    return x0 & ~7, y0, min(width, (x1 + 7) & ~7), y1


def _span(table: LinearTable, first: int, last: int) -> tuple[int, int]:
    """Return the half-open range of outputs that have a tap within first..last."""
    start = int(np.searchsorted(table.second, first, side="left"))
    stop = int(np.searchsorted(table.first, last, side="right"))
    return start, stop


def mask_tables(*, enabled: bool) -> TableCache[MaskSizes, MaskTables]:
    """Return the cache of mask tables, shared by the slots of one engine."""
    return TableCache(MaskTables.build, enabled=enabled)
