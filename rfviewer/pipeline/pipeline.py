"""Wires source, engine, presenter and recorder together; starts and stops every thread."""

import time
from concurrent.futures import Future
from dataclasses import replace
from functools import partial

from rfviewer import log
from rfviewer.config import EngineConfig, Policy, Settings, View
from rfviewer.errors import RfviewerError
from rfviewer.experiment import LabRequest
from rfviewer.interfaces import Engine, RecordingRequest, SinkContext
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.delivery import Delivery
from rfviewer.pipeline.engine_keeper import EngineJob
from rfviewer.pipeline.engine_loop import EngineLoop, EngineOutputs
from rfviewer.pipeline.experiments import Experiments, Scene
from rfviewer.pipeline.parity_watch import ParityWatcher
from rfviewer.pipeline.parts import Parts
from rfviewer.pipeline.playing import Playing
from rfviewer.pipeline.presenter import Display, Presenter
from rfviewer.pipeline.recent import RecentFrames
from rfviewer.pipeline.recorder import Recorder
from rfviewer.pipeline.split_view import SplitSource, SplitView
from rfviewer.pipeline.statistics import Statistics
from rfviewer.pipeline.threads import join_all, start_thread, told_on_closing
from rfviewer.pipeline.transport import Transport
from rfviewer.result import FrameResult
from rfviewer.snapshot import EnginePhase

CLOSE_CAPTURE_S = 0.8
"""How long closing waits for the source; a thread stuck in a driver is left behind."""


class Pipeline:
    """The running whole. Methods are called by one thread and return at once, except `close`."""

    def __init__(self, parts: Parts, settings: Settings, display: Display) -> None:
        self.statistics = Statistics()
        self._parts = parts
        self._view = settings.view
        self._stuck = False
        self.recorder = Recorder(parts.make_sinks, self._sink_context, self.statistics)
        self.presenter = Presenter(
            parts.renderer,
            display,
            self.recorder,
            self.statistics,
            lambda epoch: self.playing.is_outdated(epoch),
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
        self.playing = Playing(
            parts,
            self.engine,
            self._delivery,
            self.presenter,
            self.recorder,
            self.statistics,
            self._opening,
        )
        """What is open, and the commands that move in it."""
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

    def _opening(self) -> None:
        self.experiments.stop("Stopped, since another source was opened.")
        self._recent.clear()

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
        if lowered and not self.playing.transport.playing:
            self.playing.infer_current_again()

    def start_recording(self, request: RecordingRequest) -> None:
        """Record from the next frame on; before `open`, from its first frame on."""
        self.recorder.start(request)

    def stop_recording(self) -> None:
        """Finalise the recording."""
        self.recorder.stop()

    def start_lab(self, request: LabRequest) -> None:
        """Run an experiment with the last frames; the video stands still meanwhile."""
        fps = self.statistics.inferred_fps
        playback = self.playing.transport.playback
        scene = Scene(self._view, playback, self.playing.source_info, self.playing.uri, fps)
        self.experiments.start(request, scene)

    def run_on_engine[T](self, job: EngineJob[T]) -> Future[T]:
        """Run a measurement on the engine thread with nothing in flight."""
        return self.engine.run_job(job)

    def close(self, timeout_s: float, *, finish_pass: bool = False) -> list[str]:
        """Finalise files and stop every thread; return the names of those that did not end.

        A thread that is stuck leaves half of the time to those behind it, which hold the files.
        `finish_pass` waits for a pass of the network as long as the watch allows one to take.
        """
        deadline = time.monotonic() + timeout_s
        self.recorder.hurry(deadline)
        self.parity.close()
        capture = self.playing.leave()
        stuck = [] if capture is None else capture.join(min(CLOSE_CAPTURE_S, timeout_s / 2))
        closers = (self.engine.close, self.presenter.close, self.recorder.close)
        # A recorder that hung was reported then, and is not waited for.
        threads = [*self._threads[:2], self.recorder.replacement or self._threads[2]]
        shares = (0.0 if self._stuck else 0.5, 0.5, 1.0)
        for close, thread, share in zip(closers, threads, shares, strict=True):
            close()
            stuck += join_all([thread], share * (deadline - time.monotonic()))
        stuck += join_all(self.parity.threads, deadline - time.monotonic())
        engine = self._threads[0]
        loading = self.engine.status.phase is EnginePhase.LOADING
        if finish_pass and engine.name in stuck and not self._stuck and not loading:
            self._stuck = bool(join_all([engine], self.engine.watch.allowed_s))
            if not self._stuck:
                stuck.remove(engine.name)
        self._tell_left(stuck)
        return stuck

    def _tell_left(self, names: list[str]) -> None:
        """Tell which threads hang; one that merely computes still is no fault, and only logged."""
        if not names:
            return
        computing = {thread.name for thread in self.parity.threads}
        if not self._stuck:
            computing.add(self._threads[0].name)
        slow = [name for name in names if name in computing]
        hanging = [name for name in names if name not in computing]
        if slow:
            log.pipeline.info("left in the middle of their work: %s", ", ".join(slow))
        if hanging:
            log.pipeline.error("threads that did not end: %s", ", ".join(hanging))
        told_on_closing.set()

    def _crashed(self, name: str, error: Exception) -> None:
        """Tell that a thread is gone, without which nothing more is shown or saved."""
        if isinstance(error, RfviewerError):
            self._lose(str(error))
        else:
            self._lose(f"The {name} stopped because of an unexpected fault ({error}).")

    def look(self) -> None:
        """Notice an engine that does not come back; to be called several times a second."""
        silent_s = self.engine.watch.look()
        if silent_s is not None and not self.playing.lost:
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
        self.playing.lose(sentence)

    def _wants_overlay(self) -> bool:
        """Whether the next frame will be drawn with its own result: keep-pace draws later ones."""
        if self.playing.transport.policy is not Policy.EVERY_FRAME:
            return False
        return self.recorder.needs_images or self._display.wants_image()

    def _engine_outputs(self) -> EngineOutputs:
        return EngineOutputs(
            is_stale=self._delivery.is_stale,
            take_turn=lambda frame, timeout_s: self.playing.transport.take_turn(
                frame.epoch, timeout_s, frame.pts_s
            ),
            wants_overlay=self._wants_overlay,
            deliver=self._deliver,
            deliver_bare=self._delivery.deliver_bare,
            gates_results=lambda: self.playing.transport.policy is Policy.EVERY_FRAME,
            ended=lambda end: self.presenter.after_waiting(lambda: self.playing.finish(end)),
            ready=self._engine_ready,
            failed=lambda message: self.statistics.notice(("error", message)),
        )

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
        if not self.playing.transport.playing:
            self.playing.infer_current_again()

    def _sink_context(self) -> SinkContext | None:
        source, engine = self.playing.source_info, self.engine.status.info
        if source is None:
            return None
        names = () if engine is None else engine.class_names
        return SinkContext(source, names, self._parts.metadata(source, engine))
