"""Noticing that a disk or an encoder does not answer any more."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rfviewer.interfaces import Sink

WRITE_STUCK_S = 10.0
"""A frame that takes longer to write is taken for a hang; so long the video may stand still."""
FINISH_STUCK_S = 120.0
"""How long finishing may go on without the files growing: an index is moved in front in place."""

_USUAL_PIXELS = 3840 * 2160


def size_factor(pixels: int) -> float:
    """Return how much longer than usual a frame of that size may take.

    One of 96 megapixels alone can keep an encoder busy for ten seconds.
    """
    return max(1.0, pixels / _USUAL_PIXELS)


class SinkWork:
    """What the sink thread is doing, as others see it: when did it last get on?"""

    def __init__(self) -> None:
        self._since_s: float | None = None
        self._limit_s = WRITE_STUCK_S
        self._size_bytes = -1
        self.sinks: list[Sink] = []

    def begin(self, limit_s: float) -> None:
        """Note that something starts that may hang."""
        self._limit_s = limit_s
        self._since_s = time.monotonic()

    def end(self) -> None:
        """Note that it came back."""
        self._since_s = None

    def is_stuck(self) -> bool:
        """Return whether it takes too long, and the files do not grow meanwhile."""
        since_s = self._since_s
        if since_s is None or time.monotonic() - since_s < self._limit_s:
            return False
        size_bytes = sum(sink.size_bytes for sink in self.sinks)
        if self._limit_s == FINISH_STUCK_S and size_bytes != self._size_bytes:
            self._size_bytes, self._since_s = size_bytes, time.monotonic()
            return False
        return True
