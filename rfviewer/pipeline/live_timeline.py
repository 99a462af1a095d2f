"""One continuous time line over connections, pauses and sources that start again at zero."""

from dataclasses import replace

from rfviewer.frame import Frame

_USUAL_STEP_S = 0.04


class LiveTimeline:
    """Gives live frames times and numbers that only rise. Used by the capture thread.

    A camera that was opened again starts at 0; and what was not looked at during a pause must not
    stand in a recording as one long freeze. After `cut` the next frame follows the last one by one
    frame's time.
    """

    def __init__(self) -> None:
        self._last: Frame | None = None
        self._offset_s = 0.0
        self._step_s = 0.0
        self._cut = False
        self._index = 0

    @property
    def length_s(self) -> float:
        """Time of the last frame."""
        return 0.0 if self._last is None else self._last.pts_s

    def cut(self) -> None:
        """Leave out the time until the next frame."""
        self._cut = self._last is not None

    def place(self, frame: Frame) -> Frame:
        """Return `frame` at its place."""
        pts_s = frame.pts_s + self._offset_s
        last = self._last
        if last is not None and (self._cut or pts_s <= last.pts_s):
            step_s = last.duration_s or self._step_s or _USUAL_STEP_S
            self._offset_s += last.pts_s + step_s - pts_s
            pts_s = last.pts_s + step_s
        elif last is not None:
            self._step_s = pts_s - last.pts_s
        self._cut = False
        self._last = replace(frame, pts_s=pts_s, frame_index=self._index)
        self._index += 1
        return self._last
