"""Wires source, engine, presenter and recorder together; starts and stops every thread."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace

from rfviewer import log
from rfviewer.channels import Closed
from rfviewer.config import EngineConfig, Playback, Policy, Settings, View
from rfviewer.frame import Frame, SourceInfo
from rfviewer.interfaces import (
    Engine,
    EngineFactory,
    RecordingRequest,
    Renderer,
    SinkContext,
    SinkFactory,
    SourceFactory,
)
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.capture import CaptureLoop, CaptureOutputs, EndOfStream
from rfviewer.pipeline.engine_loop import EngineJob, EngineLoop, EngineOutputs
from rfviewer.pipeline.presenter import Display, Presentable, Presenter
from rfviewer.pipeline.recorder import Recorder
from rfviewer.pipeline.statistics import Statistics
from rfviewer.pipeline.threads import Thread, join_all, start_thread
from rfviewer.pipeline.transport import Jump, JumpKind, Transport
from rfviewer.result import EngineInfo, FrameResult
from rfviewer.snapshot import PlayState

CAPTURE_JOIN_S = 2.0
"""How long a source may take to stop before it is left behind and reported."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the composition root hands in."""

    open_source: SourceFactory
    make_engine: EngineFactory
    renderer: Renderer
    make_sinks: SinkFactory
    metadata: Callable[[SourceInfo | None, EngineInfo | None], dict[str, str]]
    """Versions and settings to embed in files."""


class Pipeline:
    """The running whole. Methods are called by one thread and return at once, except `close`."""

    def __init__(self, parts: Parts, settings: Settings, display: Display) -> None:
        self.statistics = Statistics()
        self.state = PlayState.IDLE
        self.error = ""
        self.source_info: SourceInfo | None = None
        self._parts = parts
        self._view = settings.view
        self._transport = Transport(replace(settings.playback, paused=True), epoch=0)
        self._capture: CaptureLoop | None = None
        self._capture_thread: Thread | None = None
        self.recorder = Recorder(parts.make_sinks, self._sink_context, self.statistics)
        self.presenter = Presenter(parts.renderer, display, self.recorder, self.statistics)
        self.engine = EngineLoop(
            parts.make_engine, settings.engine, settings.optimizations, self._engine_outputs()
        )
        self._display = display
        self.set_view(settings.view)
        self._threads = [
            start_thread("engine", self.engine.run),
            start_thread("presenter", self.presenter.run),
            start_thread("recorder", self.recorder.run),
        ]

    @property
    def transport(self) -> Transport:
        """Play state and policy of the open source."""
        return self._transport

    def open(self, uri: str, playback: Playback) -> None:
        """Stop the current source and start `uri`; a running recording is finalised."""
        if self.state not in (PlayState.IDLE, PlayState.OPENING):
            self.recorder.stop()
        self._stop_capture()
        transport = Transport(playback, self._transport.epoch + 1)
        self._transport = transport
        self.engine.frames.clear()
        self.presenter.clear(forget=True)
        self.statistics.reset()
        self.state, self.error, self.source_info = PlayState.OPENING, "", None
        outputs = CaptureOutputs(
            frames=self.engine.frames,
            show=self._show_without_masks,
            opened=lambda info: self._opened(transport, info),
            failed=lambda message: self._source_failed(transport, message),
        )
        self._capture = CaptureLoop(
            uri, self._parts.open_source, transport, self.statistics, outputs
        )
        self._capture_thread = start_thread("capture", self._capture.run)

    def set_engine(self, config: EngineConfig) -> None:
        """Load another model, backend or preprocess mode."""
        self.engine.set_config(config)

    def set_optimizations(self, optimizations: Optimizations) -> None:
        """Request optimizations."""
        self.engine.set_optimizations(optimizations)

    def set_view(self, view: View) -> None:
        """Draw with `view`; a frame on display that lacks detections is inferred again."""
        lowered = view.threshold < self._view.threshold
        self._view = view
        self.engine.set_view(view)
        self.presenter.set_view(view)
        if lowered and not self._transport.playing:
            self.infer_current_again()

    def infer_current_again(self) -> None:
        """While paused: run the frame on display through the engine once more."""
        current = self.presenter.current
        if current is None or self._transport.stopped:
            return
        if self._transport.policy is Policy.EVERY_FRAME:
            self.seek(current.frame.pts_s)
        else:
            self.engine.frames.put_newest(current.frame)

    def set_playback(self, playback: Playback) -> None:
        """Change policy, rate or loop."""
        self._transport.set_playback(playback)
        self._wake()

    def play(self) -> None:
        """Go on; start over after the end."""
        if self.state is PlayState.ENDED:
            self._jump(Jump(JumpKind.AT, self._transport.playback.start_s))
        self._transport.play()
        if self.state in (PlayState.PAUSED, PlayState.ENDED):
            self.state = PlayState.PLAYING
        self.statistics.interrupted()

    def pause(self) -> None:
        """Stop at the frame on display."""
        self._transport.pause()
        if self.state is PlayState.PLAYING:
            self.state = PlayState.PAUSED

    def seek(self, pts_s: float) -> None:
        """Show the first frame at or after `pts_s`."""
        self._jump(Jump(JumpKind.AT, max(0.0, pts_s)))

    def step(self, frames: int) -> None:
        """Pause and move by `frames`."""
        current = self.presenter.current
        self.pause()
        if frames > 0 and self.state is not PlayState.ENDED:
            self._transport.step_forward(frames)
        elif frames < 0 and current is not None:
            self._jump(Jump(JumpKind.BEFORE, current.frame.pts_s, repeat=-frames))

    def start_recording(self, request: RecordingRequest) -> None:
        """Record from the next frame on; before `open`, from its first frame on."""
        self.recorder.start(request)

    def stop_recording(self) -> None:
        """Finalise the recording."""
        self.recorder.stop()

    def run_on_engine[T](self, job: EngineJob[T]) -> Future[T]:
        """Run a measurement on the engine thread with nothing in flight."""
        return self.engine.run_job(job)

    def close(self, timeout_s: float) -> list[str]:
        """Finalise files and stop every thread; return the names of those that did not end."""
        self._stop_capture()
        self.engine.close()
        stuck = join_all(self._threads[:1], timeout_s)
        self.presenter.close()
        stuck += join_all(self._threads[1:2], timeout_s)
        self.recorder.close()
        stuck += join_all(self._threads[2:], timeout_s)
        if stuck:
            log.pipeline.error("threads that did not end: %s", ", ".join(stuck))
        return stuck

    def _jump(self, jump: Jump) -> None:
        info = self.source_info
        if info is None or not info.seekable:
            return
        if self.state is PlayState.ENDED:
            self.state = PlayState.PLAYING if self._transport.playing else PlayState.PAUSED
        self._transport.jump(jump)
        self.engine.frames.clear()
        self.presenter.clear(forget=False)
        self._wake()

    def _wake(self) -> None:
        self.engine.frames.wake()
        self.presenter.wake()

    def _stop_capture(self) -> None:
        self._transport.stop()
        self._wake()
        if self._capture is not None and self._capture_thread is not None:
            self._capture.interrupt()
            if join_all([self._capture_thread], CAPTURE_JOIN_S):
                log.pipeline.error("the source did not stop within %.0f s", CAPTURE_JOIN_S)
        self._capture = self._capture_thread = None

    def _opened(self, transport: Transport, info: SourceInfo) -> None:
        if transport is not self._transport:
            return
        self.source_info = info
        transport.choose_policy(info, None)
        self.state = PlayState.PLAYING if transport.playing else PlayState.PAUSED
        if info.notice:
            self.statistics.notice(("info", info.notice))

    def _source_failed(self, transport: Transport, message: str) -> None:
        if transport is not self._transport:
            return
        self.error, self.state = message, PlayState.FAILED
        self.recorder.stop()

    def _show_without_masks(self, frame: Frame) -> None:
        item = Presentable(frame, None)
        info = self.source_info
        if self.recorder.wanted and info is not None and not info.live:
            self.presenter.put_wait(item, lambda: self._is_stale(frame.epoch))
        else:
            self.presenter.put_newest(item)

    def _engine_outputs(self) -> EngineOutputs:
        return EngineOutputs(
            is_stale=self._is_stale,
            take_turn=lambda epoch, timeout_s: self._transport.take_turn(epoch, timeout_s),
            wants_overlay=lambda: self.recorder.wanted or self._display.wants_image(),
            deliver=self._deliver,
            deliver_bare=lambda frame: self._present(Presentable(frame, None)),
            gates_results=lambda: self._transport.policy is Policy.EVERY_FRAME,
            ended=self._ended,
            ready=self._engine_ready,
            failed=lambda message: self.statistics.notice(("error", message)),
        )

    def _is_stale(self, epoch: int) -> bool:
        return epoch != self._transport.epoch or self._transport.stopped

    def _deliver(self, result: FrameResult) -> None:
        shown = result.detections.visible(self._view.threshold, self._view.hidden_class_ids)
        self.statistics.inferred(result, len(shown))
        transport, info = self._transport, self.source_info
        if info is not None and self.statistics.counters.inferred == 3:
            transport.choose_policy(info, self.statistics.inferred_fps())
        if transport.policy is Policy.KEEP_PACE:
            self.presenter.new_result(result)
        else:
            self._present(Presentable(result.frame, result))

    def _present(self, item: Presentable) -> None:
        try:
            if self.recorder.wanted:
                self.presenter.put_wait(item, lambda: self._is_stale(item.frame.epoch))
            else:
                self.presenter.put_newest(item)
        except Closed:
            log.pipeline.debug("frame %d came after the presenter closed", item.frame.frame_index)

    def _ended(self, end: EndOfStream) -> None:
        if self._is_stale(end.epoch):
            return
        self._transport.pause()
        self.presenter.after_waiting(lambda: self._finish(end))

    def _finish(self, end: EndOfStream) -> None:
        """Enter the final state, once the last frame is drawn and with the recorder."""
        self.recorder.stop()
        if not self._is_stale(end.epoch):
            self.error = end.error
            self.state = PlayState.FAILED if end.error else PlayState.ENDED

    def _engine_ready(self, engine: Engine) -> None:
        info = engine.info
        roi = next(bool(t.effective) for t in info.toggles if t.name == "roi_render")
        self.presenter.set_engine(info.class_names, roi=roi)
        if not self._transport.playing:
            self.infer_current_again()

    def _sink_context(self) -> SinkContext | None:
        source, engine = self.source_info, self.engine.status.info
        if source is None:
            return None
        names = () if engine is None else engine.class_names
        return SinkContext(source, names, self._parts.metadata(source, engine))
