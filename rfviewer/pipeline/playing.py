"""What is open and how it plays: the source's life and every change of the play state."""

import threading
from collections.abc import Callable
from dataclasses import replace

from rfviewer.config import Playback, Policy
from rfviewer.frame import SourceInfo
from rfviewer.interfaces import RecordingRequest
from rfviewer.pipeline.capture import CaptureLoop, LiveCare, RunningCapture
from rfviewer.pipeline.capture_outputs import CaptureOutputs, EndOfStream
from rfviewer.pipeline.delivery import Delivery
from rfviewer.pipeline.engine_loop import EngineLoop
from rfviewer.pipeline.mapped_source import mapped
from rfviewer.pipeline.parts import Parts
from rfviewer.pipeline.policy import automatic_policy
from rfviewer.pipeline.presenter import Presenter
from rfviewer.pipeline.recorder import Recorder
from rfviewer.pipeline.reopening_source import gave_up, reopening
from rfviewer.pipeline.statistics import Statistics
from rfviewer.pipeline.transport import Jump, JumpKind, Transport
from rfviewer.snapshot import LivePhase, LiveStatus, PlayState


class Playing:
    """The open source and its play state.

    Commands come from one thread and return at once; `finish`, `lose` and what the capture thread
    tells come from others.
    """

    def __init__(
        self,
        parts: Parts,
        engine: EngineLoop,
        delivery: Delivery,
        presenter: Presenter,
        recorder: Recorder,
        statistics: Statistics,
        opening: Callable[[], None],
    ) -> None:
        """`opening` is called when another source is about to be opened."""
        self.state = PlayState.IDLE
        self.error = ""
        self.lost = ""
        """One sentence why only a new process can infer again; empty while all is well."""
        self.uri = ""
        """What was opened last."""
        self._state_lock = threading.Lock()
        """Held where `state` and the transport change together; several threads do that."""
        self._open_source = parts.open_source
        self._engine = engine
        self._delivery = delivery
        self._presenter = presenter
        self._recorder = recorder
        self._statistics = statistics
        self._opening = opening
        self._capture: RunningCapture | None = None
        self._care = LiveCare(parts.live_times)

    @property
    def transport(self) -> Transport:
        """Play state and policy of the open source."""
        return self._delivery.transport

    @property
    def outcome(self) -> tuple[PlayState, str, str]:
        """State, error and loss as they were at one moment; any thread."""
        with self._state_lock:
            return self.state, self.error, self.lost

    @property
    def live(self) -> LiveStatus | None:
        """How a live source is doing, or a file that gives no frame for a while; else None."""
        capture = self._capture
        over = self.state in (PlayState.IDLE, PlayState.ENDED, PlayState.FAILED)
        return None if capture is None or over else capture.loop.live

    @property
    def source_info(self) -> SourceInfo | None:
        """The open source; None before it is open."""
        return self._delivery.source

    def open(
        self,
        uri: str,
        playback: Playback,
        *,
        recording: RecordingRequest | None = None,
        at_s: float | None = None,
    ) -> None:
        """Stop the current source and start `uri`; a running recording is finalised.

        `recording` starts with the first frame. `at_s` is where to go on after a restart; a loop
        still returns to `playback.start_s`.
        """
        if self.state not in (PlayState.IDLE, PlayState.OPENING):
            self._recorder.stop()
        self._opening()
        before = self.leave()
        if recording is not None:
            self._recorder.start(recording)
        transport = Transport(playback, self.transport.epoch + 1)
        if at_s is not None:
            transport.jump(Jump(JumpKind.AT, at_s))
        self.uri = uri
        self._delivery.begin(transport)
        self._discard_outdated()
        self._presenter.forget()
        self._statistics.reset()
        with self._state_lock:
            lost = bool(self.lost)
            self.state, self.error = PlayState.OPENING, ""
            if lost:
                self.state, self.error = PlayState.FAILED, self.lost
        if lost:
            self._recorder.stop()
            return
        outputs = CaptureOutputs(
            frames=self._engine.frames,
            show=self._delivery.show_without_masks,
            opened=lambda info: self._opened(transport, info),
            failed=lambda message: self._source_failed(transport, message),
        )
        open_source = reopening(
            mapped(self._open_source, self._engine.home),
            lambda: transport.playback.decode,
            lambda info: self._decoder_changed(transport, info),
        )
        loop = CaptureLoop(uri, open_source, transport, self._statistics, outputs, self._care)
        self._capture = RunningCapture(loop, before)

    def infer_current_again(self) -> None:
        """While paused: have the frame on display, or the one under way, inferred anew."""
        current, transport = self._presenter.current, self.transport
        frame = None if current is None else current.frame
        if transport.policy is Policy.KEEP_PACE:
            if frame is not None and transport.rests_at(frame.epoch):
                self._engine.frames.put_newest(frame)
        elif self._seekable():
            epoch, pts_s = (None, 0.0) if frame is None else (frame.epoch, frame.pts_s)
            with self._state_lock:
                if transport.repeat(epoch, pts_s):
                    self._discard_outdated()  # the end, once reached, stays the end

    def set_playback(self, playback: Playback) -> None:
        """Change policy, rate or loop."""
        self.transport.set_playback(playback)
        self._wake()

    def play(self) -> None:
        """Go on; start over after the end."""
        if self.state is PlayState.ENDED and not self._seekable():
            self.open(self.uri, replace(self.transport.playback, paused=False))
            return
        with self._state_lock:
            if self.state is PlayState.ENDED:
                self.transport.jump(Jump(JumpKind.AT, self.transport.playback.start_s))
                self._jumped()
            self.transport.play()
            if self.state is PlayState.PAUSED:
                self.state = PlayState.PLAYING
        self._statistics.interrupted()

    def pause(self) -> None:
        """Stop at the frame on display, or at the first one after a jump that is under way."""
        with self._state_lock:
            self.transport.pause()
            if self.state is PlayState.PLAYING:
                self.state = PlayState.PAUSED

    def retry_now(self) -> None:
        """Open a live source that broke off without waiting any longer."""
        if self._capture is not None:
            self._capture.loop.retry_now()

    def give_up(self) -> None:
        """Stop opening a live source again and again; its reason is told as the error."""
        live = self.live
        if live is None or live.phase is LivePhase.PLAYING:
            return
        self.leave()
        reason = live.reason or "The source has not answered yet."
        self._source_failed(self.transport, f"{reason} Reconnecting was stopped.")

    def seek(self, pts_s: float) -> None:
        """Show the first frame at or after `pts_s`; while it is opened, once it is open."""
        if self._seekable() or self.state is PlayState.OPENING:
            with self._state_lock:
                self.transport.jump(Jump(JumpKind.AT, max(0.0, pts_s)))
                self._jumped()

    def step(self, frames: int) -> None:
        """Pause and move by `frames`."""
        current = self._presenter.current
        with self._state_lock:
            if frames > 0 and self.state is not PlayState.ENDED:
                self.transport.step_forward(frames)
            else:
                self.transport.pause()
            if self.state is PlayState.PLAYING:
                self.state = PlayState.PAUSED
        if frames < 0 and current is not None and self._seekable():
            with self._state_lock:
                if self.transport.jump_back(-frames, current.frame.epoch, current.frame.pts_s):
                    self._jumped()

    def lose(self, sentence: str) -> None:
        """Stop for good, and say what has happened. From any thread."""
        with self._state_lock:
            self.error, self.state, self.lost = sentence, PlayState.FAILED, sentence
        self.transport.stop()
        self._wake()
        self._recorder.stop()

    def _seekable(self) -> bool:
        return self.source_info is not None and self.source_info.seekable

    def _jumped(self) -> None:
        """Leave the end and discard what waits; with the lock held, after the transport's jump."""
        if self.state is PlayState.ENDED:
            self.state = PlayState.PLAYING if self.transport.playing else PlayState.PAUSED
        self._discard_outdated()

    def _discard_outdated(self) -> None:
        # Only what is older: the capture thread may have delivered the first new frame already.
        self._engine.frames.discard(lambda item: self.is_outdated(item.epoch))
        self._presenter.discard_outdated()
        self._wake()

    def is_outdated(self, epoch: int) -> bool:
        """Whether `epoch` is not that of the open source and its last jump."""
        return epoch != self.transport.epoch

    def _wake(self) -> None:
        self._engine.frames.wake()
        self._presenter.wake()

    def leave(self) -> RunningCapture | None:
        """Tell the source to stop, without waiting for it."""
        self.transport.stop()
        self._wake()
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.interrupt()
        return capture

    def _opened(self, transport: Transport, info: SourceInfo) -> None:
        with self._state_lock:
            if transport is not self.transport or self.lost:
                return
            self._delivery.source = info
            transport.set_auto_policy(automatic_policy(info, None))
            self.state = PlayState.PLAYING if transport.playing else PlayState.PAUSED
        if info.notice:
            self._statistics.notice(("info", info.notice))

    def _decoder_changed(self, transport: Transport, info: SourceInfo) -> None:
        with self._state_lock:
            if transport is not self.transport:
                return
            before, self._delivery.source = self._delivery.source, info
        if gave_up(None if before is None else before.decode, info.decode):
            assert info.decode is not None  # nothing else gives up
            sentence = f"{info.name} is decoded on the CPU from here on: {info.decode.reason}."
            self._statistics.notice(("warning", sentence))

    def _source_failed(self, transport: Transport, message: str) -> None:
        with self._state_lock:
            if transport is not self.transport:
                return
            self.error, self.state = message, PlayState.FAILED
        self._recorder.stop()

    def finish(self, end: EndOfStream) -> None:
        """Enter the final state, once the last frame is drawn and with the recorder."""
        with self._state_lock:
            if not self.transport.finish(end.epoch):
                return
            self.error = end.error
            self.state = PlayState.FAILED if end.error else PlayState.ENDED
        self._recorder.stop()
