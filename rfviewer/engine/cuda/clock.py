"""The device clock: when work began and ended on the GPU, on one time base for all streams.

An event's time is only known relative to another event, as float32 milliseconds: after an hour that
is a quarter of a millisecond. So the base moves on every few seconds; the sum of moves is kept in
float64. What kernels stamp is absolute. Both are tied by a pair of them that the device handles one
right after the other, at the start and after a long pause: within the launch of one kernel.
"""

import time
from dataclasses import dataclass

import torch

from rfviewer_kernels.timestamps import stamp

_REBASE_NS = 2_000_000_000
"""At 2 s a float32 of milliseconds resolves 0.12 us."""
_PAUSE_NS = 60_000_000_000
"""After it a move would be off by more than a kernel takes, for good."""
_BUSY_CYCLES = 2_000_000
"""About 1 ms: the host has put both of a pair on the stream before the device gets there."""


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
        self._stamp = torch.zeros(1, dtype=torch.int64, pin_memory=True)
        with torch.cuda.stream(stream):
            stamp(self._stamp, stream.device)  # loads the kernel
        event, stamped_ns = self._pair(stream)
        self._base = TimeBase(event, 0.0, stamped_ns)
        self._pending: torch.cuda.Event | None = None
        self._recorded_ns = time.monotonic_ns()

    @property
    def base(self) -> TimeBase:
        """The base for work submitted now."""
        return self._base

    def tick(self, stream: torch.cuda.Stream) -> None:
        """Move the base on when it is old; `stream` is waited for after a long pause only."""
        base = self._base
        if self._pending is not None:
            if self._pending.query():
                moved_ms = base.time_ms(self._pending)
                self._base = TimeBase(self._pending, moved_ms, base.stamped_zero_ns)
                self._pending = None
            return
        age_ns = time.monotonic_ns() - self._recorded_ns
        if age_ns > _PAUSE_NS:
            event, stamped_ns = self._pair(stream)
            self._base = TimeBase(event, base.stamped_ms(stamped_ns), base.stamped_zero_ns)
        elif age_ns > _REBASE_NS:
            self._pending = torch.cuda.Event(enable_timing=True)
            self._pending.record(stream)
        else:
            return
        self._recorded_ns = time.monotonic_ns()

    def _pair(self, stream: torch.cuda.Stream) -> tuple[torch.cuda.Event, int]:
        """Return an event, and what a kernel right behind it stamped; waits for both."""
        event = torch.cuda.Event(enable_timing=True)
        with torch.cuda.stream(stream):
            torch.cuda._sleep(_BUSY_CYCLES)  # noqa: SLF001 - torch has no public one
            event.record(stream)
            stamp(self._stamp, stream.device)
        stream.synchronize()
        return event, int(self._stamp)
