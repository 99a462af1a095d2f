"""Time stamps of decoded frames to seconds that only ever rise."""

from fractions import Fraction

from av.video.frame import VideoFrame

_SLIP_FRAMES = 5
"""A step back by more frames is a new clock (joined recordings), by less a slip of the muxer."""
_BREAK_AHEAD_S = 10.0
"""FFmpeg's threshold for a break in the clock of a transport stream (-dts_delta_threshold)."""
_LONGEST_STEP_S = 3600.0
"""In other formats a frame may well last a minute, but nobody waits longer than this."""
_JUMPING_FORMATS = {"mpegts", "mpeg", "rtsp", "rtp", "hls", "flv", "live_flv"}
"""FFmpeg names of formats whose clock may break, as when recordings are joined."""
_SLIP_S = 0.001


def longest_step_s(format_name: str) -> float:
    """Return how far apart two frames may be before the clock counts as broken.

    `format_name` is FFmpeg's, several names separated by commas.
    """
    jumping = not _JUMPING_FORMATS.isdisjoint(format_name.split(","))
    return _BREAK_AHEAD_S if jumping else _LONGEST_STEP_S


class Timeline:
    """Gives each frame in turn its time in seconds from the first frame."""

    def __init__(self, time_base: Fraction, fps: float, longest_step_s: float) -> None:
        """Read time stamps in `time_base`; where they are missing, count by `fps`.

        Gaps of more than `longest_step_s` are closed.
        """
        self.by_count = False
        """Whether frames are timed by their number, since their time stamps say nothing."""
        self._tick_s = float(time_base)
        self._step_s = 1.0 / fps
        self._longest_step_s = longest_step_s
        self.base: int | None = None
        """Time stamp of the first frame; None while none is known."""
        self.restart()

    def restart(self) -> None:
        """Begin again at the first frame; `base` stays."""
        self._offset_s = 0.0
        self._last_s: float | None = None
        self._last_pts: int | None = None
        self._last_dts: int | None = None
        self._faulty_pts = 0
        self._faulty_dts = 0

    def ticks_s(self, ticks: int) -> float:
        """Return `ticks` of the stream's clock in seconds."""
        return ticks * self._tick_s

    def direct_s(self, pts: int) -> float:
        """Return the time of `pts` on a clock without breaks, as of a file with an exact index."""
        return (pts - (self.base or 0)) * self._tick_s

    def stamp_at(self, second_s: float) -> int:
        """Return the time stamp at or just after `second_s`, the inverse of `direct_s`."""
        return (self.base or 0) + round(second_s / self._tick_s)

    def next_s(self, frame: VideoFrame) -> float:
        """Return the time of the next frame in seconds."""
        stamp = self._guess(frame)
        if stamp is None or self.by_count:
            self.by_count = True
            second_s = 0.0 if self._last_s is None else self._last_s + self._step_s
        else:
            if self.base is None:
                self.base = stamp
            second_s = self.direct_s(stamp) + self._offset_s
            if self._last_s is not None:
                step_s = second_s - self._last_s
                if not -_SLIP_FRAMES * self._step_s <= step_s <= self._longest_step_s:
                    self._offset_s += self._step_s - step_s
                    second_s = self._last_s + self._step_s
                elif step_s <= 0:
                    second_s = self._last_s + _SLIP_S
        self._last_s = second_s
        return second_s

    def _guess(self, frame: VideoFrame) -> int | None:
        """Choose between pts and dts: whichever ran backwards less often.

        Source: guess_correct_pts in libavcodec/decode.c (FFmpeg).
        """
        if frame.dts is not None:
            self._faulty_dts += self._last_dts is not None and frame.dts <= self._last_dts
            self._last_dts = frame.dts
        if frame.pts is not None:
            self._faulty_pts += self._last_pts is not None and frame.pts <= self._last_pts
            self._last_pts = frame.pts
        if frame.pts is not None and (self._faulty_pts <= self._faulty_dts or frame.dts is None):
            return frame.pts
        return frame.dts
