"""The device clock: when work began and ended on the GPU, on one time base for all streams.

An event's time is only known relative to another event, as float32 milliseconds: after an hour that
is a quarter of a second. So the base moves on every few seconds; the sum of moves is kept in
float64. What kernels stamp is absolute: it is placed on the same base by one pair of both, taken at
the start on an idle device, which is right within the time that a launch takes, about 2 us.
"""

import time
from dataclasses import dataclass

import torch

from rfviewer_kernels.timestamps import stamp

_REBASE_NS = 2_000_000_000
"""At 2 s a float32 of milliseconds resolves 0.12 us."""


@dataclass(frozen=True, slots=True, eq=False)
class TimeBase:
    """An event with its place on the common base."""

    event: torch.cuda.Event
    offset_ms: float
    stamped_zero_ns: int
    """What a kernel would have stamped at 0.0 ms of the common base."""

    def stamped_ms(self, stamped_ns: int) -> float:
        """Return when a kernel stamped `stamped_ns`."""
        return (stamped_ns - self.stamped_zero_ns) / 1e6

    def time_ms(self, event: torch.cuda.Event) -> float:
        """Return when `event` happened; both must be done."""
        return self.offset_ms + float(self.event.elapsed_time(event))


class DeviceClock:
    """Keeps the time base fresh. Engine thread."""

    def __init__(self, stream: torch.cuda.Stream) -> None:
        event = torch.cuda.Event(enable_timing=True)
        zero = torch.zeros(1, dtype=torch.int64, pin_memory=True)
        with torch.cuda.stream(stream):
            for _ in range(2):  # the first one loads the kernel
                event.record(stream)
                stamp(zero, stream.device)
        stream.synchronize()
        self._base = TimeBase(event, 0.0, int(zero))
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
                moved_ms = self._base.time_ms(self._pending)
                self._base = TimeBase(self._pending, moved_ms, self._base.stamped_zero_ns)
                self._pending = None
        elif time.monotonic_ns() - self._recorded_ns > _REBASE_NS:
            self._pending = torch.cuda.Event(enable_timing=True)
            self._pending.record(stream)
            self._recorded_ns = time.monotonic_ns()
