"""Progress where no person looks at a terminal: a plain line now and then, on stderr."""

import math
import sys
import time
from collections.abc import Callable

EVERY_S = 10.0
"""Seconds between two lines."""


class ProgressLines:
    """Writes what it is told, but seldom. Used by one thread at a time.

    Args of the constructor:
        quiet: write nothing.
        at_once: write the first text as soon as it comes, for verbs that load a network before
            anything else can be told; else a short run tells nothing but its result.
        clock: seconds.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        at_once: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quiet = quiet
        self._clock = clock
        self._last_s = -math.inf if at_once else clock()

    def __call__(self, text: str) -> None:
        """Write `text` as a line, unless the last one is too new."""
        now_s = self._clock()
        if self._quiet or now_s - self._last_s < EVERY_S:
            return
        self._last_s = now_s
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


class StatusLine:
    """One line of a terminal that is written over; elsewhere a `ProgressLines` at once.

    Used by one thread at a time. `close` leaves the terminal's line empty.
    """

    def __init__(self, *, quiet: bool) -> None:
        """`quiet` writes nothing."""
        self._over = not quiet and sys.stderr.isatty()
        self._lines = ProgressLines(quiet=quiet, at_once=True)
        self._last = ""

    def __call__(self, text: str) -> None:
        """Show `text`."""
        if not self._over:
            self._lines(text)
        elif text != self._last:
            self._write(text)

    def close(self) -> None:
        """Take the line away, so that what is written next has a line of its own. Idempotent."""
        if self._last:
            self._write("")

    def _write(self, text: str) -> None:
        self._last = text
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def step_teller(*, quiet: bool) -> Callable[[str], None]:
    """Return what tells each step of a verb: all on a terminal, else the first and then some.

    A step that is told again, with another figure behind its colon, is still the same one.
    """
    if quiet or not sys.stderr.isatty():
        return ProgressLines(quiet=quiet, at_once=True)
    last = [""]

    def tell(text: str) -> None:
        head = text.partition(":")[0]
        if head != last[0]:
            last[0] = head
            sys.stderr.write(f"{text}\n")

    return tell


def counted(step: str, index: int, count: int) -> str:
    """Return a step with how far it is, e.g. "Comparing, 12 of 90"; `count` 0 is not known."""
    if not index and not count:
        return step
    return f"{step}, {index} of {count}" if count else f"{step}, {index}"
