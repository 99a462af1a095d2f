"""Progress where no person looks at a terminal: a plain line now and then, on stderr."""

import sys
import time
from collections.abc import Callable

EVERY_S = 10.0
"""Seconds between two lines, and before the first: a short run tells nothing but its result."""


class ProgressLines:
    """Writes what it is told, but seldom. Used by one thread at a time."""

    def __init__(self, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._quiet = quiet
        self._clock = clock
        self._last_s = clock()

    def __call__(self, text: str) -> None:
        """Write `text` as a line, unless the last one is too new."""
        now_s = self._clock()
        if self._quiet or now_s - self._last_s < EVERY_S:
            return
        self._last_s = now_s
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def step_teller(*, quiet: bool) -> Callable[[str], None]:
    """Return what tells each step of a verb: all on a terminal, else a line now and then."""
    if quiet or not sys.stderr.isatty():
        return ProgressLines(quiet=quiet)

    def tell(text: str) -> None:
        sys.stderr.write(f"{text}\n")

    return tell


def counted(step: str, index: int, count: int) -> str:
    """Return a step with how far it is, e.g. "Comparing, 12 of 90"; `count` 0 is not known."""
    if not index and not count:
        return step
    return f"{step}, {index} of {count}" if count else f"{step}, {index}"
