"""The last half minute in fixed memory, ready to be drawn. Knows no Qt."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from rfviewer.gui.play_clock import PlayClock
from rfviewer.gui.rates import Rates
from rfviewer.snapshot import FrameSample, Snapshot
from rfviewer.timing import FRAME_STAGES, Stage

WINDOW_S = 30.0
STAGES: tuple[Stage, ...] = FRAME_STAGES
_MAX_FRAMES = 32_768  # 30 s at 1,000 frames a second, rounded up
_MAX_SNAPSHOTS = 512  # 30 s at 10 to 16 a second
_RECENT_FRAMES = 256  # the table's p50 and p95

type F64Array = NDArray[np.float64]


class Ring:
    """Rows of numbers with their time, the oldest overwritten first."""

    def __init__(self, capacity: int, columns: int) -> None:
        self._times_s = np.zeros(capacity)
        self._rows = np.full((capacity, columns), np.nan)
        self._next = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, time_s: float, row: list[float]) -> None:
        """Add one row; nan marks what was not measured."""
        self._times_s[self._next] = time_s
        self._rows[self._next] = row
        self._next = (self._next + 1) % len(self._times_s)
        self._count = min(self._count + 1, len(self._times_s))

    def since(self, time_s: float) -> tuple[F64Array, F64Array]:
        """Return times (n,) and rows (n, columns) from `time_s` on, oldest first."""
        order = np.arange(self._next - self._count, self._next) % len(self._times_s)
        times = self._times_s[order]
        first = int(np.searchsorted(times, time_s))
        return times[first:], self._rows[order[first:]]

    def last(self, count: int) -> F64Array:
        """Return the newest rows, (at most count, columns), oldest first."""
        count = min(count, self._count)
        return self._rows[np.arange(self._next - count, self._next) % len(self._times_s)]

    def clear(self) -> None:
        """Forget everything."""
        self._next = self._count = 0


class History:
    """What the plots show, fed with every snapshot. GUI thread only."""

    def __init__(self) -> None:
        self._rates = Ring(_MAX_SNAPSHOTS, 3)
        self._idle = Ring(_MAX_SNAPSHOTS, 1)
        self._stages = Ring(_MAX_FRAMES, len(STAGES))
        self._changes_s: deque[float] = deque(maxlen=16)
        self._last_sample: FrameSample | None = None
        self._cold = 0
        """Results that are still to come from a slot for the first time since a change."""
        self.clock = PlayClock()
        """Times are those of its axis, which stands still while nothing plays."""
        self.idle_measured = False
        """Whether the newest snapshot had a GPU idle share."""
        self.idle_reason = ""
        """Why there is none."""

    def add(self, snapshot: Snapshot, rates: Rates) -> None:
        """Take over one snapshot, and the rates shown with it; one that is None is a gap."""
        self.clock.add(snapshot)
        place_s = self.clock.place(snapshot.time_ns / 1e9)
        idle = snapshot.device.gpu_idle
        self.idle_measured = idle is not None
        self.idle_reason = snapshot.device.reason
        if not self.clock.holds:  # a long pause must not push out what was before it
            shown = (rates.source, rates.inferred, rates.shown)
            self._rates.append(place_s, [np.nan if rate is None else rate for rate in shown])
            self._idle.append(place_s, [np.nan if idle is None else idle * 100.0])
        for sample in snapshot.samples:
            self._add_sample(sample)

    def rates(self) -> tuple[F64Array, F64Array]:
        """Return ages (n,) in seconds, 0 being now, and fps (n, 3): source, inferred, displayed."""
        times, rows = self.clock.split(*self._rates.since(self.clock.now_s - WINDOW_S))
        return times - self.clock.now_s, rows

    def idle(self) -> tuple[F64Array, F64Array]:
        """Return ages (n,) and GPU idle in percent (n,)."""
        times, rows = self.clock.split(*self._idle.since(self.clock.now_s - WINDOW_S))
        return times - self.clock.now_s, rows[:, 0]

    def stages(self, max_points: int = 240) -> tuple[F64Array, F64Array]:
        """Return ages (n,) and milliseconds (n, stages), about 2 * max_points at most.

        More frames than that are averaged in runs of equal length, so that 600 frames a second
        cost no more to draw than 4.
        """
        times, rows = self._stages.since(self.clock.now_s - WINDOW_S)
        run = len(times) // max_points
        if run > 1:
            keep = len(times) // run * run
            times = times[-keep:].reshape(-1, run).mean(axis=1)
            rows = rows[-keep:].reshape(-1, run, rows.shape[1]).mean(axis=1)
        times, rows = self.clock.split(times, rows)
        return times - self.clock.now_s, rows

    def recent_stages(self) -> F64Array:
        """Return milliseconds (n, stages) of the newest frames, for percentiles."""
        return self._stages.last(_RECENT_FRAMES)

    def changes(self) -> list[float]:
        """Return the ages at which other optimizations took effect."""
        ages = (time_s - self.clock.now_s for time_s in self._changes_s)
        return [age for age in ages if -WINDOW_S < age <= 0]

    def clear(self) -> None:
        """Forget everything, as after another source was opened."""
        for ring in (self._rates, self._idle, self._stages):
            ring.clear()
        self._changes_s.clear()
        self.clock.clear()
        self._last_sample, self._cold = None, 0

    def _add_sample(self, sample: FrameSample) -> None:
        time_s = sample.done_time_ns / 1e9
        done_s = self.clock.place(time_s)
        last, self._last_sample = self._last_sample, sample
        if last is not None and last.optimizations != sample.optimizations:
            self._changes_s.append(done_s)
            self._cold = sample.optimizations.depth
        # Left out of the stage times: the first pass of each slot that a change has rebuilt, which
        # touches its memory for the first time, and a frame made anew while nothing plays, which
        # finds idle threads and cold caches. Both take longer than any frame of playback, and would
        # stand as a spike that tells of the change and not of the settings.
        warms_up, self._cold = self._cold > 0, max(0, self._cold - 1)
        if warms_up or self.clock.stood_at(time_s):
            return
        measured = sample.timings.stages_ms
        self._stages.append(done_s, [measured.get(stage, np.nan) for stage in STAGES])
