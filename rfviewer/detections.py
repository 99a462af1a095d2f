"""Detections of one frame: boxes, scores, classes and instance masks, side by side."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Self, override

import numpy as np
from numpy.typing import NDArray

from rfviewer.frame import U8Array

type Places = tuple[NDArray[np.int64], NDArray[np.int32]]
"""Of N masks in a stream of bytes: where each begins, (N,), and its region, (N, 4)."""


@dataclass(frozen=True, slots=True, eq=False)
class InstanceMasks:
    """N boolean masks at frame size, dense or bit-packed, each with the region it may be set in.

    A mask is zero outside its region, so consumers only ever touch the region.
    """

    data: U8Array
    """Packed: (N, H, ceil(W / 8)), bit `x & 7` of byte `x >> 3` (little bit order), padding bits 0.
    Dense: (N, H, W) of 0 and 1."""
    regions_xyxy: NDArray[np.int32]
    """(N, 4) half-open pixel regions that contain every set pixel; empty for an empty mask."""
    width: int
    """W, the frame width in pixels."""
    height: int
    """H, the frame height in pixels."""
    packed: bool
    """Layout of `data`."""

    def __post_init__(self) -> None:
        """Reject data whose shape contradicts the stated size."""
        n = len(self.regions_xyxy)
        expected = (n, self.height, -(-self.width // 8) if self.packed else self.width)
        if self.data.shape != expected:
            raise ValueError(f"masks must have shape {expected}, got {self.data.shape}")

    def __len__(self) -> int:
        return len(self.regions_xyxy)

    @override
    def __repr__(self) -> str:
        layout = "packed" if self.packed else "dense"
        return f"InstanceMasks({len(self)} of {self.width}x{self.height}, {layout})"

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the masks take."""
        return int(self.data.nbytes)

    def compact(self) -> "RegionMasks":
        """Return a copy that keeps no byte outside the regions."""
        rows: list[U8Array] = []
        for index, (x0, y0, x1, y1) in enumerate(self.regions_xyxy.tolist()):
            plane = self.data[index, y0:y1]
            if self.packed:
                rows.append(plane[:, x0 >> 3 : (x1 + 7) >> 3].ravel())
            else:
                inside = plane[:, x0 & ~7 : (x1 + 7) & ~7]
                rows.append(np.packbits(inside, axis=1, bitorder="little").ravel())
        sizes = [len(row) for row in rows]
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]) if sizes else np.zeros(0)
        stream = np.concatenate(rows) if rows else np.zeros(0, np.uint8)
        return RegionMasks(
            stream, starts.astype(np.int64), self.regions_xyxy.copy(), self.width, self.height
        )

    @classmethod
    def empty(cls, width: int, height: int, *, packed: bool = True) -> Self:
        """Zero masks for a frame of this size."""
        columns = -(-width // 8) if packed else width
        data = np.zeros((0, height, columns), np.uint8)
        return cls(data, np.zeros((0, 4), np.int32), width, height, packed)

    def crop(self, index: int) -> tuple[NDArray[np.bool_], int, int]:
        """Return the mask inside its region, (h, w) bool, and the region's left and top in px."""
        x0, y0, x1, y1 = (int(v) for v in self.regions_xyxy[index])
        if not self.packed:
            return self.data[index, y0:y1, x0:x1].astype(bool), x0, y0
        first = x0 // 8
        bits = np.unpackbits(
            self.data[index, y0:y1, first : -(-x1 // 8)], axis=1, bitorder="little"
        )
        return bits[:, x0 - first * 8 : x1 - first * 8].astype(bool), x0, y0

    def packed_rows(self, index: int) -> U8Array:
        """Return the rows of the region of one mask, packed: (h, bytes), from byte x0 // 8 on."""
        x0, y0, x1, y1 = (int(v) for v in self.regions_xyxy[index])
        first = x0 // 8
        if self.packed:
            return self.data[index, y0:y1, first : -(-x1 // 8)]
        return np.packbits(self.data[index, y0:y1, first * 8 : x1], axis=1, bitorder="little")

    def dense(self) -> NDArray[np.bool_]:
        """Return all masks as (N, H, W) bool. Allocates N * H * W bytes."""
        if not self.packed:
            return self.data.astype(bool)
        bits = np.unpackbits(self.data, axis=2, count=self.width, bitorder="little")
        return bits.astype(bool)

    def areas(self) -> NDArray[np.int64]:
        """Return the number of set pixels of each mask, (N,)."""
        if self.packed:
            return np.bitwise_count(self.data).sum(axis=(1, 2), dtype=np.int64)
        return self.data.sum(axis=(1, 2), dtype=np.int64)

    def select(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        """Return the masks that `keep` (bool (N,) or indices) picks."""
        return type(self)(
            self.data[keep], self.regions_xyxy[keep], self.width, self.height, self.packed
        )


class RegionMasks(InstanceMasks):
    """Packed masks kept as the bytes of their regions, one region after the other.

    What the GPU engine delivers: whole planes of a large frame would cost a millisecond a frame to
    lay out, and nobody looks outside the regions. `data` lays them out, anew on every access.
    """

    __slots__ = ("_count", "_places", "_stream")
    _stream: U8Array
    _count: int
    _places: Places | Callable[[], Places]

    def __init__(
        self,
        stream: U8Array,
        starts: NDArray[np.int64],
        regions_xyxy: NDArray[np.int32],
        width: int,
        height: int,
    ) -> None:
        """Take the bytes without a copy.

        Args:
            stream: (B,) the region rows of every mask: for row y0..y1-1 the bytes x0 >> 3 up to
                (x1 - 1) >> 3 of the packed plane.
            starts: (N,) where each mask begins in `stream`; masks may share bytes.
            regions_xyxy: (N, 4) half-open, all 0 for an empty mask.
            width: frame width in pixels.
            height: frame height in pixels.
        """
        if len(starts) != len(regions_xyxy):
            raise ValueError(f"{len(regions_xyxy)} regions, but {len(starts)} starts")
        _fill(self, stream, (starts, regions_xyxy), len(starts), width, height)

    @classmethod
    def placed_later(
        cls, stream: U8Array, places: Callable[[], Places], count: int, width: int, height: int
    ) -> Self:
        """Return `count` masks whose `places` are asked for when somebody looks at one.

        `places` must return the same whenever it is called: two threads may look at once.
        """
        masks = cls.__new__(cls)
        _fill(masks, stream, places, count, width, height)
        return masks

    @override
    def __len__(self) -> int:
        return self._count

    @property
    @override
    def regions_xyxy(self) -> NDArray[np.int32]:
        """(N, 4) half-open pixel regions that contain every set pixel; 0 for an empty mask."""
        return self._placed()[1]

    @property
    @override
    def data(self) -> U8Array:
        """All planes as (N, H, ceil(W / 8)), a new array."""
        planes = np.zeros((len(self), self.height, -(-self.width // 8)), np.uint8)
        for index, (x0, y0, x1, y1) in enumerate(self.regions_xyxy.tolist()):
            planes[index, y0:y1, x0 >> 3 : (x1 + 7) >> 3] = self._rows(index)
        return planes

    @property
    @override
    def nbytes(self) -> int:
        return int(self._stream.nbytes)

    @override
    def compact(self) -> "RegionMasks":
        return self

    @override
    def crop(self, index: int) -> tuple[NDArray[np.bool_], int, int]:
        x0, y0, x1, _ = (int(v) for v in self.regions_xyxy[index])
        bits = np.unpackbits(self._rows(index), axis=1, bitorder="little")
        first = x0 & ~7
        return bits[:, x0 - first : x1 - first].astype(bool), x0, y0

    @override
    def packed_rows(self, index: int) -> U8Array:
        return self._rows(index)

    @override
    def areas(self) -> NDArray[np.int64]:
        counts = [int(np.bitwise_count(self._rows(i)).sum()) for i in range(len(self))]
        return np.array(counts, np.int64)

    @override
    def select(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        starts, regions = self._placed()
        return type(self)(self._stream, starts[keep], regions[keep], self.width, self.height)

    @override
    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._stream, *self._placed(), self.width, self.height)

    def _placed(self) -> Places:
        places = self._places
        if not isinstance(places, tuple):
            places = places()
            object.__setattr__(self, "_places", places)
        return places

    def _rows(self, index: int) -> U8Array:
        """Return the packed rows of one region, a view."""
        starts, regions = self._placed()
        x0, y0, x1, y1 = regions[index].tolist()
        span, start = ((x1 + 7) >> 3) - (x0 >> 3), int(starts[index])
        return self._stream[start : start + (y1 - y0) * span].reshape(y1 - y0, span)


def _fill(
    masks: RegionMasks,
    stream: U8Array,
    places: Places | Callable[[], Places],
    count: int,
    width: int,
    height: int,
) -> None:
    """Set the attributes of new masks; their class is frozen. No loop: this runs once a frame."""
    put = object.__setattr__
    put(masks, "width", width)
    put(masks, "height", height)
    put(masks, "packed", True)  # noqa: FBT003 - a value, not an argument
    put(masks, "_stream", stream)
    put(masks, "_count", count)
    put(masks, "_places", places)


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """N detections of one frame, by score descending, then by flat query index ascending."""

    boxes_xyxy: NDArray[np.float32]
    """(N, 4) in frame pixels, clipped to the frame, not rounded."""
    scores: NDArray[np.float32]
    """(N,) sigmoid scores, 0..1."""
    class_ids: NDArray[np.int32]
    """(N,) ids of the model's own class list (COCO category ids for COCO models)."""
    masks: InstanceMasks | None = None
    """Masks in the same order; None for detection-only models."""

    def __post_init__(self) -> None:
        """Reject columns of different length."""
        n, boxes, classes = len(self.scores), len(self.boxes_xyxy), len(self.class_ids)
        masks = n if self.masks is None else len(self.masks)
        if not n == boxes == classes == masks:
            told = "none" if self.masks is None else str(masks)
            raise ValueError(
                f"{n} scores, but (boxes, classes) {(boxes, classes)} and masks {told}"
            )

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def empty(cls) -> Self:
        """No detections at all."""
        return cls(
            np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32), None
        )

    def select(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        """Return the detections that `keep` (bool (N,) or indices) picks, in that order."""
        masks = None if self.masks is None else self.masks.select(keep)
        return type(self)(self.boxes_xyxy[keep], self.scores[keep], self.class_ids[keep], masks)

    def visible(self, threshold: float, hidden_class_ids: Collection[int]) -> Self:
        """Return what passes `score > threshold` (strict) and is not of a hidden class."""
        keep = self.scores > np.float32(threshold)
        if hidden_class_ids:
            keep &= ~np.isin(self.class_ids, list(hidden_class_ids))
        return self if bool(keep.all()) else self.select(keep)
