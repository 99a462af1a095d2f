"""The last frames that the engine saw, kept for experiments on them."""

import threading
from collections import deque

from rfviewer.frame import Frame

MAX_FRAMES = 32
MAX_BYTES = 128 << 20


class RecentFrames:
    """A few frames of one size, the newest last; references only. Thread-safe."""

    def __init__(self, max_frames: int = MAX_FRAMES, max_bytes: int = MAX_BYTES) -> None:
        self._max_frames, self._max_bytes = max_frames, max_bytes
        self._lock = threading.Lock()
        self._frames: deque[Frame] = deque()

    def add(self, frame: Frame) -> None:
        """Keep `frame`; older ones go where there are too many, or of another size."""
        with self._lock:
            if self._frames and self._frames[-1].image_shape != frame.image_shape:
                self._frames.clear()
            self._frames.append(frame)
            size = frame.nbytes
            while len(self._frames) > 1 and (
                len(self._frames) > self._max_frames or len(self._frames) * size > self._max_bytes
            ):
                self._frames.popleft()

    def clear(self) -> None:
        """Forget everything: another source is being opened."""
        with self._lock:
            self._frames.clear()

    def take(self) -> tuple[Frame, ...]:
        """Return the frames kept now, the oldest first."""
        with self._lock:
            return tuple(self._frames)
