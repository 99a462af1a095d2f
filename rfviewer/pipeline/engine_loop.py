"""The engine thread: the sole owner of the engine. Loads it, feeds it, hands results on."""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from rfviewer import log
from rfviewer.channels import Closed, Feed
from rfviewer.config import EngineConfig, View
from rfviewer.errors import DeviceLostError, EngineError, RfviewerError
from rfviewer.frame import Frame
from rfviewer.interfaces import Engine, EngineFactory, FrameHome
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.capture import EndOfStream
from rfviewer.pipeline.watch import EngineWatch, WatchLimits
from rfviewer.result import DeviceUsage, FrameResult
from rfviewer.snapshot import EnginePhase, EngineStatus

USAGE_PERIOD_NS = 250_000_000
"""How often the device is asked how busy it is."""
MAX_FAILURES_IN_ROW = 10
"""After so many the engine is given up; one bad frame is no reason to."""
HELD_WAIT_S = 0.05
"""How often the loop looks for requests while a pause holds a result back."""

type EngineJob[T] = Callable[[Engine], T]
"""Work for the engine thread with nothing in flight, e.g. a measurement."""


@dataclass(frozen=True, slots=True)
class EngineOutputs:
    """What the loop asks and tells; all called on the engine thread."""

    is_stale: Callable[[int], bool]
    """Whether frames of this epoch may no longer be shown."""
    take_turn: Callable[[Frame, float], bool]
    """Waits up to that many seconds for permission to hand on that frame."""
    wants_overlay: Callable[[], bool]
    """Whether the next frame will be seen or saved."""
    deliver: Callable[[FrameResult], None]
    deliver_bare: Callable[[Frame], None]
    """Takes a frame that no engine has seen, since none could be built."""
    gates_results: Callable[[], bool]
    """Whether results wait for their turn (every-frame) or are published at once (keep-pace)."""
    ended: Callable[[EndOfStream], None]
    ready: Callable[[Engine], None]
    """The engine is new or reconfigured."""
    failed: Callable[[str], None]
    """One sentence about a frame that failed."""


class EngineLoop:
    """`run` is the thread body; requests come from any thread and are met between frames."""

    def __init__(
        self,
        make_engine: EngineFactory,
        config: EngineConfig,
        optimizations: Optimizations,
        outputs: EngineOutputs,
        limits: WatchLimits | None = None,
    ) -> None:
        self.watch = EngineWatch(limits or WatchLimits())
        """Tells when the engine does not come back."""
        self.frames: Feed[Frame | EndOfStream] = Feed(capacity=4)
        """Where the capture thread puts frames."""
        self._make_engine = make_engine
        self._outputs = outputs
        self._lock = threading.Lock()
        self._config = config
        self._wanted_config: EngineConfig | None = config
        self._wanted_optimizations = optimizations
        self._view = View()
        self._jobs: deque[tuple[EngineJob[Any], Future[Any]]] = deque()
        self._engine: Engine | None = None
        self._held: deque[FrameResult | Frame | EndOfStream] = deque()
        self._applied: Optimizations | None = None
        self._status = EngineStatus(EnginePhase.LOADING, "Starting")
        self._usage = DeviceUsage(None, "not measured: no engine yet")
        self._usage_time_ns = 0
        self._failures_in_row = 0

    @property
    def status(self) -> EngineStatus:
        """Phase of the engine and what it is."""
        return self._status

    @property
    def config(self) -> EngineConfig:
        """What is being loaded or in use; a refused one gives way to the one before."""
        return self._wanted_config or self._config

    @property
    def loaded_config(self) -> EngineConfig:
        """What the present engine was made from; on the engine thread."""
        return self._config

    @property
    def usage(self) -> DeviceUsage:
        """GPU idle share and memory, at most a quarter of a second old while frames flow."""
        return self._usage

    @property
    def in_flight(self) -> int:
        """Frames in flight now, for display."""
        engine = self._engine
        return 0 if engine is None else engine.in_flight

    def home(self, frame: Frame) -> Frame:
        """Return `frame` in the engine's own memory where it has some; from any thread."""
        engine: object = self._engine
        return engine.home(frame) if isinstance(engine, FrameHome) else frame

    def set_config(self, config: EngineConfig) -> None:
        """Build another engine; the present one stays in use if that fails.

        Meanwhile nothing is inferred: every-frame playback stands still, keep-pace runs on.
        """
        with self._lock:
            self._wanted_config = config
        self.frames.wake()

    def set_optimizations(self, optimizations: Optimizations) -> None:
        """Reconfigure before the next frame; of several requests the newest counts."""
        with self._lock:
            self._wanted_optimizations = optimizations
        self.frames.wake()

    def set_view(self, view: View) -> None:
        """Use this threshold and overlay from the next submitted frame on."""
        with self._lock:
            self._view = view

    def run_job[T](self, job: EngineJob[T]) -> Future[T]:
        """Run `job` on the engine thread with nothing in flight; fails if no engine is ready."""
        future: Future[T] = Future()
        with self._lock:
            self._jobs.append((job, future))
        self.frames.wake()
        return future

    def fail(self, sentence: str) -> None:
        """Show the engine as failed: its thread, or one that it needs, is gone."""
        self._status = EngineStatus(EnginePhase.FAILED, sentence)

    def close(self) -> None:
        """End `run`; frames in flight are dropped."""
        self.frames.close()

    def run(self) -> None:
        """Serve until closed.

        Raises:
            DeviceLostError: the device is of no more use to this process.
        """
        lost = False
        try:
            while True:
                self._carry_out_requests()
                self._advance()
        except Closed:
            log.engine.debug("engine loop closed")
        except DeviceLostError:
            lost = True
            raise
        finally:
            self.frames.close()  # after a crash nobody may wait for this thread
            self._fail_jobs()
            if self._engine is not None and not lost:  # a dead context may hang when it is freed
                self._engine.close()

    def _advance(self) -> None:
        """Take one step: hand on a result, collect one, or take one more frame."""
        if self._held:
            self._hand_on()
            return
        engine = self._engine
        in_flight = 0 if engine is None else engine.in_flight
        if engine is not None and in_flight >= engine.depth:
            self._collect(engine)
            return
        item = self.frames.take(0.0 if in_flight else None)
        if item is None:
            if engine is not None and in_flight:
                self._collect(engine)
            return
        self._carry_out_requests()  # made before this frame came, they count for it
        engine = self._engine
        if isinstance(item, EndOfStream):
            self._drain()
            self._held.append(item)
        elif self._outputs.is_stale(item.epoch):
            pass
        elif engine is None:
            if self._outputs.gates_results():
                self._held.append(item)
        else:
            with self._lock:
                view = self._view
            overlay = view if self._outputs.wants_overlay() else None
            try:
                with self.watch.frame(item.width, item.height):
                    engine.submit(item, view.threshold, overlay)
            except EngineError as error:
                self._frame_failed(error)

    def _collect(self, engine: Engine) -> None:
        try:
            with self.watch:
                result = engine.collect()
        except EngineError as error:
            self._frame_failed(error)
            return
        self._failures_in_row = 0
        now_ns = time.monotonic_ns()
        if now_ns - self._usage_time_ns > USAGE_PERIOD_NS:
            self._usage_time_ns = now_ns
            self._usage = engine.device_usage()
        if self._outputs.is_stale(result.frame.epoch):
            return
        if self._outputs.gates_results():
            self._held.append(result)
        else:
            self._outputs.deliver(result)

    def _frame_failed(self, error: EngineError) -> None:
        log.engine.warning("a frame failed: %s", error)
        if isinstance(error, DeviceLostError):
            raise error
        self._outputs.failed(str(error))
        self._failures_in_row += 1
        if self._failures_in_row >= MAX_FAILURES_IN_ROW and self._engine is not None:
            # The video goes on without masks instead of standing still for ever.
            sentence = f"The engine failed on {self._failures_in_row} frames in a row: {error}"
            self._engine.close()
            self._engine = None
            self._status = EngineStatus(EnginePhase.FAILED, sentence)
            self._outputs.failed(sentence)

    def _hand_on(self) -> None:
        item = self._held[0]
        if isinstance(item, EndOfStream):
            self._held.popleft()
            if not self._outputs.is_stale(item.epoch):
                self._outputs.ended(item)
            return
        frame = item.frame if isinstance(item, FrameResult) else item
        if self._outputs.is_stale(frame.epoch):
            self._held.popleft()
        elif self._outputs.take_turn(frame, HELD_WAIT_S):
            self._held.popleft()
            if isinstance(item, Frame):
                self._outputs.deliver_bare(item)
            else:
                self._outputs.deliver(item)

    def _drain(self) -> None:
        engine = self._engine
        while engine is not None and engine.in_flight:
            self._collect(engine)

    def _carry_out_requests(self) -> None:
        with self._lock:
            config, self._wanted_config = self._wanted_config, None
            optimizations = self._wanted_optimizations
        if config is not None:
            self._drain()
            self._load(config, optimizations)
        engine = self._engine
        if engine is not None and optimizations != self._applied:
            self._drain()
            self._configure(engine, optimizations)
        while self._jobs:
            self._drain()  # first: should it fail, the job is still there to be cancelled
            with self._lock:
                job, future = self._jobs.popleft()
            self._run_job(job, future)

    def _configure(self, engine: Engine, optimizations: Optimizations) -> None:
        """Apply `optimizations`; if that fails, say so and stay with those in effect."""
        before = self._status
        try:
            engine.configure(optimizations)
        except DeviceLostError:
            raise
        except EngineError as error:
            log.engine.warning("the optimizations could not be applied: %s", error)
            self._status = before  # the engine may have told of steps meanwhile
            self._outputs.failed(str(error))
            self._applied = optimizations  # not to be tried again with every frame
        else:
            self._became_ready(engine, optimizations)

    def _load(self, config: EngineConfig, optimizations: Optimizations) -> None:
        def progress(step: str, index: int, count: int) -> None:
            if self.frames.closed:
                raise EngineError("Loading was given up because the session closes.")
            self._status = EngineStatus(EnginePhase.LOADING, step, index, count)

        previous, before, config_before = self._engine, self._status, self._config
        self._config = config
        progress("Loading the model", 1, 1)
        try:
            engine = self._make_engine(config, optimizations, progress)
        except DeviceLostError:
            raise
        except RfviewerError as error:
            message = str(error)
        except Exception as error:  # noqa: BLE001 - shown to the user, and the video goes on
            log.engine.exception("the engine could not be built")
            message = f"The engine could not be built because of an unexpected fault ({error})."
        else:
            if previous is not None:
                previous.close()
            self._engine = engine
            self._became_ready(engine, optimizations)
            return
        if previous is not None:
            self._status, self._config = before, config_before
            self._outputs.failed(f"{message} The previous model stays in use.")
            return
        self._status = EngineStatus(EnginePhase.FAILED, message)
        self._outputs.failed(message)

    def _became_ready(self, engine: Engine, optimizations: Optimizations) -> None:
        self._applied = optimizations
        self._failures_in_row = 0
        self.watch.renewed()
        self._status = EngineStatus(EnginePhase.READY, info=engine.info)
        self._usage = engine.device_usage()
        self._outputs.ready(engine)

    def _run_job(self, job: EngineJob[Any], future: Future[Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        if self._engine is None:
            future.set_exception(EngineError("No engine is ready; choose a model first."))
            return
        try:
            future.set_result(job(self._engine))
        except Exception as error:
            log.engine.info("a job on the engine failed: %s", error)
            future.set_exception(error)
            if isinstance(error, DeviceLostError):
                raise

    def _fail_jobs(self) -> None:
        with self._lock:
            jobs = list(self._jobs)
            self._jobs.clear()
        for _, future in jobs:
            future.cancel()
