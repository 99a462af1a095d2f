"""The time axis of the plots: it stands still while nothing plays. Knows no Qt."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rfviewer.snapshot import PlayState, Snapshot

BREAK_S = 2.0
"""What a longer pause takes of the axis; it is marked there with its true length."""
_MAX_BREAKS = 64
_END_WORDS = {
    PlayState.PAUSED: "paused",
    PlayState.ENDED: "ended",
    PlayState.FAILED: "stopped",
}

type F64Array = NDArray[np.float64]


@dataclass(slots=True)
class Break:
    """A time in which nothing played."""

    start_s: float
    """`time.monotonic()` seconds."""
    axis_s: float
    """The same moment on the axis."""
    end_s: float | None = None
    """When it was over; None while it lasts."""

    @property
    def width_s(self) -> float:
        """What it takes of the axis."""
        return BREAK_S if self.end_s is None else min(BREAK_S, self.end_s - self.start_s)

    def place(self, time_s: float) -> float:
        """Return where on the axis `time_s` is, which must not be before the break."""
        if self.end_s is not None and time_s >= self.end_s:
            return self.axis_s + self.width_s + time_s - self.end_s
        return self.axis_s + min(time_s - self.start_s, self.width_s)


class PlayClock:
    """Maps `time.monotonic()` seconds to seconds of the axis. GUI thread only.

    While playing, both run alike. At a pause (the end, an experiment) `now_s` holds; when it goes
    on, the pause follows as a gap of its own length, or of `BREAK_S` with the length written to it.
    """

    def __init__(self) -> None:
        self._breaks: deque[Break] = deque(maxlen=_MAX_BREAKS)
        self.now_s = 0.0
        """Right edge of the plots, in seconds of the axis."""
        self.end_word = "now"
        """What that edge is."""

    @property
    def holds(self) -> bool:
        """Whether it stands still."""
        return bool(self._breaks) and self._breaks[-1].end_s is None

    def add(self, snapshot: Snapshot) -> None:
        """Follow the newest snapshot."""
        time_s = snapshot.time_ns / 1e9
        measuring = snapshot.lab is not None and snapshot.lab.active
        stands = snapshot.state in _END_WORDS or measuring
        if stands and not self.holds:
            self._breaks.append(Break(time_s, self.place(time_s)))
        elif not stands and self.holds:
            self._breaks[-1].end_s = time_s
        self.end_word = "held" if measuring else _END_WORDS.get(snapshot.state, "now")
        self.now_s = self._breaks[-1].axis_s if self.holds else self.place(time_s)

    def place(self, time_s: float) -> float:
        """Return where on the axis `time_s` is."""
        for pause in reversed(self._breaks):
            if time_s >= pause.start_s:
                return pause.place(time_s)
        if not self._breaks:
            return time_s
        first = self._breaks[0]
        return first.axis_s - (first.start_s - time_s)

    def stood_at(self, time_s: float) -> bool:
        """Whether nothing played at that moment, as far as is known."""
        return any(
            pause.start_s < time_s and (pause.end_s is None or time_s < pause.end_s)
            for pause in self._breaks
        )

    def split(self, times_s: F64Array, rows: F64Array) -> tuple[F64Array, F64Array]:
        """Return times (n,) of the axis and rows (n, columns) with a row of nan at each break.

        No curve is drawn across a break then: what was measured before and after is apart.
        """
        edges = []
        for pause in self._breaks:
            edges.append(pause.axis_s)
            if pause.end_s is not None:
                edges.append(pause.axis_s + pause.width_s)
        inside = [edge for edge in edges if len(times_s) and times_s[0] < edge < times_s[-1]]
        places = np.searchsorted(times_s, inside)
        return np.insert(times_s, places, inside), np.insert(rows, places, np.nan, axis=0)

    def gaps(self, window_s: float) -> list[tuple[float, float, float]]:
        """Return (age of start, age of end, true length), all in seconds, of shortened pauses.

        Only those that are over and within `window_s` of the edge: others show as they were.
        """
        found = []
        for pause in self._breaks:
            if pause.end_s is None or pause.end_s - pause.start_s <= BREAK_S:
                continue
            start = pause.axis_s - self.now_s
            if start + pause.width_s > -window_s:
                found.append((start, start + pause.width_s, pause.end_s - pause.start_s))
        return found

    def clear(self) -> None:
        """Forget all breaks: times before now have no place any more."""
        self._breaks.clear()
