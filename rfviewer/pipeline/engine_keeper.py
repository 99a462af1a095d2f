"""Keeps the engine: builds, reconfigures and lends it as others ask, with nothing in flight.

Requests come from any thread and are met by the engine thread, between frames.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from rfviewer import log
from rfviewer.config import EngineConfig
from rfviewer.errors import DeviceLostError, EngineError, RfviewerError
from rfviewer.interfaces import (
    BatchingEngine,
    Engine,
    EngineFactory,
    PreparingEngine,
    RelaunchingEngine,
)
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.frames_a_pass import given_to_engine, shown_to_user
from rfviewer.pipeline.watch import EngineWatch
from rfviewer.result import EngineInfo
from rfviewer.snapshot import EnginePhase, EngineStatus

type EngineJob[T] = Callable[[Engine], T]
"""Work for the engine thread with nothing in flight, e.g. a measurement."""


@dataclass(frozen=True, slots=True)
class KeeperOutputs:
    """What the keeper asks and tells; all called on the engine thread."""

    drain: Callable[[], None]
    """Collects whatever is in flight."""
    is_closing: Callable[[], bool]
    """Whether a load is to be given up."""
    ready: Callable[[Engine], None]
    """The engine is new or reconfigured."""
    failed: Callable[[str], None]
    """One sentence about what could not be had."""


class EngineKeeper:
    """`set_config`, `set_optimizations` and `run_job` from any thread, the rest on the engine's."""

    def __init__(
        self,
        make_engine: EngineFactory,
        config: EngineConfig,
        optimizations: Optimizations,
        outputs: KeeperOutputs,
        watch: EngineWatch,
        *,
        frames_may_wait: bool,
    ) -> None:
        """Ask for a first engine.

        `watch` notices one that hangs; `frames_may_wait` lets frames wait for others that share
        their pass (`micro_batch`).
        """
        self.engine: Engine | None = None
        """None before the first one is built, and after one was given up."""
        self.batching: BatchingEngine | None = None
        """The same engine where it lets frames share a pass."""
        self.relaunching: RelaunchingEngine | None = None
        """The same engine where it takes a next frame before the oldest result is read."""
        self.is_preparing = False
        """Whether optimizations are being made ready while those before serve."""
        self._preparing: PreparingEngine | None = None
        self.status = EngineStatus(EnginePhase.LOADING, "Starting")
        """Phase of the engine and what it is; from any thread."""
        self._make_engine = make_engine
        self._outputs = outputs
        self._watch = watch
        self._frames_may_wait = frames_may_wait
        self._lock = threading.Lock()
        self._config = config
        self._wanted_config: EngineConfig | None = config
        self._wanted_optimizations = optimizations
        self._applied: Optimizations | None = None
        self._jobs: deque[tuple[EngineJob[Any], Future[Any]]] = deque()

    @property
    def config(self) -> EngineConfig:
        """What is being loaded or in use; a refused one gives way to the one before."""
        return self._wanted_config or self._config

    @property
    def loaded_config(self) -> EngineConfig:
        """What the present engine was made from; on the engine thread."""
        return self._config

    def set_config(self, config: EngineConfig) -> None:
        """Ask for another engine; the present one stays in use if that fails."""
        with self._lock:
            self._wanted_config = config

    def set_optimizations(self, optimizations: Optimizations) -> None:
        """Ask for other optimizations; of several requests the newest counts."""
        with self._lock:
            self._wanted_optimizations = optimizations

    def run_job[T](self, job: EngineJob[T]) -> Future[T]:
        """Ask for `job` to be run on the engine thread; fails if no engine is ready then."""
        future: Future[T] = Future()
        with self._lock:
            self._jobs.append((job, future))
        return future

    def in_effect(self, optimizations: Optimizations) -> Optimizations:
        """Return what the engine is given where `optimizations` are asked for."""
        return given_to_engine(optimizations, frames_may_wait=self._frames_may_wait)

    def carry_out_requests(self, *, step: bool = True) -> None:
        """Do what was asked for since the last call; `step` False only what takes no time.

        Optimizations that an engine makes ready beside its work take one step a call.
        """
        with self._lock:
            config, self._wanted_config = self._wanted_config, None
            optimizations = self._wanted_optimizations
        if config is not None:
            self._outputs.drain()
            self._load(config, optimizations)
        engine = self.engine
        if engine is None or optimizations == self._applied:
            self.is_preparing = False
        elif (step or not self.is_preparing) and self._is_prepared(optimizations):
            self._outputs.drain()
            self._configure(engine, optimizations)
        while self._jobs:
            self._outputs.drain()  # first: should it fail, the job is still there to be cancelled
            with self._lock:
                job, future = self._jobs.popleft()
            self._run_job(job, future)

    def fail(self, sentence: str) -> None:
        """Show the engine as failed: its thread, or one that it needs, is gone. Any thread."""
        self.status = EngineStatus(EnginePhase.FAILED, sentence)

    def give_up(self, sentence: str) -> None:
        """Close an engine that only fails; there is none from here on."""
        self._close_engine()
        self.fail(sentence)

    def close(self, *, lost: bool) -> None:
        """Cancel what was not met and close the engine; not on a device that is `lost`."""
        with self._lock:
            jobs = list(self._jobs)
            self._jobs.clear()
        for _, future in jobs:
            future.cancel()
        if not lost:  # a dead context may hang when it is freed
            self._close_engine()

    def _close_engine(self) -> None:
        if self.engine is not None:
            self.engine.close()
        self.engine = self.batching = self.relaunching = self._preparing = None

    def _is_prepared(self, optimizations: Optimizations) -> bool:
        """Do one step towards `optimizations`; return whether they can be applied now."""
        if self._preparing is None:
            return True
        if not self.is_preparing:
            self._watch.renewed()  # a step may take longer than a frame
        try:
            with self._watch:
                ready = self._preparing.prepare(self.in_effect(optimizations))
        except DeviceLostError:
            raise
        except EngineError as error:
            self._refused(error, optimizations)
            return False
        self.is_preparing = not ready
        return ready

    def _refused(self, error: EngineError, optimizations: Optimizations) -> None:
        log.engine.warning("the optimizations could not be applied: %s", error)
        self.is_preparing = False
        self._outputs.failed(str(error))
        self._applied = optimizations  # not to be tried again with every frame

    def _configure(self, engine: Engine, optimizations: Optimizations) -> None:
        """Apply `optimizations`; if that fails, say so and stay with those in effect."""
        before = self.status
        try:
            engine.configure(self.in_effect(optimizations))
        except DeviceLostError:
            raise
        except EngineError as error:
            self.status = before  # the engine may have told of steps meanwhile
            self._refused(error, optimizations)
        else:
            self._became_ready(engine, optimizations)

    def _load(self, config: EngineConfig, optimizations: Optimizations) -> None:
        def progress(step: str, index: int, count: int) -> None:
            if self._outputs.is_closing():
                raise EngineError("Loading was given up because the session closes.")
            self.status = EngineStatus(EnginePhase.LOADING, step, index, count)

        previous, before, config_before = self.engine, self.status, self._config
        self._config = config
        progress("Loading the model", 1, 1)
        try:
            engine = self._make_engine(config, self.in_effect(optimizations), progress)
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
            self.engine = engine
            self.batching = engine if isinstance(engine, BatchingEngine) else None
            self.relaunching = engine if isinstance(engine, RelaunchingEngine) else None
            self._preparing = engine if isinstance(engine, PreparingEngine) else None
            self._became_ready(engine, optimizations)
            return
        if previous is not None:
            self.status, self._config = before, config_before
            self._outputs.failed(f"{message} The previous model stays in use.")
            return
        self.fail(message)
        self._outputs.failed(message)

    def _became_ready(self, engine: Engine, optimizations: Optimizations) -> None:
        self._applied, self.is_preparing = optimizations, False
        self._watch.renewed()
        self.status = EngineStatus(EnginePhase.READY, info=self._info(engine, optimizations))
        self._outputs.ready(engine)

    def _info(self, engine: Engine, optimizations: Optimizations) -> EngineInfo:
        return shown_to_user(engine.info, optimizations, frames_may_wait=self._frames_may_wait)

    def _run_job(self, job: EngineJob[Any], future: Future[Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        if self.engine is None:
            future.set_exception(EngineError("No engine is ready; choose a model first."))
            return
        try:
            future.set_result(job(self.engine))
        except Exception as error:
            log.engine.info("a job on the engine failed: %s", error)
            future.set_exception(error)
            if isinstance(error, DeviceLostError):
                raise
