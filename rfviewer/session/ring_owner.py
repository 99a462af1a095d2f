"""The window's side of the image ring: makes it as large as needed, reads it, unlinks it."""

from multiprocessing.shared_memory import SharedMemory

from rfviewer import log
from rfviewer.session.ring import ImageRing, missing_shared_memory, ring_bytes
from rfviewer.session.wire import UseRing
from rfviewer.snapshot import PresentedFrame


class RingOwner:
    """Owns the shared segment; it outlives the engine processes that write into it."""

    def __init__(self) -> None:
        self.segment: SharedMemory | None = None
        """The segment in use; None before the first image."""
        self._ring: ImageRing | None = None

    @property
    def image_bytes(self) -> int:
        """How many bytes an image may have now."""
        return 0 if self._ring is None else self._ring.image_bytes

    @property
    def invitation(self) -> UseRing | None:
        """The message that tells an engine process to write here."""
        if self.segment is None:
            return None
        return UseRing(self.segment.name, self.image_bytes)

    def make(self, image_bytes: int) -> str:
        """Replace the ring by one for images of that size; return a sentence if it cannot be."""
        self.release()
        missing = missing_shared_memory(ring_bytes(image_bytes))
        if missing:
            log.session.error(missing)
            return missing
        self.segment = SharedMemory(create=True, size=ring_bytes(image_bytes))
        self._ring = ImageRing(self.segment, image_bytes)
        return ""

    def read(self) -> PresentedFrame | None:
        """Return the newest image if it was not read before."""
        return None if self._ring is None else self._ring.read()

    def release(self) -> None:
        """Let go of the segment and remove it. Idempotent."""
        if self._ring is not None and self.segment is not None:
            self._ring.close()
            self.segment.unlink()
        self._ring = self.segment = None
