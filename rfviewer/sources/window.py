"""The few decoded frames around the position, so that stepping backwards need not decode again."""

from collections import deque

from rfviewer.sources.reader import StampedFrame

SAME_TIME_S = 1e-6
"""Times nearer than this are the same time: they went through a float."""
_BYTES_PER_PIXEL = 2
"""Of a decoded picture, on the high side: 1.5 for 4:2:0."""


class Window:
    """Consecutive frames in presentation order, and a mark at the one to deliver next."""

    def __init__(self) -> None:
        self._frames: deque[StampedFrame] = deque()
        self._next = 0
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._frames)

    def clear(self) -> None:
        """Forget all frames."""
        self._frames.clear()
        self._next = self._bytes = 0

    def push(self, stamped: StampedFrame, limit_bytes: int) -> None:
        """Append a frame, before the mark, and forget the oldest beyond `limit_bytes`.

        Two frames stay in any case.
        """
        self._frames.append(stamped)
        self._bytes += _size(stamped)
        while self._bytes > limit_bytes and len(self._frames) > 2:
            self._bytes -= _size(self._frames.popleft())
        self._next = len(self._frames)

    def take(self) -> StampedFrame | None:
        """Return the frame at the mark and move on; None when the mark is at the end."""
        if self._next >= len(self._frames):
            return None
        self._next += 1
        return self._frames[self._next - 1]

    def mark_first(self) -> None:
        """Mark the oldest frame."""
        self._next = 0

    def mark_last(self) -> None:
        """Mark the newest frame."""
        self._next = max(0, len(self._frames) - 1)

    def marked_is_corrupt(self) -> bool:
        """Tell whether the decoder doubts the marked frame."""
        return self._next < len(self._frames) and self._frames[self._next].frame.is_corrupt

    def starts_at(self, pts_s: float) -> bool:
        """Tell whether the oldest frame is shown at `pts_s`."""
        return bool(self._frames) and abs(self._frames[0].pts_s - pts_s) <= SAME_TIME_S

    def mark(self, pts_s: float, *, before: bool) -> bool:
        """Mark the last frame before `pts_s`, or the first at or after it.

        False, and nothing moves, unless the window holds the frames on both sides.
        """
        later = next(
            (i for i, s in enumerate(self._frames) if s.pts_s >= pts_s - SAME_TIME_S), None
        )
        if later is None or later == 0:
            return False
        self._next = later - 1 if before else later
        return True


def _size(stamped: StampedFrame) -> int:
    return stamped.frame.width * stamped.frame.height * _BYTES_PER_PIXEL
