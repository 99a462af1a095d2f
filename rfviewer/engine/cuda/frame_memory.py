"""Page-locked memory for frames: filled by the capture thread, read by the GPU where it lies.

Then the engine thread copies no pixels. A frame that lies elsewhere is copied into its slot's own
page-locked memory first. Large frames are copied by several threads (strips.py). Needs no torch.
"""

from collections import deque
from collections.abc import Callable

import numpy as np

from rfviewer import log
from rfviewer.engine.cuda.strips import StripCopier
from rfviewer.frame import U8Array

type Allocate = Callable[[int], U8Array]
"""Returns so many bytes of page-locked memory at a multiple of 16, held by the array."""

_ALIGNMENT = 16
_IN_FLIGHT = 4
"""Frames in flight that are always thought of, so that another depth needs no other memory."""
_COUNT = 44 + _IN_FLIGHT
"""Frames alive at a time: waiting for the engine, in flight, held back, drawn, on display, and the
32 last ones that are kept for experiments (pipeline/recent.py)."""
_MAX_BYTES = 256 << 20
_MIN_COUNT = 6
"""With fewer, most frames would go the other way: not worth the memory."""


class _Shelf:
    """The free pieces of one size. Pieces of an older size return to their own shelf, and go."""

    def __init__(self, size: int, pieces: list[U8Array], copier: StripCopier) -> None:
        self.size = size
        self.copier = copier
        self.count = len(pieces)
        self.free: deque[U8Array] = deque(pieces)


class _Loan:
    """A piece of memory while a frame uses it; back on its shelf when the last view is gone."""

    __slots__ = ("__array_interface__", "_piece", "_shelf", "address")

    def __init__(self, shelf: _Shelf, piece: U8Array, shape: tuple[int, ...]) -> None:
        self._shelf, self._piece = shelf, piece
        self.address = int(piece.ctypes.data)
        self.__array_interface__ = {
            "shape": shape,
            "typestr": "|u1",
            "data": (self.address, False),
            "version": 3,
        }

    def __del__(self) -> None:
        self._shelf.free.append(self._piece)


class FrameMemory:
    """Lends memory for frames of one size. `home` from any thread, the rest on the engine's."""

    def __init__(
        self,
        allocate: Allocate,
        make_copier: Callable[[int], StripCopier] = lambda size: StripCopier(),
    ) -> None:
        """`make_copier` returns what copies frames of so many bytes; it is closed here."""
        self._allocate = allocate
        self._make_copier = make_copier
        self._shelf: _Shelf | None = None

    def prepare(self, size: int, in_flight: int = 0) -> None:
        """Hold memory for frames of `size` bytes; what is lent out before stays valid.

        More than four `in_flight` at a time come on top of what large frames are limited to.
        """
        padded = -(-size // _ALIGNMENT) * _ALIGNMENT
        usual = min(_COUNT, _MAX_BYTES // padded)
        count = usual + max(0, in_flight - _IN_FLIGHT)
        shelf = self._shelf
        if shelf is not None and shelf.size == size and shelf.count >= count:
            return
        self.close()
        if usual < _MIN_COUNT:
            return
        try:
            pieces = [self._allocate(padded) for _ in range(count)]
        except RuntimeError as error:
            log.engine.warning("no page-locked memory for frames of %d bytes: %s", size, error)
            return
        self._shelf = _Shelf(size, pieces, self._make_copier(size))

    def home(self, image: U8Array) -> U8Array | None:
        """Return a copy of `image` in this memory; None if it has another size or all is lent.

        Raises:
            TypeError: `image` holds no bytes.
        """
        shelf = self._shelf
        if shelf is None or image.nbytes != shelf.size:
            return None
        try:
            piece = shelf.free.pop()
        except IndexError:
            return None
        copy: U8Array = np.asarray(_Loan(shelf, piece, image.shape))
        shelf.copier.copy(copy, image)
        return copy

    def close(self) -> None:
        """Let go of what is free; the rest goes with the frames that use it. Ends all threads."""
        shelf, self._shelf = self._shelf, None
        if shelf is not None:
            shelf.copier.close()


def address_of(image: U8Array) -> int:
    """Return where `image` lies if that is page-locked memory of ours, whole; otherwise 0."""
    base: object = image.base
    return base.address if isinstance(base, _Loan) else 0
