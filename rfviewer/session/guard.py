"""Watches over the engine process: when its silence is no honest work, and how often it may die."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from rfviewer.pipeline.patience import Patience
from rfviewer.snapshot import EnginePhase, PlayState, Snapshot


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """When the engine process is given up; tests make the times short."""

    silent_s: float = 10.0
    """No word for so long from a process whose engine is ready."""
    starting_s: float = 120.0
    """While it starts or loads an engine: libraries are read and networks built then, and some of
    that holds every thread of the process."""
    restarts: int = 3
    """So often in a row it is started again."""
    healthy_s: float = 60.0
    """After so long with a ready engine the next death counts as the first one."""
    finalise_s: float = 5.0
    """How long a process that knows that it must end may take to finish its files."""


class ChildGuard:
    """Told what the process says; asked whether it lives. Used by one thread."""

    def __init__(
        self, limits: GuardLimits | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits = limits or GuardLimits()
        self._clock = clock
        # Hidden windows ask once a second.
        self._patience = Patience(longest_gap_s=1.5, clock=clock)
        self._ready = False
        self._healthy_since_s: float | None = None
        self._deaths = 0

    @property
    def deaths(self) -> int:
        """How often in a row it has died."""
        return self._deaths

    def forgive(self) -> None:
        """Forget its deaths: the user wants it started again."""
        self._deaths = 0

    def started(self) -> None:
        """Note that a new process starts."""
        self._patience.reset()
        self._ready, self._healthy_since_s = False, None

    def heard(self, snapshot: Snapshot) -> None:
        """Note a sign of life."""
        self._patience.reset()
        self._ready = snapshot.engine.phase is EnginePhase.READY
        if not self._ready or snapshot.state is PlayState.FAILED:
            self._healthy_since_s = None
            return
        now_s = self._clock()
        if self._healthy_since_s is None:
            self._healthy_since_s = now_s
        elif now_s - self._healthy_since_s >= self.limits.healthy_s:
            self._deaths = 0

    def silence(self) -> float | None:
        """Return for how long it has been silent, when that is too long; else None."""
        silent_s = self._patience.look()
        limits = self.limits
        allowed_s = limits.silent_s if self._ready else limits.starting_s
        return silent_s if silent_s >= allowed_s else None

    def died(self) -> bool:
        """Count a death; return whether it may be started again by itself."""
        self._deaths += 1
        return self._deaths <= self.limits.restarts
