"""How long a source may decode without a first frame before it counts as undecodable."""

import math
import threading
import time
from collections.abc import Callable

from rfviewer.sources.reader import MediaReader, StampedFrame

_FIRST_FRAME_S = 5.0
_FIRST_FRAME_LIVE_S = 12.0
"""Cameras send a key frame every few seconds, some only every ten."""
_FEW_PACKETS = 64
"""More than decoder threads and reordered frames hold back. With fewer it is the disk or a busy
machine that is slow, and nothing speaks against the source."""
_LONGEST_S = 30.0
_AGAIN_S = 0.5


class Stop:
    """Says when decoding must end: after `request`, or at a deadline while opening.

    An object of its own, so that a source is freed at once: a bound method would make a cycle.
    """

    def __init__(self) -> None:
        self._requested = threading.Event()
        self.deadline_s = math.inf
        """On the clock of `time.monotonic`."""

    def request(self) -> None:
        """End soon. Any thread."""
        self._requested.set()

    def requested(self) -> bool:
        """Tell whether `request` was called."""
        return self._requested.is_set()

    def __call__(self) -> bool:
        """Tell whether to end now."""
        return self.requested() or time.monotonic() > self.deadline_s


def first_frame(
    reader: MediaReader, stop: Stop, decode: Callable[[], StampedFrame | None], *, live: bool
) -> StampedFrame | None:
    """Return the first frame, from `decode`; None when the source gives none.

    `stop` is what ends the work of `reader`; its deadline is lifted at the end.
    """
    started_s = time.monotonic()
    stop.deadline_s = started_s + (_FIRST_FRAME_LIVE_S if live else _FIRST_FRAME_S)
    first = decode()
    while first is None and stop() and not stop.requested():
        now_s = time.monotonic()
        if reader.packets_tried >= _FEW_PACKETS or now_s - started_s > _LONGEST_S:
            break
        stop.deadline_s = now_s + _AGAIN_S
        first = decode()
    stop.deadline_s = math.inf
    return first
