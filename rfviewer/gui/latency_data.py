"""How long frames are under way: waiting, inferring, shown. Knows no Qt."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rfviewer.gui.history import Ring
from rfviewer.gui.play_clock import PlayClock
from rfviewer.gui.rates import is_playing
from rfviewer.optimizations import Optimizations, toggle_names
from rfviewer.snapshot import FrameSample, PresentedFrame, Snapshot

WINDOW_S = 30.0
RECENT_S = 5.0
"""The table's percentiles are of that long."""
AFTER_CHANGE_S = 6.0
"""How long before and after a change of the depth is compared."""
SETTLES_S = 0.5
PARTS = ("queue wait", "engine", "capture to result", "capture to shown")

type F64Array = NDArray[np.float64]


@dataclass(slots=True)
class DepthChange:
    """Another number of frames in flight: what it did to latency and rate."""

    time_s: float
    before: int
    after: int
    others: int = 0
    """Switches that changed with it."""
    latency_before_ms: float | None = None
    latency_after_ms: float | None = None
    fps_before: float | None = None
    fps_after: float | None = None


class LatencyBook:
    """Fed with samples and painted frames. GUI thread only."""

    def __init__(self) -> None:
        self._frames = Ring(32_768, 4)
        self._shown = Ring(4_096, 1)
        self.changes: deque[DepthChange] = deque(maxlen=4)
        self.clock = PlayClock()
        """Times are those of its axis, which stands still while nothing plays."""
        self._last_set: Optimizations | None = None
        self._last_shown: tuple[int, int] | None = None
        self._playing = False
        self._held_until_ns = 0
        """Newest moment at which a pause or an experiment was seen to hold frames back."""

    def add(self, snapshot: Snapshot) -> None:
        """Take over the samples of a snapshot."""
        self.clock.add(snapshot)
        self._playing = is_playing(snapshot)
        if not self._playing:
            self._held_until_ns = snapshot.time_ns
        for sample in snapshot.samples:
            self._add_sample(sample)
        for change in self.changes:
            self._measure(change)

    def painted(self, frame: PresentedFrame, time_ns: int) -> None:
        """Note that `frame` reached the screen at `time_ns`; counted once, and only in playback.

        One captured before a pause or an experiment ended waited for the user, and is left out.
        """
        key = (frame.epoch, frame.frame_index)
        again, self._last_shown = key == self._last_shown, key
        if not self._playing or again or not frame.capture_time_ns:
            return
        if frame.capture_time_ns <= self._held_until_ns:
            return
        self._shown.append(
            self.clock.place(time_ns / 1e9), [(time_ns - frame.capture_time_ns) / 1e6]
        )

    def clear(self) -> None:
        """Forget everything, as after another source was opened."""
        self._frames.clear()
        self._shown.clear()
        self.changes.clear()
        self.clock.clear()
        self._last_set, self._last_shown, self._held_until_ns = None, None, 0

    def recent(self) -> dict[str, F64Array]:
        """Return ms of each part of `PARTS` over the last seconds; empty when not measured."""
        frames = self._frames.since(self.clock.now_s - RECENT_S)[1]
        shown = self._shown.since(self.clock.now_s - RECENT_S)[1]
        columns = (*frames.T[:3], shown[:, 0])
        return {
            name: column[np.isfinite(column)] for name, column in zip(PARTS, columns, strict=True)
        }

    def curves(self, max_points: int = 240) -> dict[str, tuple[F64Array, F64Array]]:
        """Return ages (n,) in seconds and ms (n,) of capture to result and capture to shown."""
        times, rows = self._frames.since(self.clock.now_s - WINDOW_S)
        shown_times, shown = self._shown.since(self.clock.now_s - WINDOW_S)
        result = {}
        for name, stamps, values in (
            (PARTS[2], times, rows[:, 2]),
            (PARTS[3], shown_times, shown[:, 0]),
        ):
            run = max(1, len(stamps) // max_points)
            keep = len(stamps) // run * run
            stamps, values = stamps[len(stamps) - keep :], values[len(values) - keep :]
            means = (stamps.reshape(-1, run).mean(axis=1), values.reshape(-1, run).mean(axis=1))
            stamps, column = self.clock.split(means[0], means[1][:, None])
            result[name] = (stamps - self.clock.now_s, column[:, 0])
        return result

    def _add_sample(self, sample: FrameSample) -> None:
        timings = sample.timings
        done_s = self.clock.place(sample.done_time_ns / 1e9)
        engine = timings.latency_ms
        waited = total = np.nan
        # What was captured before a pause or an experiment ended waited for the user: its wait is
        # no latency. Its time in the engine stays true.
        if sample.capture_time_ns > self._held_until_ns:
            waited = (timings.submit_time_ns - sample.capture_time_ns) / 1e6
            total = (timings.done_time_ns - sample.capture_time_ns) / 1e6
        self._frames.append(done_s, [waited, engine, total, float(self._playing)])
        before, after = self._last_set, sample.optimizations
        if before is not None and before.depth != after.depth:
            names = (name for name in toggle_names() if name != "depth")
            others = sum(getattr(before, name) != getattr(after, name) for name in names)
            change = DepthChange(done_s, before.depth, after.depth, others)
            change.latency_before_ms, change.fps_before = self._figures(
                done_s - AFTER_CHANGE_S, done_s - 1e-6
            )
            self.changes.append(change)
        self._last_set = after

    def _measure(self, change: DepthChange) -> None:
        start = change.time_s + SETTLES_S
        end = start + AFTER_CHANGE_S
        later = [other.time_s for other in self.changes if other.time_s > change.time_s]
        end = min([end, *later])
        if end > start and self.clock.now_s - start <= AFTER_CHANGE_S + 1.0:
            change.latency_after_ms, change.fps_after = self._figures(
                start, min(end, self.clock.now_s)
            )

    def _figures(self, start_s: float, end_s: float) -> tuple[float | None, float | None]:
        """Return the median latency and the rate of results in an interval of playback."""
        times, rows = self._frames.since(start_s)
        inside = (times < end_s) & (rows[:, 3] > 0)  # made anew in a pause: no throughput
        times, rows = times[inside], rows[inside]
        if len(times) < 2:
            return None, None
        known = np.isfinite(rows[:, 2])
        values = rows[known, 2] if known.any() else rows[:, 1]
        passed = float(times[-1] - times[0])
        return float(np.median(values)), (len(times) - 1) / passed if passed > 0 else None
