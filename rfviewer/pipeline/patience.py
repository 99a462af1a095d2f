"""How long something has not happened, measured so that a suspended machine raises no alarm."""

import time
from collections.abc import Callable

LONGEST_GAP_S = 1.0
"""What one gap between two looks counts at most."""

type Clock = Callable[[], float]
"""Seconds, as `time.monotonic`."""


class Patience:
    """Adds up silence, but only time in which this process was awake to hear something.

    After a suspended machine, a stopped process or a debugger everybody was silent, and nobody is
    to blame: a gap between two looks counts as `longest_gap_s` at most. So look several times a
    second. Used by one thread.
    """

    def __init__(self, longest_gap_s: float = LONGEST_GAP_S, clock: Clock = time.monotonic) -> None:
        self._longest_gap_s = longest_gap_s
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Begin anew: something was heard."""
        self._looked_s = self._clock()
        self._silent_s = 0.0

    def look(self) -> float:
        """Return the seconds of silence since the last `reset`."""
        now_s = self._clock()
        self._silent_s += min(now_s - self._looked_s, self._longest_gap_s)
        self._looked_s = now_s
        return self._silent_s
