"""Notices an engine that does not come back: a launch that never ends, a GPU that is gone."""

import threading
import time
from collections import deque
from dataclasses import dataclass
from types import TracebackType

from rfviewer.pipeline.patience import Patience

_RECENT = 8


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """How long one call of the engine may take, in seconds. Loading is not watched at all."""

    stuck_s: float = 10.0
    """For an engine that has given results before."""
    first_s: float = 120.0
    """For the first results of a new engine, setting or frame size: kernels are compiled and
    graphs captured then."""
    times_usual: float = 10.0
    """A call may take so many times as long as the slowest of the last ones: a large network on a
    small processor is slow and honest."""


class EngineWatch:
    """A context around each call that may wait, on the engine thread; `look` on another one."""

    def __init__(self, limits: WatchLimits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._patience = Patience()
        self._call = 0
        self._looked_at = 0
        self._busy = False
        self._started_s = 0.0
        self._proven = 0
        self._took_s: deque[float] = deque(maxlen=_RECENT)
        self._size_wh = (0, 0)

    def renewed(self) -> None:
        """Allow the first calls more time: engine or settings are new."""
        with self._lock:
            self._proven = 0
            self._took_s.clear()

    def frame(self, width: int, height: int) -> "EngineWatch":
        """Note the size of the frame that is about to be submitted; return the context."""
        if (width, height) != self._size_wh:
            self._size_wh = (width, height)
            self.renewed()
        return self

    def __enter__(self) -> None:
        with self._lock:
            self._call += 1
            self._busy, self._started_s = True, time.monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._busy = False
            self._took_s.append(time.monotonic() - self._started_s)
            self._proven += 1

    def look(self) -> float | None:
        """Return for how many seconds the engine has been stuck; None while all is well.

        To be called several times a second, always by the same thread.
        """
        with self._lock:
            call, busy = self._call, self._busy
        if not busy or call != self._looked_at:
            self._looked_at = call
            self._patience.reset()
            return None
        silent_s = self._patience.look()
        return silent_s if silent_s >= self.allowed_s else None

    @property
    def allowed_s(self) -> float:
        """How long a call that is made now may take; any thread."""
        limits = self._limits
        with self._lock:
            usual_s = max(self._took_s, default=0.0)
            new = self._proven < _RECENT  # the first frames load and capture
        allowed_s = max(limits.stuck_s, limits.times_usual * usual_s)
        return max(allowed_s, limits.first_s) if new else allowed_s
