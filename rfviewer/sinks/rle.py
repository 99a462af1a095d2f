"""COCO run-length encoding of masks, as in cocodataset/cocoapi, common/maskApi.c.

Runs are counted column by column (position = x * H + y), beginning with unset pixels. The text form
writes each run length, from the fourth on its difference to the one two before, in 5-bit groups.
"""

from collections.abc import Iterator, Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from rfviewer.detections import InstanceMasks

type _Counts = NDArray[np.int64]


class Rle(TypedDict):
    """A mask as COCO files hold it."""

    size: list[int]
    """[H, W]."""
    counts: str
    """Compressed run lengths, ASCII."""


def encode_masks(masks: InstanceMasks) -> Iterator[Rle]:
    """Yield each mask as COCO compressed RLE, byte for byte what pycocotools writes.

    Works on the packed bytes of the regions, all masks at once: no mask of frame size is made.
    """
    for counts in _compress(*_run_lengths(masks)):
        yield Rle(size=[masks.height, masks.width], counts=counts)


def _run_lengths(masks: InstanceMasks) -> tuple[_Counts, _Counts]:
    """Return the run lengths of all masks, one mask after the other, and how many each has."""
    count, pixels = len(masks), masks.height * masks.width
    if not count:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    of_mask, position = _edges(masks)
    # Ordered by mask, then by position. A run that reaches the bottom of one column goes on at the
    # top of the next: its end and the next start are the same position and cancel.
    key = of_mask * (pixels + 1) + position
    key.sort()
    twice = key[1:] == key[:-1]
    if twice.any():
        keep = np.ones(len(key), bool)
        keep[1:] &= ~twice
        keep[:-1] &= ~twice
        key = key[keep]
    of_mask = key // (pixels + 1)
    # Every mask begins with position 0 and ends with the frame.
    edges = np.bincount(of_mask, minlength=count)
    lengths = edges + 1
    full = np.zeros(len(key) + 2 * count, np.int64)
    ends = np.cumsum(lengths + 1) - 1
    full[ends] = pixels
    full[np.arange(len(key)) + 2 * of_mask + 1] = key - of_mask * (pixels + 1)
    counts = np.diff(full)
    wanted = np.ones(len(counts), bool)
    wanted[ends[:-1]] = False  # from one mask's end to the next one's beginning
    empty = (counts[ends - 1] == 0) & (edges > 0)  # the last run, of a mask set up to its end
    wanted[ends[empty] - 1] = False
    return counts[wanted], lengths - empty


def _edges(masks: InstanceMasks) -> tuple[_Counts, _Counts]:
    """Return, unordered, the mask and the position x * H + y of every change along a column.

    A row that differs from the one above it in some bit starts or ends a run there; above the
    first and below the last row of a region nothing is set.
    """
    rows = [masks.packed_rows(index) for index in range(len(masks))]
    spans = np.array([part.shape[1] for part in rows], np.int64)
    sizes = np.array([part.size for part in rows], np.int64) + spans
    starts = np.cumsum(sizes) - sizes
    changes = np.zeros(int(sizes.sum()), np.uint8)
    for part, start in zip(rows, starts.tolist(), strict=True):
        flat = part.reshape(-1)
        changes[start : start + len(flat)] = flat
        below = changes[start + part.shape[1] :]
        below[: len(flat)] ^= flat
    at = np.flatnonzero(changes != 0)
    bits = np.flatnonzero(np.unpackbits(changes[at], bitorder="little").view(np.bool_))
    at = at[bits >> 3]
    of_mask = np.searchsorted(starts, at, "right") - 1
    y, column = np.divmod(at - starts[of_mask], spans[of_mask])
    left, top = masks.regions_xyxy[:, 0].astype(np.int64), masks.regions_xyxy[:, 1]
    x = (left[of_mask] // 8 + column) * 8 + (bits & 7)
    return of_mask, x * masks.height + y + top[of_mask]


def compress(runs: Sequence[_Counts]) -> list[str]:
    """Return the run lengths of each mask as COCO text (rleToString in maskApi.c)."""
    if not runs:
        return []
    return _compress(np.concatenate(runs), np.array([len(counts) for counts in runs], np.int64))


def _compress(counts: _Counts, lengths: _Counts) -> list[str]:
    """Return the text of each mask; `lengths` tells how many of `counts` it has.

    All masks at once, since arrays pay off over many numbers only.
    """
    if not len(lengths):
        return []
    ends = np.cumsum(lengths)
    place = np.arange(len(counts)) - np.repeat(ends - lengths, lengths)
    differs = np.flatnonzero(place > 2)
    values = counts.copy()
    values[differs] -= counts[differs - 2]
    groups: list[NDArray[np.uint8]] = []
    used: list[NDArray[np.bool_]] = []
    unfinished: NDArray[np.bool_] = np.ones(len(values), bool)
    while unfinished.any():
        used.append(unfinished)
        low = values & 31
        values = values >> 5
        unfinished = unfinished & (values != np.where(low & 16, -1, 0))
        groups.append((low + 48 + 32 * unfinished).astype(np.uint8))
    written = np.stack(used, axis=1)
    text = np.stack(groups, axis=1)[written].tobytes().decode("ascii")
    stops = np.cumsum(written.sum(axis=1))[ends - 1].tolist()
    return [text[start:stop] for start, stop in zip([0, *stops], stops, strict=False)]


def decompress(text: str) -> NDArray[np.int64]:
    """Return the run lengths of COCO text (rleFrString in maskApi.c).

    Raises:
        ValueError: when the text ends within a number or holds other characters.
    """
    counts: list[int] = []
    value = shift = 0
    for code in text.encode("ascii"):
        group = code - 48
        if not 0 <= group < 64:
            raise ValueError(f"{chr(code)!r} cannot stand in run lengths")
        value |= (group & 31) << shift
        shift += 5
        if group & 32:
            continue
        if group & 16:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = shift = 0
    if shift:
        raise ValueError("run lengths end within a number")
    return np.array(counts, np.int64)


def decode(rle: Rle) -> NDArray[np.bool_]:
    """Return the mask, (H, W) bool.

    Raises:
        ValueError: when the run lengths do not add up to the size.
    """
    height, width = rle["size"]
    counts = decompress(rle["counts"])
    if counts.sum() != width * height or (counts < 0).any():
        raise ValueError(f"run lengths add up to {counts.sum()}, not to {width}x{height}")
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(width, height).T
