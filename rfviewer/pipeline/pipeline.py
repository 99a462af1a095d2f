"""Wires source, engine, presenter and recorder together; starts and stops every thread."""

import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from functools import partial

from rfviewer import log
from rfviewer.config import EngineConfig, Playback, Policy, Settings, View
from rfviewer.errors import DeviceLostError
from rfviewer.experiment import LabRequest
from rfviewer.frame import SourceInfo
from rfviewer.interfaces import Engine, RecordingRequest, SinkContext
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.capture import (
    CaptureLoop,
    CaptureOutputs,
    EndOfStream,
    LiveCare,
    RunningCapture,
)
from rfviewer.pipeline.delivery import Delivery
from rfviewer.pipeline.engine_keeper import EngineJob
from rfviewer.pipeline.engine_loop import EngineLoop, EngineOutputs
from rfviewer.pipeline.experiments import Experiments, Scene
from rfviewer.pipeline.mapped_source import mapped
from rfviewer.pipeline.parity_watch import ParityWatcher
from rfviewer.pipeline.parts import Parts
from rfviewer.pipeline.policy import automatic_policy
from rfviewer.pipeline.presenter import Display, Presenter
from rfviewer.pipeline.recent import RecentFrames
from rfviewer.pipeline.recorder import Recorder
from rfviewer.pipeline.reopening_source import gave_up, reopening
from rfviewer.pipeline.split_view import SplitSource, SplitView
from rfviewer.pipeline.statistics import Statistics
from rfviewer.pipeline.threads import join_all, start_thread
from rfviewer.pipeline.transport import Jump, JumpKind, Transport
from rfviewer.result import FrameResult
from rfviewer.snapshot import LivePhase, LiveStatus, PlayState

CLOSE_CAPTURE_S = 0.8
"""How long closing waits for the source; a thread stuck in a driver is left behind."""


class Pipeline:
    """The running whole. Methods are called by one thread and return at once, except `close`."""

    def __init__(self, parts: Parts, settings: Settings, display: Display) -> None:
        self.statistics = Statistics()
        self.state = PlayState.IDLE
        self.error = ""
        self.lost = ""
        """One sentence why only a new process can infer again; empty while all is well."""
        self._state_lock = threading.Lock()
        """Held where `state` and the transport change together; several threads do that."""
        self._parts = parts
        self._uri = ""
        self._view = settings.view
        self._capture: RunningCapture | None = None
        self._stuck = False
        self._care = LiveCare(parts.live_times)
        self.recorder = Recorder(parts.make_sinks, self._sink_context, self.statistics)
        self.presenter = Presenter(
            parts.renderer, display, self.recorder, self.statistics, self._is_outdated
        )
        self._delivery = Delivery(
            self.presenter,
            self.recorder,
            self.statistics,
            Transport(replace(settings.playback, paused=True), epoch=0),
        )
        self.parity = ParityWatcher(parts.make_engine, parts.save_comparison, self.presenter.redraw)
        self.presenter.split = SplitView(
            SplitSource(lambda: self.parity.active, lambda: self.parity.pair, self.parity.request)
        )
        self.engine = EngineLoop(
            parts.make_engine,
            settings.engine,
            settings.optimizations,
            self._engine_outputs(),
            parts.watch_limits,
            frames_may_wait=parts.frames_may_wait,
        )
        self._recent = RecentFrames()
        self.experiments = Experiments(
            parts, self.engine, self._recent, self.statistics.interrupted
        )
        self._display = display
        self.set_view(settings.view)
        self._threads = [
            start_thread(name, run, partial(self._crashed, name))
            for name, run in (
                ("engine", self.engine.run),
                ("presenter", self.presenter.run),
                ("recorder", self.recorder.run),
            )
        ]

    @property
    def transport(self) -> Transport:
        """Play state and policy of the open source."""
        return self._delivery.transport

    @property
    def live(self) -> LiveStatus | None:
        """How a live source is doing; None for a file or none."""
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
            self.recorder.stop()
        self.experiments.stop("Stopped, since another source was opened.")
        self._recent.clear()
        before = self._leave_source()
        if recording is not None:
            self.recorder.start(recording)
        transport = Transport(playback, self.transport.epoch + 1)
        if at_s is not None:
            transport.jump(Jump(JumpKind.AT, at_s))
        self._uri = uri
        self._delivery.begin(transport)
        self._discard_outdated()
        self.presenter.forget()
        self.statistics.reset()
        with self._state_lock:
            lost = bool(self.lost)
            self.state, self.error = PlayState.OPENING, ""
            if lost:
                self.state, self.error = PlayState.FAILED, self.lost
        if lost:
            self.recorder.stop()
            return
        outputs = CaptureOutputs(
            frames=self.engine.frames,
            show=self._delivery.show_without_masks,
            opened=lambda info: self._opened(transport, info),
            failed=lambda message: self._source_failed(transport, message),
        )
        open_source = reopening(
            mapped(self._parts.open_source, self.engine.home),
            lambda: transport.playback.decode,
            lambda info: self._decoder_changed(transport, info),
        )
        loop = CaptureLoop(uri, open_source, transport, self.statistics, outputs, self._care)
        self._capture = RunningCapture(loop, before)

    def set_engine(self, config: EngineConfig) -> None:
        """Load another model, backend or preprocess mode."""
        self.experiments.stop("Stopped, since another engine was asked for.")
        self.engine.set_config(config)

    def set_optimizations(self, optimizations: Optimizations) -> None:
        """Request optimizations."""
        self.engine.set_optimizations(optimizations)

    def set_view(self, view: View) -> None:
        """Draw with `view`; a frame on display that lacks detections is inferred again."""
        lowered = view.threshold < self._view.threshold
        self._view = self._delivery.view = view
        self.engine.set_view(view)
        self.presenter.set_view(view)
        if lowered and not self.transport.playing:
            self.infer_current_again()

    def infer_current_again(self) -> None:
        """While paused: have the frame on display, or the one under way, inferred anew."""
        current, transport = self.presenter.current, self.transport
        frame = None if current is None else current.frame
        if transport.policy is Policy.KEEP_PACE:
            if frame is not None and transport.rests_at(frame.epoch):
                self.engine.frames.put_newest(frame)
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
            self.open(self._uri, replace(self.transport.playback, paused=False))
            return
        with self._state_lock:
            if self.state is PlayState.ENDED:
                self.transport.jump(Jump(JumpKind.AT, self.transport.playback.start_s))
                self._jumped()
            self.transport.play()
            if self.state is PlayState.PAUSED:
                self.state = PlayState.PLAYING
        self.statistics.interrupted()

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
        self._leave_source()
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
        current = self.presenter.current
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

    def start_recording(self, request: RecordingRequest) -> None:
        """Record from the next frame on; before `open`, from its first frame on."""
        self.recorder.start(request)

    def stop_recording(self) -> None:
        """Finalise the recording."""
        self.recorder.stop()

    def start_lab(self, request: LabRequest) -> None:
        """Run an experiment with the last frames; the video stands still meanwhile."""
        fps = self.statistics.inferred_fps
        playback = self.transport.playback
        scene = Scene(self._view, playback, self.source_info, self._uri, fps)
        self.experiments.start(request, scene)

    def run_on_engine[T](self, job: EngineJob[T]) -> Future[T]:
        """Run a measurement on the engine thread with nothing in flight."""
        return self.engine.run_job(job)

    def close(self, timeout_s: float) -> list[str]:
        """Finalise files and stop every thread; return the names of those that did not end.

        A thread that is stuck leaves half of the time to those behind it, which hold the files.
        """
        deadline = time.monotonic() + timeout_s
        self.parity.close()
        capture = self._leave_source()
        stuck = [] if capture is None else capture.join(min(CLOSE_CAPTURE_S, timeout_s / 2))
        closers = (self.engine.close, self.presenter.close, self.recorder.close)
        # A recorder that hung was reported then, and is not waited for.
        threads = [*self._threads[:2], self.recorder.replacement or self._threads[2]]
        shares = (0.0 if self._stuck else 0.5, 0.5, 1.0)
        for close, thread, share in zip(closers, threads, shares, strict=True):
            close()
            stuck += join_all([thread], share * (deadline - time.monotonic()))
        stuck += join_all(self.parity.threads, deadline - time.monotonic())
        if stuck:
            log.pipeline.error("threads that did not end: %s", ", ".join(stuck))
        return stuck

    def _seekable(self) -> bool:
        return self.source_info is not None and self.source_info.seekable

    def _jumped(self) -> None:
        """Leave the end and discard what waits; with the lock held, after the transport's jump."""
        if self.state is PlayState.ENDED:
            self.state = PlayState.PLAYING if self.transport.playing else PlayState.PAUSED
        self._discard_outdated()

    def _discard_outdated(self) -> None:
        # Only what is older: the capture thread may have delivered the first new frame already.
        self.engine.frames.discard(lambda item: self._is_outdated(item.epoch))
        self.presenter.discard_outdated()
        self._wake()

    def _is_outdated(self, epoch: int) -> bool:
        return epoch != self.transport.epoch

    def _wake(self) -> None:
        self.engine.frames.wake()
        self.presenter.wake()

    def _leave_source(self) -> RunningCapture | None:
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
            self.statistics.notice(("info", info.notice))

    def _decoder_changed(self, transport: Transport, info: SourceInfo) -> None:
        with self._state_lock:
            if transport is not self.transport:
                return
            before, self._delivery.source = self._delivery.source, info
        if gave_up(None if before is None else before.decode, info.decode):
            assert info.decode is not None  # nothing else gives up
            sentence = f"{info.name} is decoded on the CPU from here on: {info.decode.reason}."
            self.statistics.notice(("warning", sentence))

    def _source_failed(self, transport: Transport, message: str) -> None:
        with self._state_lock:
            if transport is not self.transport:
                return
            self.error, self.state = message, PlayState.FAILED
        self.recorder.stop()

    def _crashed(self, name: str, error: Exception) -> None:
        """Tell that a thread is gone, without which nothing more is shown or saved."""
        if isinstance(error, DeviceLostError):
            self._lose(str(error))
        else:
            self._lose(f"The {name} stopped because of an unexpected fault ({error}).")

    def look(self) -> None:
        """Notice an engine that does not come back; to be called several times a second."""
        silent_s = self.engine.watch.look()
        if silent_s is not None and not self.lost:
            self._stuck = True
            self._lose(
                f"The engine has not answered for {silent_s:.0f} s: a launch on the GPU never "
                "ended, or the GPU is gone."
            )

    def _lose(self, sentence: str) -> None:
        """Stop for good: finalise what is recorded, and say what has happened."""
        log.pipeline.error(sentence)
        self.engine.fail(sentence)
        self.statistics.notice(("error", sentence))
        with self._state_lock:
            self.error, self.state, self.lost = sentence, PlayState.FAILED, sentence
        self.transport.stop()
        self._wake()
        self.recorder.stop()

    def _wants_overlay(self) -> bool:
        """Whether the next frame will be drawn with its own result: keep-pace draws later ones."""
        if self.transport.policy is not Policy.EVERY_FRAME:
            return False
        return self.recorder.needs_images or self._display.wants_image()

    def _engine_outputs(self) -> EngineOutputs:
        return EngineOutputs(
            is_stale=self._delivery.is_stale,
            take_turn=lambda frame, timeout_s: self.transport.take_turn(
                frame.epoch, timeout_s, frame.pts_s
            ),
            wants_overlay=self._wants_overlay,
            deliver=self._deliver,
            deliver_bare=self._delivery.deliver_bare,
            gates_results=lambda: self.transport.policy is Policy.EVERY_FRAME,
            ended=lambda end: self.presenter.after_waiting(lambda: self._finish(end)),
            ready=self._engine_ready,
            failed=lambda message: self.statistics.notice(("error", message)),
        )

    def _finish(self, end: EndOfStream) -> None:
        """Enter the final state, once the last frame is drawn and with the recorder."""
        with self._state_lock:
            if not self.transport.finish(end.epoch):
                return
            self.error = end.error
            self.state = PlayState.FAILED if end.error else PlayState.ENDED
        self.recorder.stop()

    def _deliver(self, result: FrameResult) -> None:
        self.parity.offer(result)
        self._recent.add(result.frame)
        self._delivery.deliver(result)

    def _engine_ready(self, engine: Engine) -> None:
        info = engine.info
        self.parity.candidate_ready(self.engine.loaded_config, info)
        roi = next(bool(t.effective) for t in info.toggles if t.name == "roi_render")
        self.presenter.set_engine(info.class_names, roi=roi)
        self._delivery.judge_speed()
        if not self.transport.playing:
            self.infer_current_again()

    def _sink_context(self) -> SinkContext | None:
        source, engine = self.source_info, self.engine.status.info
        if source is None:
            return None
        names = () if engine is None else engine.class_names
        return SinkContext(source, names, self._parts.metadata(source, engine))
