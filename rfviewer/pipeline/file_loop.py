"""Plays a source that waits for its reader, as a file does: at its pace, with jumps, to its end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from rfviewer.config import Policy
from rfviewer.frame import Frame
from rfviewer.interfaces import FrameSource
from rfviewer.pipeline.capture_outputs import CaptureOutputs, EndOfStream
from rfviewer.pipeline.clock import PlaybackClock
from rfviewer.pipeline.statistics import Statistics
from rfviewer.pipeline.transport import Jump, JumpKind, Transport
from rfviewer.snapshot import LivePhase, LiveStatus
from rfviewer.timing import Stage

IDLE_WAIT_S = 0.25
"""How long the loop sleeps at most before it looks at its state again; changes wake it earlier."""
SLOW_S = 1.0
"""A source that works for one frame for longer is told to be slow."""
_READING = "The file is being read: its disk is slow, or a part of it is damaged."
_SEARCHING = "The position is being looked for: this file must be read from its beginning."


class FileLoop:
    """Reads one source. `run` is called on the capture thread; `status` from any."""

    def __init__(
        self,
        source: FrameSource,
        transport: Transport,
        statistics: Statistics,
        outputs: CaptureOutputs,
    ) -> None:
        self._source = source
        self._transport = transport
        self._statistics = statistics
        self._outputs = outputs
        self._clock = PlaybackClock(transport.playback.rate)
        self._epoch = transport.epoch
        self._delivered = 0
        self._working: tuple[float, str] | None = None

    @property
    def status(self) -> LiveStatus | None:
        """What a viewer should know while the source gives no frame; None while all is well."""
        working = self._working
        if working is None:
            return None
        since_s, reason = working
        age_s = time.monotonic() - since_s
        if age_s < SLOW_S:
            return None
        return LiveStatus(LivePhase.STALLED, last_frame_age_s=age_s, reason=reason)

    def run(self) -> None:
        """Play until stopped.

        Raises:
            SourceError: the source broke.
            Closed: nobody takes frames any more.
        """
        if self._transport.playback.start_s > 0:
            with self._at_work(_SEARCHING):
                self._source.seek(self._transport.playback.start_s)
        transport = self._transport
        at_end = False
        while not transport.stopped:
            jump, self._epoch = transport.take_jump()
            if jump is not None:
                at_end = not self._carry_out(jump)
                continue
            if at_end:
                transport.wait_change(IDLE_WAIT_S)
                continue
            if transport.policy is Policy.KEEP_PACE and not transport.take_turn(
                self._epoch, IDLE_WAIT_S
            ):
                self._clock.restart()
                continue
            at_end = not self._read_and_deliver()

    @contextmanager
    def _at_work(self, reason: str) -> Iterator[None]:
        """Note that the source works, and on what."""
        self._working = (time.monotonic(), reason)
        try:
            yield
        finally:
            self._working = None

    def _carry_out(self, jump: Jump) -> bool:
        """Move the source and deliver the frame found there; False at the end of the stream."""
        self._delivered = 0
        self._clock.restart()
        self._statistics.interrupted()
        if self._transport.policy is Policy.KEEP_PACE:
            self._transport.take_turn(self._epoch, 0.0)  # this frame is the one a pause allows
        if jump.kind is JumpKind.AT:
            with self._at_work(_SEARCHING):
                self._source.seek(jump.pts_s)
            return self._read_and_deliver()
        pts_s = jump.pts_s
        frame: Frame | None = None
        for _ in range(jump.repeat):
            with self._at_work(_SEARCHING):
                self._source.seek_before(pts_s)
                frame = self._source.read()
            if frame is None:
                break
            pts_s = frame.pts_s
        return self._deliver_or_end(frame)

    def _read_and_deliver(self) -> bool:
        """Read one frame and hand it on; False after the end of the stream was handed on."""
        playback = self._transport.playback
        started_ns = time.monotonic_ns()
        limit_reached = playback.max_frames is not None and self._delivered >= playback.max_frames
        frame: Frame | None = None
        if not limit_reached:
            with self._at_work(_READING):
                frame = self._source.read()
        if frame is not None and playback.end_s is not None and frame.pts_s >= playback.end_s:
            frame = None
        if frame is not None:
            self._statistics.measured(Stage.CAPTURE, (time.monotonic_ns() - started_ns) / 1e6)
        elif playback.loop and self._source.info.seekable and self._delivered > 0:
            with self._at_work(_SEARCHING):
                self._source.seek(playback.start_s)
            self._delivered = 0
            self._clock.restart()
            return True
        return self._deliver_or_end(frame)

    def _deliver_or_end(self, frame: Frame | None) -> bool:
        if frame is None:
            self._outputs.frames.put_wait(EndOfStream(self._epoch), self._abandoned)
            return False
        frame = replace(frame, epoch=self._epoch)
        if not self._wait_until_due(frame):
            return True
        self._delivered += 1
        self._statistics.captured(self._source.damaged)
        if self._transport.policy is Policy.KEEP_PACE:
            self._outputs.show(frame)
            self._statistics.dropped(self._outputs.frames.put_newest(frame))
        else:
            self._outputs.frames.put_wait(frame, self._abandoned)
        return True

    def _wait_until_due(self, frame: Frame) -> bool:
        """Wait for the frame's time; False when a jump or the end made it stale."""
        self._clock.set_rate(self._transport.playback.rate)
        while (delay_s := self._clock.delay_s(frame.pts_s)) > 0:
            if self._abandoned():
                return False
            if not self._transport.playing:
                break  # a paused step is shown at once
            self._transport.wait_change(min(delay_s, IDLE_WAIT_S))
        return not self._abandoned()

    def _abandoned(self) -> bool:
        return self._transport.stopped or self._transport.epoch != self._epoch
