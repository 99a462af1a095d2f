"""A ring of images in shared memory: one writer process, one reader process, newest wins.

Neither side ever waits for the other, so the death of one cannot hang the other: there is no lock.
Each slot carries a sequence number that is odd while it is being written (a seqlock); the reader
copies the newest slot and keeps the copy only if the number did not change meanwhile. With three
slots the writer must lap the reader to disturb it, and then the reader takes the newer image. This
is exact on x86, where stores are seen in order; on ARM a torn picture is possible, never a crash.
"""

import shutil
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np

from rfviewer.snapshot import PresentedFrame

SLOTS = 3
_HEADER = np.dtype([("newest", "<u8"), ("taken", "<u8"), ("spare", "<u8", (6,))])
_SLOT = np.dtype(
    [
        ("sequence", "<u8"),
        ("width", "<u4"),
        ("height", "<u4"),
        ("frame_index", "<i8"),
        ("pts_s", "<f8"),
        ("epoch", "<i8"),
        ("capture_time_ns", "<i8"),
        ("masks_age_s", "<f8"),
        ("spare", "<u8"),
    ]
)
_PIXELS_AT = 1024
_SHARED_MEMORY = Path("/dev/shm")
"""Where Linux keeps shared memory; elsewhere it does not exist."""


def ring_bytes(image_bytes: int) -> int:
    """Return the size of a ring whose slots hold images of `image_bytes`."""
    return _PIXELS_AT + SLOTS * image_bytes


def missing_shared_memory(size_bytes: int) -> str:
    """Return a sentence when the system's shared memory cannot hold `size_bytes`; else nothing.

    Creating a segment always succeeds on Linux; the first write beyond the room kills the writer.
    """
    if not _SHARED_MEMORY.is_dir():
        return ""
    free_bytes = shutil.disk_usage(_SHARED_MEMORY).free
    if free_bytes >= size_bytes:
        return ""
    return (
        f"Pictures of this size need {size_bytes / 1e6:.0f} MB of shared memory and only "
        f"{free_bytes / 1e6:.0f} MB are free in {_SHARED_MEMORY}; give a container more "
        "(--shm-size) or start with --in-process."
    )


class ImageRing:
    """A view of the shared segment, for the writer or for the reader. Not thread-safe."""

    def __init__(self, memory: SharedMemory, image_bytes: int) -> None:
        self._memory = memory
        self.image_bytes = image_bytes
        """How many bytes an image may have."""
        if memory.buf is None:
            raise ValueError("the shared segment is closed")
        buffer = np.frombuffer(memory.buf, np.uint8)
        end = _HEADER.itemsize + SLOTS * _SLOT.itemsize
        self._header = buffer[: _HEADER.itemsize].view(_HEADER)
        self._slots = buffer[_HEADER.itemsize : end].view(_SLOT)
        self._pixels = buffer[_PIXELS_AT : ring_bytes(image_bytes)].reshape(SLOTS, image_bytes)

    @property
    def wants_image(self) -> bool:
        """Writer: whether the reader has taken the newest image."""
        return bool(self._header["taken"][0] == self._header["newest"][0])

    def write(self, frame: PresentedFrame) -> None:
        """Writer: publish `frame`; its image must fit into `image_bytes`."""
        newest = int(self._header["newest"][0]) + 1
        index = newest % SLOTS
        slot = self._slots[index : index + 1]
        slot["sequence"] = 2 * newest - 1
        height, width = frame.image.shape[:2]
        self._pixels[index, : frame.image.nbytes] = frame.image.reshape(-1)
        slot["width"], slot["height"] = width, height
        slot["frame_index"], slot["pts_s"] = frame.frame_index, frame.pts_s
        slot["epoch"], slot["capture_time_ns"] = frame.epoch, frame.capture_time_ns
        slot["masks_age_s"] = np.nan if frame.masks_age_s is None else frame.masks_age_s
        slot["sequence"] = 2 * newest
        self._header["newest"] = newest

    def read(self) -> PresentedFrame | None:
        """Reader: return a copy of the newest image if it was not read before."""
        newest = int(self._header["newest"][0])
        if newest == int(self._header["taken"][0]):
            return None
        index = newest % SLOTS
        slot = self._slots[index].copy()
        width, height = int(slot["width"]), int(slot["height"])
        size = width * height * 4
        if int(slot["sequence"]) != 2 * newest or not 0 < size <= self.image_bytes:
            return None  # the writer is ahead; its newer image comes with the next call
        image = self._pixels[index, :size].reshape(height, width, 4).copy()
        if int(self._slots["sequence"][index]) != 2 * newest:
            return None
        self._header["taken"] = newest
        age_s = float(slot["masks_age_s"])
        return PresentedFrame(
            image,
            int(slot["frame_index"]),
            float(slot["pts_s"]),
            int(slot["epoch"]),
            int(slot["capture_time_ns"]),
            None if np.isnan(age_s) else age_s,
        )

    def close(self) -> None:
        """Let go of the segment; the owner unlinks it."""
        del self._header, self._slots, self._pixels
        self._memory.close()
