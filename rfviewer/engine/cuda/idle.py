"""How busy the GPU is: the union of our own work on all streams against time. Needs no torch.

Times are milliseconds on one common device time base (clock.py).
"""

from collections import deque

from rfviewer.timing import union_length

_GAPS = 4096
"""Gaps kept for the quantiles: some seconds of work."""


class BusyTime:
    """Work intervals of overlapping streams, read window by window. One thread."""

    def __init__(self) -> None:
        self._intervals: list[tuple[float, float]] = []
        self._since: float | None = None

    def add(self, start_ms: float, end_ms: float) -> None:
        """Note work from `start_ms` to `end_ms`; in any order."""
        if self._since is None:
            self._since = start_ms
        self._intervals.append((start_ms, end_ms))

    def idle_share(self, until_ms: float) -> float | None:
        """Return the share, 0..1, without work from the last reading to `until_ms`.

        All work that began before `until_ms` must have been added. None when there is no time
        between the readings.
        """
        since = self._since
        if since is None or until_ms <= since:
            return None
        busy_ms = union_length(
            (max(start, since), min(end, until_ms)) for start, end in self._intervals
        )
        self._intervals = [(start, end) for start, end in self._intervals if end > until_ms]
        self._since = until_ms
        return 1.0 - busy_ms / (until_ms - since)


class NetworkGaps:
    """Time between one network's end and the next one's start; 0 where they overlap. One thread."""

    def __init__(self) -> None:
        self._reached: float | None = None
        self._gaps: deque[float] = deque(maxlen=_GAPS)

    def add(self, start_ms: float, end_ms: float) -> None:
        """Note a pass of the network, in the order of submission."""
        if self._reached is not None:
            self._gaps.append(max(0.0, start_ms - self._reached))
        self._reached = end_ms if self._reached is None else max(self._reached, end_ms)

    def take(self) -> list[float]:
        """Return the gaps since the last call, in ms."""
        gaps = list(self._gaps)
        self._gaps.clear()
        return gaps
