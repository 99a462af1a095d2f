"""What the engine tells about the device: idle share, gaps between networks, driver figures."""

import time

from rfviewer.engine.cuda.idle import BusyTime, NetworkGaps
from rfviewer.engine.cuda.nvml import GpuFigures, Nvml
from rfviewer.engine.cuda.outcome import FrameOutcome
from rfviewer.result import DeviceUsage
from rfviewer.timing import percentile

_FIGURES_PERIOD_NS = 1_000_000_000
"""How often the driver is asked: its calls take longer than ours."""


class UsageMeter:
    """Collects intervals of work and answers `device_usage`. Engine thread."""

    def __init__(self, nvml: Nvml) -> None:
        self._nvml = nvml
        self._busy = BusyTime()
        self._gaps = NetworkGaps()
        self._last_start_ms = 0.0
        self._last_end_ms = 0.0
        self._last_done_ns = 0
        self._figures = GpuFigures()
        self._figures_ns = 0

    def add(self, outcome: FrameOutcome) -> None:
        """Note the work of one frame, in the order of submission."""
        work = outcome.work
        if not work:
            return  # its pass was noted with the first frame in it
        _, start_ms, reached_ms = work[0]
        self._last_start_ms = max(self._last_start_ms, start_ms)
        for _, next_ms, end_ms in work:
            if next_ms > reached_ms:  # stages of one graph touch each other: one interval
                self._busy.add(start_ms, reached_ms)
                start_ms = next_ms
            reached_ms = end_ms
        self._busy.add(start_ms, reached_ms)
        self._last_end_ms = max(self._last_end_ms, reached_ms)
        self._last_done_ns = outcome.done_time_ns
        if outcome.infer_ms is not None:
            self._gaps.add(*outcome.infer_ms)

    def read(self, in_flight: int) -> DeviceUsage:
        """Return the usage since the last call."""
        now_ns = time.monotonic_ns()
        if now_ns - self._figures_ns > _FIGURES_PERIOD_NS:
            self._figures, self._figures_ns = self._nvml.read(), now_ns
        if in_flight:
            # Frames in flight began after the last one that was collected: up to there all work
            # is known.
            until_ms = self._last_start_ms
        else:
            until_ms = self._last_end_ms + (now_ns - self._last_done_ns) / 1e6
        idle = self._busy.idle_share(until_ms) if self._last_done_ns else None
        gaps = self._gaps.take()
        figures = self._figures
        return DeviceUsage(
            idle,
            "" if idle is not None else "not measured: no frame since the last reading",
            figures.memory_used_bytes,
            network_gap_p50_ms=percentile(gaps, 0.5),
            network_gap_p95_ms=percentile(gaps, 0.95),
            power_w=figures.power_w,
            clock_mhz=figures.clock_mhz,
            throttle=figures.throttle,
        )

    def close(self) -> None:
        """Let the driver's library go."""
        self._nvml.close()
