"""COCO run-length encoding of masks, as in cocodataset/cocoapi, common/maskApi.c.

Runs are counted column by column (position = x * H + y), beginning with unset pixels. The text form
writes each run length, from the fourth on its difference to the one two before, in 5-bit groups.
"""

from collections.abc import Iterator, Sequence
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
    runs: list[NDArray[np.int64]] = []
    for index in range(len(masks)):
        mask, left, top = masks.crop(index)
        runs.append(run_lengths(mask, left, top, masks.width, masks.height))
    for counts in compress(runs):
        yield Rle(size=[masks.height, masks.width], counts=counts)


def run_lengths(
    mask: NDArray[np.bool_], left: int, top: int, width: int, height: int
) -> NDArray[np.int64]:
    """Return the run lengths of a frame that holds `mask` at (left, top) and is unset elsewhere."""
    h, w = mask.shape
    # An unset pixel above and below each column: changes never lie between two columns.
    columns = np.zeros((w, h + 2), np.uint8)
    columns[:, 1:-1] = mask.T
    flat = columns.reshape(-1)
    x, y = np.divmod(np.flatnonzero(flat[1:] != flat[:-1]), h + 2)
    edges = (x + left) * height + (y + top)
    # A run that reaches the bottom of one column goes on at the top of the next: its end and the
    # next start are the same position and cancel.
    joined = edges[1:-1:2] == edges[2::2]
    if joined.any():
        keep = np.ones(len(edges), bool)
        keep[1:-1:2] = keep[2::2] = ~joined
        edges = edges[keep]
    counts: NDArray[np.int64] = np.diff(edges, prepend=0, append=width * height)
    return counts[:-1] if len(counts) > 1 and counts[-1] == 0 else counts


def compress(runs: Sequence[NDArray[np.int64]]) -> list[str]:
    """Return the run lengths of each mask as COCO text (rleToString in maskApi.c).

    All masks at once, since arrays pay off over many numbers only.
    """
    if not runs:
        return []
    lengths = np.array([len(counts) for counts in runs])
    ends = np.cumsum(lengths)
    counts = np.concatenate(runs)
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
