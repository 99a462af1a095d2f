"""COCO run-length encoding of masks, as in cocodataset/cocoapi, common/maskApi.c.

Runs are counted column by column (position = x * H + y), beginning with unset pixels. The text form
writes each run length, from the fourth on its difference to the one two before, in 5-bit groups.
"""

from collections.abc import Iterator
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from rfviewer.detections import InstanceMasks


class Rle(TypedDict):
    """A mask as COCO files hold it."""

    size: list[int]
    """[H, W]."""
    counts: str
    """Compressed run lengths, ASCII."""


def encode_masks(masks: InstanceMasks) -> Iterator[Rle]:
    """Yield each mask as COCO compressed RLE, byte for byte what pycocotools writes.

    Works on the regions only: no mask of frame size is made.
    """
    for index in range(len(masks)):
        mask, left, top = masks.crop(index)
        counts = run_lengths(mask, left, top, masks.width, masks.height)
        yield Rle(size=[masks.height, masks.width], counts=compress(counts))


def run_lengths(
    mask: NDArray[np.bool_], left: int, top: int, width: int, height: int
) -> NDArray[np.int64]:
    """Return the run lengths of a frame that holds `mask` at (left, top) and is unset elsewhere."""
    h, w = mask.shape
    columns = np.zeros((w, h + 2), np.int8)
    columns[:, 1:-1] = mask.T
    x, y = np.nonzero(np.diff(columns, axis=1))
    edges = (x + left) * height + (y + top)
    # A run that reaches the bottom of one column goes on at the top of the next: its end and the
    # next start are the same position and cancel.
    joined = np.flatnonzero(edges[1:-1:2] == edges[2::2]) * 2 + 1
    edges = np.delete(edges, np.concatenate([joined, joined + 1]))
    counts = np.diff(edges, prepend=0, append=width * height)
    return counts[:-1] if len(counts) > 1 and counts[-1] == 0 else counts


def compress(counts: NDArray[np.int64]) -> str:
    """Return run lengths as COCO text (rleToString in maskApi.c)."""
    values = counts.astype(np.int64)
    values[3:] -= counts[1:-2]
    groups: list[NDArray[np.uint8]] = []
    open_: NDArray[np.bool_] = np.ones(len(values), bool)
    used: list[NDArray[np.bool_]] = []
    while open_.any():
        low = values & 31
        values = values >> 5
        more = open_ & np.where(low & 16, values != -1, values != 0)
        groups.append((low + 48 + np.where(more, 32, 0)).astype(np.uint8))
        used.append(open_)
        open_ = more
    if not groups:
        return ""
    return np.stack(groups, axis=1)[np.stack(used, axis=1)].tobytes().decode("ascii")


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
