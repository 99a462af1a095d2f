"""The device clock: when work began and ended on the GPU, on one time base for all streams.

An event's time is only known relative to another event, as float32 milliseconds: after an hour that
is a quarter of a second. So the base moves on every few seconds; the sum of moves is kept in
float64.
"""

import time
from dataclasses import dataclass

import torch

_REBASE_NS = 2_000_000_000
"""At 2 s a float32 of milliseconds resolves 0.12 us."""


@dataclass(frozen=True, slots=True, eq=False)
class TimeBase:
    """An event with its place on the common base."""

    event: torch.cuda.Event
    offset_ms: float

    def time_ms(self, event: torch.cuda.Event) -> float:
        """Return when `event` happened; both must be done."""
        return self.offset_ms + float(self.event.elapsed_time(event))


class DeviceClock:
    """Keeps the time base fresh. Engine thread."""

    def __init__(self, stream: torch.cuda.Stream) -> None:
        event = torch.cuda.Event(enable_timing=True)
        event.record(stream)
        event.synchronize()
        self._base = TimeBase(event, 0.0)
        self._pending: torch.cuda.Event | None = None
        self._recorded_ns = time.monotonic_ns()

    @property
    def base(self) -> TimeBase:
        """The base for work submitted now."""
        return self._base

    def tick(self, stream: torch.cuda.Stream) -> None:
        """Move the base on when it is old; enqueues an event at most, never waits."""
        if self._pending is not None:
            if self._pending.query():
                self._base = TimeBase(self._pending, self._base.time_ms(self._pending))
                self._pending = None
        elif time.monotonic_ns() - self._recorded_ns > _REBASE_NS:
            self._pending = torch.cuda.Event(enable_timing=True)
            self._pending.record(stream)
            self._recorded_ns = time.monotonic_ns()
