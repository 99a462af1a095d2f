"""When a frame is due: media time against wall time."""

import time


class PlaybackClock:
    """Maps presentation times to wall time at a given rate. Used by the capture thread only.

    A frame that is late is due at once and moves the clock, so that a slow consumer slows the video
    down instead of making it rush afterwards.
    """

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._base_ns: int | None = None
        self._base_pts_s = 0.0

    def set_rate(self, rate: float | None) -> None:
        """Change the speed; None means as fast as possible."""
        if rate != self._rate:
            self._rate = rate
            self._base_ns = None

    def restart(self) -> None:
        """Make the next frame due at once: after a pause, a seek or a loop."""
        self._base_ns = None

    def delay_s(self, pts_s: float) -> float:
        """Return the seconds until the frame at `pts_s` is due; 0 when it is due or late."""
        if self._rate is None:
            return 0.0
        now_ns = time.monotonic_ns()
        if self._base_ns is None or pts_s < self._base_pts_s:
            self._base_ns, self._base_pts_s = now_ns, pts_s
            return 0.0
        due_ns = self._base_ns + int((pts_s - self._base_pts_s) / self._rate * 1e9)
        if due_ns <= now_ns:
            self._base_ns, self._base_pts_s = now_ns, pts_s
            return 0.0
        return (due_ns - now_ns) / 1e9
