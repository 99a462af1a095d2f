"""How much memory this process holds: over time, for a slope, and at most."""

import statistics
import sys
from dataclasses import dataclass

import psutil

_PERIOD_S = 0.25


@dataclass(slots=True)
class Memory:
    """Resident memory over time, for its slope."""

    points: list[tuple[float, int]]
    """Seconds and bytes."""

    def note(self, time_s: float, rss_bytes: int) -> None:
        """Keep a reading, unless the last one is fresh."""
        if not self.points or time_s - self.points[-1][0] >= _PERIOD_S:
            self.points.append((time_s, rss_bytes))

    def slope_mb_per_min(self) -> float | None:
        """Return the least-squares slope; None for a span under 5 s, where it means nothing."""
        if len(self.points) < 3 or self.points[-1][0] - self.points[0][0] < 5.0:
            return None
        seconds = [point[0] for point in self.points]
        slope = statistics.linear_regression(seconds, [point[1] for point in self.points]).slope
        return round(slope * 60 / 1e6, 3)


def peak_rss_bytes() -> int:
    """Return the largest resident memory this process ever had."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource  # does not exist on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Source: getrusage(2): kilobytes on Linux, bytes on macOS.
    return peak if sys.platform == "darwin" else peak * 1024
