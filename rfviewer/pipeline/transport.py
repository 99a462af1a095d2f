"""Play, pause, seek and step as one small shared state that all loops consult."""

import threading
from dataclasses import dataclass
from enum import Enum

from rfviewer.config import Playback, Policy

MAX_STEPS_DUE = 5
"""Steps that add up while the engine is slow; a held key must not run on after its release."""


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
        self._owed = True
        """Whether no frame of this epoch was let through yet: a pause still shows the first."""
        self._shown_pts_s: float | None = None
        """Time of the frame let through last, where that is known."""
        self._epoch = epoch
        self._jump: Jump | None = None
        self._last_jump = Jump(JumpKind.AT, playback.start_s)
        """Where the frames of this epoch begin."""
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
    def flows(self) -> bool:
        """Whether a frame would be let through now: playing, or a step or first frame is due."""
        return self._playing or self._credits > 0

    @property
    def playback(self) -> Playback:
        """The playback as requested."""
        return self._playback

    @property
    def policy(self) -> Policy:
        """The policy in effect."""
        return self._playback.policy or self._auto_policy

    def set_auto_policy(self, policy: Policy) -> None:
        """Use `policy` unless the playback asks for one."""
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
        """Hold back every further frame, except the one that a jump or an opening owes."""
        with self._condition:
            self._pause()
            self._condition.notify_all()

    def finish(self, epoch: int) -> bool:
        """Pause after the last frame of `epoch`; False when a jump has begun another one."""
        with self._condition:
            if self._stopped or self._epoch != epoch:
                return False
            self._playing, self._credits = False, 0
            self._condition.notify_all()
            return True

    def jump(self, jump: Jump) -> int:
        """Request a jump; one frame is shown even while paused. Returns the new epoch."""
        with self._condition:
            return self._begin(jump)

    def jump_back(self, frames: int, epoch: int, pts_s: float) -> bool:
        """Jump `frames` back from the frame on display, of `epoch` at `pts_s`.

        Steps back that are still under way add up; False when they are enough already.
        """
        with self._condition:
            last = self._last_jump
            if self._owed and last.kind is JumpKind.BEFORE and self._epoch != epoch:
                if last.repeat >= MAX_STEPS_DUE:
                    return False
                pts_s, frames = last.pts_s, last.repeat + frames
            elif self._shown_pts_s is not None and not self._owed:
                pts_s = self._shown_pts_s  # perhaps not drawn yet
            self._begin(Jump(JumpKind.BEFORE, pts_s, frames))
            return True

    def rests_at(self, epoch: int) -> bool:
        """Whether the source is paused at a frame of `epoch`, with no other one on its way."""
        with self._condition:
            return not (self._stopped or self._playing or self._credits or self._epoch != epoch)

    def repeat(self, epoch: int | None, pts_s: float) -> bool:
        """While paused: have the frame made anew that was let through last.

        Where that is not known it is the one on display, of `epoch` at `pts_s`. A jump under way is
        begun anew. Steps under way go on, and nothing happens: False.
        """
        with self._condition:
            if self._playing or self._stopped:
                return False
            if self._owed:
                self._begin(self._last_jump)
            elif self._credits:
                return False
            elif self._shown_pts_s is not None:
                self._begin(Jump(JumpKind.AT, self._shown_pts_s))
            elif self._epoch == epoch:
                self._begin(Jump(JumpKind.AT, pts_s))
            else:
                return False
            return True

    def step_forward(self, frames: int) -> None:
        """Pause and let exactly `frames` more frames through; steps not yet made stay due."""
        with self._condition:
            if self._playing:
                self._pause()
            self._credits = max(frames, min(self._credits + frames, MAX_STEPS_DUE))
            self._condition.notify_all()

    def take_jump(self) -> tuple[Jump | None, int]:
        """Return the newest requested jump once, and the epoch of the frames that follow."""
        with self._condition:
            jump, self._jump = self._jump, None
            return jump, self._epoch

    def take_turn(self, epoch: int, timeout_s: float, pts_s: float | None = None) -> bool:
        """Wait for permission to show one frame of `epoch`, and use up a step's credit for it.

        `pts_s` is the frame's time; None when the turn is taken before the frame is read.
        False after `timeout_s`, after a jump (the frame is stale then) and at the end.
        """
        with self._condition:
            self._condition.wait_for(
                lambda: self._playing or self._credits or self._stopped or self._epoch != epoch,
                timeout_s,
            )
            if self._stopped or self._epoch != epoch:
                return False
            if not self._playing and not self._credits:
                return False
            if not self._playing:
                self._credits -= 1
            self._owed, self._shown_pts_s = False, pts_s
            return True

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

    def _pause(self) -> None:
        self._playing = False
        self._credits = 1 if self._owed else 0

    def _begin(self, jump: Jump) -> int:
        self._epoch += 1
        self._jump = self._last_jump = jump
        self._owed = True
        self._credits = 0 if self._playing else 1
        self._condition.notify_all()
        return self._epoch
