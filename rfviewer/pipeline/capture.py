"""The capture thread: opens one source, reads it at its pace, carries out jumps."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from rfviewer import log
from rfviewer.channels import Closed, Feed
from rfviewer.config import Policy
from rfviewer.errors import RfviewerError, SourceError
from rfviewer.frame import Frame, SourceInfo
from rfviewer.interfaces import FrameSource, SourceFactory
from rfviewer.pipeline.clock import PlaybackClock
from rfviewer.pipeline.statistics import Statistics
from rfviewer.pipeline.threads import join_all, start_thread
from rfviewer.pipeline.transport import Jump, JumpKind, Transport
from rfviewer.timing import Stage

IDLE_WAIT_S = 0.25
"""How long the loop sleeps at most before it looks at its state again; changes wake it earlier."""


@dataclass(frozen=True, slots=True)
class EndOfStream:
    """Follows the last frame of an epoch through the pipeline."""

    epoch: int
    error: str = ""
    """One sentence when the source broke; empty at its ordinary end."""


@dataclass(frozen=True, slots=True)
class CaptureOutputs:
    """Where the capture thread reports. All callables return at once, except `show`."""

    frames: Feed[Frame | EndOfStream]
    """To the engine thread."""
    show: Callable[[Frame], None]
    """Shows a frame without waiting for its masks (keep-pace); may wait while recording a file."""
    opened: Callable[[SourceInfo], None]
    failed: Callable[[str], None]
    """The source could not be opened, or broke in a way that it does not know itself."""


class CaptureLoop:
    """Owns the source. `run` is the thread body; `interrupt` may come from other threads."""

    def __init__(
        self,
        uri: str,
        open_source: SourceFactory,
        transport: Transport,
        statistics: Statistics,
        outputs: CaptureOutputs,
    ) -> None:
        self._uri = uri
        self._open_source = open_source
        self._transport = transport
        self._statistics = statistics
        self._outputs = outputs
        self._source: FrameSource | None = None
        self._clock = PlaybackClock(transport.playback.rate)
        self._epoch = transport.epoch
        self._delivered = 0

    def interrupt(self) -> None:
        """Wake a blocked read; called after `transport.stop()`."""
        source = self._source
        if source is not None:
            source.interrupt()

    def crashed(self, error: Exception) -> None:
        """Report a fault that no source should have."""
        self._outputs.failed(
            f"The source broke because of an unexpected fault ({error}); open it again."
        )

    def run(self) -> None:
        """Open, read and close the source. Faults are reported through `outputs.failed`."""
        try:
            source = self._open_source(self._uri)
        except RfviewerError as error:
            self._outputs.failed(str(error))
            return
        self._source = source
        try:
            self._outputs.opened(source.info)
            try:
                if self._transport.playback.start_s > 0:
                    source.seek(self._transport.playback.start_s)
                self._loop(source)
            except SourceError as error:
                # Follows the frames that were read before, so that they are shown and saved.
                end = EndOfStream(self._epoch, str(error))
                self._outputs.frames.put_wait(end, self._abandoned)
        except Closed:
            log.source.debug("the pipeline closed while a frame was delivered")
        finally:
            source.close()

    def _loop(self, source: FrameSource) -> None:
        transport = self._transport
        at_end = False
        while not transport.stopped:
            jump, self._epoch = transport.take_jump()
            if jump is not None:
                at_end = not self._carry_out(source, jump)
                continue
            if at_end:
                transport.wait_change(IDLE_WAIT_S)
                continue
            if transport.policy is Policy.KEEP_PACE and not transport.take_turn(
                self._epoch, IDLE_WAIT_S
            ):
                self._clock.restart()
                continue
            at_end = not self._read_and_deliver(source)

    def _carry_out(self, source: FrameSource, jump: Jump) -> bool:
        """Move the source and deliver the frame found there; False at the end of the stream."""
        self._delivered = 0
        self._clock.restart()
        self._statistics.interrupted()
        if self._transport.policy is Policy.KEEP_PACE:
            self._transport.take_turn(self._epoch, 0.0)  # this frame is the one a pause allows
        if jump.kind is JumpKind.AT:
            source.seek(jump.pts_s)
            return self._read_and_deliver(source)
        pts_s = jump.pts_s
        frame: Frame | None = None
        for _ in range(jump.repeat):
            source.seek_before(pts_s)
            frame = source.read()
            if frame is None:
                break
            pts_s = frame.pts_s
        return self._deliver_or_end(source, frame)

    def _read_and_deliver(self, source: FrameSource) -> bool:
        """Read one frame and hand it on; False after the end of the stream was handed on."""
        playback = self._transport.playback
        started_ns = time.monotonic_ns()
        limit_reached = playback.max_frames is not None and self._delivered >= playback.max_frames
        frame = None if limit_reached else source.read()
        if frame is not None and playback.end_s is not None and frame.pts_s >= playback.end_s:
            frame = None
        if frame is not None:
            self._statistics.measured(Stage.CAPTURE, (time.monotonic_ns() - started_ns) / 1e6)
        elif playback.loop and source.info.seekable and self._delivered > 0:
            source.seek(playback.start_s)
            self._delivered = 0
            self._clock.restart()
            return True
        return self._deliver_or_end(source, frame)

    def _deliver_or_end(self, source: FrameSource, frame: Frame | None) -> bool:
        if frame is None:
            self._outputs.frames.put_wait(EndOfStream(self._epoch), self._abandoned)
            return False
        frame = replace(frame, epoch=self._epoch)
        if not source.info.live and not self._wait_until_due(frame):
            return True
        self._delivered += 1
        self._statistics.captured(source.damaged)
        keeps_pace = self._transport.policy is Policy.KEEP_PACE
        if keeps_pace:
            self._outputs.show(frame)
        if keeps_pace or source.info.live:
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


class RunningCapture:
    """A capture loop on its thread."""

    def __init__(self, loop: CaptureLoop) -> None:
        self._loop = loop
        self._thread = start_thread("capture", loop.run, loop.crashed)

    def join(self, timeout_s: float) -> list[str]:
        """Wait for the end after `transport.stop()`; return the thread's name if it is stuck."""
        self._loop.interrupt()
        stuck = join_all([self._thread], timeout_s)
        if stuck:
            log.source.error("the source did not stop within %.1f s", timeout_s)
        return stuck
