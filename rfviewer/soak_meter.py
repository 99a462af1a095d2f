"""What two processes use, and how it changes over time. Nothing here grows with the run."""

import math
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import psutil

_BINS_PER_DECADE = 230
"""Neighbouring bins differ by 1 %."""
_DECADES = 8
_LOWEST_MS = 1e-3
_JUDGED_FROM_MS = 1.0
"""Handing a frame through without a network takes microseconds."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What this process and the engine process use together."""

    rss_bytes: int
    open_files: int
    """File descriptors, pipes and sockets; handles on Windows."""
    threads: int
    shared_bytes: int
    """Mapped shared memory, counted once per process."""
    gpu_bytes: int | None
    """None when there is no GPU."""


class Meter:
    """Reads usages. The shared memory is looked up seldom: it costs the most."""

    def __init__(self) -> None:
        self._own = psutil.Process()

    def read(self, child: int | None, gpu_bytes: int | None) -> Usage:
        """Return what this process and `child` use now; a child that has just ended counts not."""
        processes = [self._own]
        if child is not None:
            processes.append(psutil.Process(child))
        return Usage(
            rss_bytes=sum(process.memory_info().rss for process in processes),
            open_files=sum(_open_files(process) for process in processes),
            threads=sum(process.num_threads() for process in processes),
            shared_bytes=sum(_shared_bytes(process) for process in processes),
            gpu_bytes=gpu_bytes,
        )


class Fifths:
    """Latencies of each fifth of a run, as counts in bins of 1 %."""

    def __init__(self, begin_s: float, end_s: float) -> None:
        self._begin_s, self._length_s = begin_s, max(1e-9, end_s - begin_s)
        self._counts = np.zeros((5, _BINS_PER_DECADE * _DECADES), np.int64)

    def add(self, now_s: float, latencies_ms: Sequence[float]) -> None:
        """Count latencies that ended at `now_s`; those of the warm-up are left out."""
        share = (now_s - self._begin_s) / self._length_s
        if share < 0:
            return
        row = self._counts[min(4, int(share * 5))]
        for latency_ms in latencies_ms:
            decades = math.log10(max(_LOWEST_MS, latency_ms) / _LOWEST_MS)
            row[min(len(row) - 1, int(decades * _BINS_PER_DECADE))] += 1

    def p99(self) -> list[float | None]:
        """Return the 99th percentile of each fifth in ms; None where there were no frames."""
        return [_p99(row.tolist()) for row in self._counts]

    def ratio(self) -> float | None:
        """Return the last fifth's by the first fifth's; None below what can be told from noise."""
        first, *_, last = self.p99()
        if first is None or last is None or first < _JUDGED_FROM_MS:
            return None
        return last / first


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Return the slope of the least-squares line; None for fewer than three points."""
    if len(points) < 3:
        return None
    x, y = zip(*points, strict=True)
    return statistics.linear_regression(x, y).slope


def growth(values: Sequence[float]) -> float | None:
    """Return the median of the last fifth less that of the first; None without values.

    At least three values make a median: a thread that is just ending must not count.
    """
    if not values:
        return None
    count = max(3, len(values) // 5)
    return statistics.median(values[-count:]) - statistics.median(values[:count])


def _p99(counts: list[int]) -> float | None:
    total = sum(counts)
    if not total:
        return None
    reached, index = 0, 0
    for index, count in enumerate(counts):  # noqa: B007 - where it stops is the answer
        reached += count
        if reached >= 0.99 * total:
            break
    return round(_LOWEST_MS * 10 ** ((index + 0.5) / _BINS_PER_DECADE), 4)


def _open_files(process: psutil.Process) -> int:
    return int(process.num_handles() if os.name == "nt" else process.num_fds())


def _shared_bytes(process: psutil.Process) -> int:
    """Return the mapped size of POSIX shared memory; 0 where the system has none."""
    try:
        maps = process.memory_maps(grouped=True)
    except (AttributeError, NotImplementedError, psutil.AccessDenied):
        return 0
    return sum(int(part.size) for part in maps if part.path.startswith("/dev/shm/"))
