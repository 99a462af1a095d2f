"""How many frames make a block of an A/B or waterfall, and which ones they are."""

BLOCK_S = 0.03
"""Length of a block where the number of frames is not given: short, so that A and B are near."""
MAX_BLOCK = 64
"""Frames of a block, at most."""
_UNCOUNTED = 2
"""Frames that fill and drain the slots around a block, where one is in flight."""


def frames_for(frame_s: float) -> int:
    """Return how many frames make a block, when each takes `frame_s`."""
    return max(1, min(MAX_BLOCK, round(BLOCK_S / max(frame_s, 1e-6))))


class BlockLength:
    """Which frames the blocks of a round run: as many as the slower side does in `BLOCK_S`.

    Both sides of a round run the same ones. Disturbance only adds time, so the quickest frames so
    far tell the number: a busy warm-up does not leave every block short.
    """

    def __init__(self, frames: int, frame_s: float) -> None:
        """`frames` fixes their number; 0 begins with what frames of `frame_s` allow."""
        self.count = frames or frames_for(frame_s)
        """Frames of a block of the present round."""
        self.frame_s = frame_s
        """What a frame of the slower side takes when nothing disturbs it, as far as known."""
        self._fixed = bool(frames)
        self._first = self._round = 0
        self._quickest_ms: dict[str, float] = {}

    @property
    def round_s(self) -> float:
        """About what the four blocks of a round take when nothing disturbs them."""
        return 4 * (self.count + _UNCOUNTED) * self.frame_s

    def first(self, number: int) -> int:
        """Return the first frame of round `number`; rounds are asked for in order."""
        if number != self._round:
            self._round, self._first = number, self._first + self.count
            self.frame_s = max(self._quickest_ms.values()) / 1e3
            if not self._fixed:
                self.count = frames_for(self.frame_s)
        return self._first

    def saw(self, side: str, frame_ms: float) -> None:
        """Note what a frame took."""
        self._quickest_ms[side] = min(frame_ms, self._quickest_ms.get(side, frame_ms))
