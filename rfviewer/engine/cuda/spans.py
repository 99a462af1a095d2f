"""Device times on the host's clock, and the spans of a frame made from them. Needs no torch.

The two clocks are never read at the same moment, so their distance is only known within bounds: no
work begins before the host asked for it, and none ends after the host has waited for it. Every
frame gives such a pair; the distance moves just as far as the newest pair demands, which also
follows the drift between the clocks.
"""

import math
from collections.abc import Sequence

from rfviewer.timing import Span, Stage

type StageInterval = tuple[Stage, float, float]
"""A stage with its start and end in ms on the device's time base (clock.py)."""

_OWN_FRAME = -1
"""The default of `Span.frame_index`."""


class HostTime:
    """Maps the device's time base to `time.monotonic_ns()`. Engine thread."""

    def __init__(self) -> None:
        self._offset_ns: float | None = None

    def observe(self, work: Sequence[StageInterval], submit_ns: int, seen_done_ns: int) -> None:
        """Note one frame's work, asked for at `submit_ns` and seen done at `seen_done_ns`."""
        if not work:
            return
        earliest = submit_ns - work[0][1] * 1e6
        latest = seen_done_ns - max([end_ms for _, _, end_ms in work]) * 1e6
        offset = latest if self._offset_ns is None else min(self._offset_ns, latest)
        self._offset_ns = max(offset, earliest)

    def spans(self, lane: str, work: Sequence[StageInterval]) -> list[Span]:
        """Return `work` as spans on `lane`; after the first `observe`."""
        # Once a stage and frame: stages that touch share the time at which they do, and `Span` is
        # made without the function that a named tuple puts around `tuple.__new__`.
        new = tuple.__new__
        offset_ns = self._offset_ns or 0.0
        reached_ms, reached_ns = math.nan, 0
        found: list[Span] = []
        for stage, start_ms, end_ms in work:
            touches = start_ms == reached_ms
            start_ns = reached_ns if touches else round(offset_ns + start_ms * 1e6)
            reached_ms, reached_ns = end_ms, round(offset_ns + end_ms * 1e6)
            found.append(new(Span, (lane, stage, start_ns, reached_ns, _OWN_FRAME)))
        return found
