"""Play, pause, seek and step as one small shared state that all loops consult."""

import threading
from dataclasses import dataclass
from enum import Enum

from rfviewer.config import Playback, Policy
from rfviewer.frame import SourceInfo

SLOWEST_WATCHABLE_FPS = 1.0
"""Below this rate of results a file is not watched frame by frame unless asked for."""


class JumpKind(Enum):
    """Where a jump leads, relative to a presentation time."""

    AT = "at"
    BEFORE = "before"


@dataclass(frozen=True, slots=True)
class Jump:
    """A requested change of position, to be carried out by the capture thread."""

    kind: JumpKind
    pts_s: float
    repeat: int = 1
    """How often: three steps back are three times BEFORE."""


class Transport:
    """Thread-safe. `epoch` grows with every jump, so that what belongs to an older one is stale."""

    def __init__(self, playback: Playback, epoch: int) -> None:
        self._condition = threading.Condition()
        self._playback = playback
        self._playing = not playback.paused
        self._credits = 0 if self._playing else 1
        self._epoch = epoch
        self._jump: Jump | None = None
        self._stopped = False
        self._auto_policy = Policy.EVERY_FRAME

    @property
    def epoch(self) -> int:
        """Epoch of the frames that may be shown."""
        return self._epoch

    @property
    def stopped(self) -> bool:
        """Whether the source is being closed."""
        return self._stopped

    @property
    def playing(self) -> bool:
        """Whether frames flow without being asked for one by one."""
        return self._playing

    @property
    def playback(self) -> Playback:
        """The playback as requested."""
        return self._playback

    @property
    def policy(self) -> Policy:
        """The policy in effect."""
        return self._playback.policy or self._auto_policy

    def choose_policy(self, info: SourceInfo, inferred_fps: float | None) -> None:
        """Set the automatic policy by source kind and measured speed.

        Live sources keep pace. Files show every frame, as slow motion if need be, since masks that
        trail behind moving objects look wrong; only an engine too slow to watch keeps pace.
        """
        too_slow = inferred_fps is not None and inferred_fps < SLOWEST_WATCHABLE_FPS
        policy = Policy.KEEP_PACE if info.live or too_slow else Policy.EVERY_FRAME
        with self._condition:
            self._auto_policy = policy
            self._condition.notify_all()

    def set_playback(self, playback: Playback) -> None:
        """Replace policy, rate and loop."""
        with self._condition:
            self._playback = playback
            self._condition.notify_all()

    def play(self) -> None:
        """Let frames flow."""
        with self._condition:
            self._playing = True
            self._condition.notify_all()

    def pause(self) -> None:
        """Hold back every further frame."""
        with self._condition:
            self._playing = False
            self._credits = 0
            self._condition.notify_all()

    def jump(self, jump: Jump) -> int:
        """Request a jump; one frame is shown even while paused. Returns the new epoch."""
        with self._condition:
            self._epoch += 1
            self._jump = jump
            self._credits = 0 if self._playing else 1
            self._condition.notify_all()
            return self._epoch

    def step_forward(self, frames: int) -> None:
        """Pause and let exactly `frames` more frames through."""
        with self._condition:
            self._playing = False
            self._credits += frames
            self._condition.notify_all()

    def take_jump(self) -> tuple[Jump | None, int]:
        """Return the newest requested jump once, and the epoch of the frames that follow."""
        with self._condition:
            jump, self._jump = self._jump, None
            return jump, self._epoch

    def take_turn(self, epoch: int, timeout_s: float) -> bool:
        """Wait for permission to show one frame of `epoch`, and use up a step's credit for it.

        False after `timeout_s`, after a jump (the frame is stale then) and at the end.
        """
        with self._condition:
            self._condition.wait_for(
                lambda: self._playing or self._credits or self._stopped or self._epoch != epoch,
                timeout_s,
            )
            if self._stopped or self._epoch != epoch:
                return False
            if self._playing:
                return True
            if self._credits:
                self._credits -= 1
                return True
            return False

    def wait_change(self, timeout_s: float | None) -> None:
        """Sleep until something changes or `timeout_s` has passed."""
        with self._condition:
            if not self._stopped and self._jump is None:
                self._condition.wait(timeout_s)

    def stop(self) -> None:
        """End every wait for good."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()
