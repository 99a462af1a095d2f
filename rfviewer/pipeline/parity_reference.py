"""The reference engine of the live comparison and the thread that owns it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from rfviewer import log
from rfviewer.channels import Closed, Feed
from rfviewer.config import EngineConfig
from rfviewer.detections import Detections
from rfviewer.errors import DeviceLostError, EngineError, RfviewerError
from rfviewer.experiment import Badge, ParityReading
from rfviewer.interfaces import Engine, EngineFactory
from rfviewer.lab.badge import badge_of
from rfviewer.lab.describe import describe_difference, plain_difference
from rfviewer.lab.gate import Gate
from rfviewer.lab.parity import effective
from rfviewer.lab.tolerance import tolerance_between
from rfviewer.lab.worst_frame import WorstFrame
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.parity_worst import SaveComparison, WorstPicture
from rfviewer.result import EngineInfo, FrameResult

MAX_FAILURES_IN_ROW = 3
"""After so many the reference is given up; one bad frame is no reason to."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A live result to be compared."""

    result: FrameResult
    engine: EngineInfo
    """What made it."""


@dataclass(frozen=True, slots=True, eq=False)
class ComparedPair:
    """One frame with both results."""

    reference: Detections
    """Decoded a little below the candidate's threshold."""
    candidate: FrameResult


class Reference:
    """Loads its engine and compares what it is given. `run` is the thread body."""

    def __init__(
        self,
        make_engine: EngineFactory,
        config: EngineConfig,
        optimizations: Optimizations,
        save_comparison: SaveComparison | None,
        compared: Callable[[], None],
    ) -> None:
        self._make_engine = make_engine
        self._config, self._optimizations = config, optimizations
        self._compared = compared
        self._lock = threading.Lock()
        self._tasks: Feed[Task] = Feed(capacity=1)
        self._picture = WorstPicture(save_comparison)
        self._reading = ParityReading(badge=Badge.WAITING, reason="The reference is being loaded.")
        self._skipped = 0
        self._newest: Task | None = None
        self._pair: ComparedPair | None = None
        self._gate: Gate | None = None
        self._settings: object = None
        self._failures_in_row = 0

    @property
    def reading(self) -> ParityReading:
        """The outcome so far."""
        return replace(self._reading, skipped=self._skipped)

    @property
    def pair(self) -> ComparedPair | None:
        """The frame compared last."""
        return self._pair

    def put(self, task: Task) -> None:
        """Compare that result next, in place of one that still waits; any thread, at once."""
        with self._lock:
            newest, self._newest = self._newest, task
            if newest is not None and newest.result is task.result:
                return
            try:
                self._skipped += self._tasks.put_newest(task)
            except Closed:
                log.pipeline.debug("a result came after the reference had ended")

    def close(self) -> None:
        """End `run` after the current frame."""
        self._tasks.discard(lambda _: True)
        self._tasks.close()

    def fail(self, sentence: str) -> None:
        """Show that there is no reference, and why."""
        self._reading = replace(self._reading, badge=Badge.UNAVAILABLE, reason=sentence)

    def run(self) -> None:
        """Load, then compare until closed."""
        engine: Engine | None = None
        try:
            engine = self._load()
            while engine is not None and self._failures_in_row < MAX_FAILURES_IN_ROW:
                task = self._tasks.take()
                if task is not None:
                    self._serve(engine, task)
        except Closed:
            log.pipeline.debug("parity reference closed")
        except DeviceLostError as error:
            self.fail(str(error))
            engine = None  # freeing anything on a lost device may hang
        finally:
            self._tasks.close()
            self._pair = None  # its frame would stay in memory
            self._picture.close()
            if engine is not None:
                engine.close()

    def _load(self) -> Engine | None:
        def progress(step: str, index: int, count: int) -> None:
            if self._tasks.closed:
                raise EngineError("Loading was given up because the comparison ended.")
            reason = f"The reference is being loaded: {step}, {index} of {count}."
            self._reading = replace(self._reading, reason=reason)

        progress("Loading the model", 1, 1)
        try:
            engine = self._make_engine(self._config, self._optimizations, progress)
        except RfviewerError as error:
            if not self._tasks.closed:
                log.pipeline.warning("no reference: %s", error)
            self.fail(str(error))
            return None
        self._reading = replace(self._reading, reason="No frame was compared yet.")
        return engine

    def _serve(self, engine: Engine, task: Task) -> None:
        try:
            self._compare(engine, task)
            self._failures_in_row = 0
        except DeviceLostError:
            raise
        except EngineError as error:
            log.pipeline.warning("the reference failed on a frame: %s", error)
            self._failures_in_row += 1
            if self._failures_in_row >= MAX_FAILURES_IN_ROW:
                self.fail(f"The reference failed on several frames in a row: {error}")
            elif self._reading.badge is Badge.WAITING:
                self._reading = replace(self._reading, reason=str(error))

    def _compare(self, engine: Engine, task: Task) -> None:
        result, info = task.result, engine.info
        gate = self._gate_for(task, info)
        engine.submit(result.frame, gate.decode_threshold)
        reference = engine.collect()
        comparison = gate.add(reference, result, result.frame)
        both = effective(info), result.optimizations
        if comparison.badness > self._picture.badness:
            worst = WorstFrame(result.frame, reference.detections, result.detections, comparison)
            titles = describe_difference(*both, most=6)
            self._picture.keep(worst, info.class_names, titles)
        total = replace(gate.result(), worst_png=self._picture.path)
        badge, reason = badge_of(total, gate.strain)
        sides = plain_difference(*both)
        if (info.backend, info.precision) != (task.engine.backend, task.engine.precision):
            sides = (
                f"{info.backend} {info.precision}",
                f"{task.engine.backend} {task.engine.precision}",
            )
        self._reading = ParityReading(
            badge=badge,
            reason=" ".join(filter(None, (reason, self._picture.error))),
            compared=total.frames,
            last_frame=result.frame.frame_index,
            total=total,
            sides=sides,
        )
        self._pair = ComparedPair(reference.detections, result)
        self._compared()

    def _gate_for(self, task: Task, info: EngineInfo) -> Gate:
        """Return the gate of the present settings; a new one when they have changed."""
        result, made_by = task.result, task.engine
        identity = (made_by.model, made_by.backend, made_by.device, made_by.precision)
        settings = (identity, made_by.resize, result.optimizations, result.threshold)
        if self._gate is None or settings != self._settings:
            if self._gate is not None:
                self._skipped = 0
            self._settings = settings
            self._picture.forget()
            tolerance = tolerance_between(info, made_by, effective(info), result.optimizations)
            self._gate = Gate(
                tolerance, result.threshold, class_names=made_by.class_names, candidate_cut=True
            )
        return self._gate
