"""The test stand: an engine, recorded frames, and blocks of both under one set of optimizations."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rfviewer.config import View
from rfviewer.errors import RfviewerError
from rfviewer.experiment import ReplayPart
from rfviewer.frame import Frame, U8Array
from rfviewer.interfaces import Engine, RelaunchingEngine, Renderer
from rfviewer.optimizations import Optimizations, toggle_of
from rfviewer.result import FrameResult, ToggleState
from rfviewer.timing import Stage

LATENCY = "latency"
FRAME_TIME = "frame time"
_WARM_FRAMES, _WARM_S = 12, 0.2
"""When a warm-up knows how long a frame takes."""


class Stopped(RfviewerError):  # noqa: N818 - what happened, and no fault
    """Raised by a progress callback to give up an experiment."""

    def __init__(self) -> None:
        super().__init__("Stopped; an incomplete measurement is not reported.")


@dataclass(frozen=True, slots=True)
class Drawing:
    """How results are drawn, where drawing is measured too."""

    renderer: Renderer
    class_names: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Block:
    """What one block measured."""

    frames: tuple[dict[str, float], ...]
    """Milliseconds of each stage, latency and frame time, per counted frame."""
    throttled: bool
    """Whether the GPU held its clock down."""


class Stand:
    """Runs blocks. All calls on the engine thread, with nothing in flight in between.

    Engines keep the buffers of the last two settings, so that alternating costs no warm-up beyond
    the first frame under each.
    """

    def __init__(
        self,
        engine: Engine,
        frames: Sequence[Frame],
        view: View,
        drawing: Drawing | None,
        check: Callable[[], None],
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """`check` is called before every frame and may raise `Stopped`.

        Raises:
            RfviewerError: there are no frames.
        """
        if not frames:
            raise RfviewerError("The lab measures with recent frames; open a source first.")
        self.engine = engine
        self.clock_ns = clock_ns
        self._frames = frames
        self._view = view
        self.drawing = drawing
        self.check = check
        self._configured: Optimizations | None = None

    @property
    def relaunches(self) -> bool:
        """Whether the engine takes a next frame before the oldest result is read."""
        return isinstance(self.engine, RelaunchingEngine)

    def effective(self, optimizations: Optimizations) -> tuple[ToggleState, ...]:
        """Return what really runs of `optimizations`."""
        self._configure(optimizations)
        return self.engine.info.toggles

    def network(self, optimizations: Optimizations, count: int) -> Sequence[float]:
        """Return the times in ms of the bare network for `count` frames."""
        self._configure(optimizations)
        return self.engine.replay_backend(count)

    def results(self, optimizations: Optimizations, count: int) -> list[FrameResult]:
        """Return the results of the first `count` frames, one at a time."""
        self._configure(_one_at_a_time(optimizations))
        found = []
        for index in range(count):
            self.check()
            self.engine.submit(self._frame(index), self._view.threshold, self._overlay(draw=True))
            found.append(self.engine.collect())
        return found

    def warm_up(self, optimizations: Optimizations) -> float:
        """Run some frames and return the time of the quickest one in seconds, but for the first.

        Two where they are slow, more where they are fast: one alone may be disturbed.
        """
        begun_ns = self.clock_ns()
        times = [frame[FRAME_TIME] for frame in self.stages(optimizations, 0, 2).frames]
        while len(times) < _WARM_FRAMES and (self.clock_ns() - begun_ns) / 1e9 < _WARM_S:
            times.append(self.stages(optimizations, len(times), 1).frames[0][FRAME_TIME])
        return min(times[1:]) / 1e3

    def stages(
        self, optimizations: Optimizations, first: int, count: int, *, draw: bool = True
    ) -> Block:
        """Run `count` frames one at a time, from recorded frame number `first` on.

        Each has a pass of its own, whatever `micro_batch` says: it would wait for nothing.
        Drawing is always measured as a stage; `draw` makes it part of the frame time.
        """
        self._configure(_one_at_a_time(optimizations))
        measured = []
        for index in range(first, first + count):
            self.check()
            start_ns = self.clock_ns()
            self.engine.submit(self._frame(index), self._view.threshold, self._overlay(draw=True))
            result = self.engine.collect()
            drawn_ms = self.draw(result)
            elapsed_ms = (self.clock_ns() - start_ns) / 1e6
            stages = {str(stage): ms for stage, ms in result.timings.stages_ms.items()}
            if drawn_ms is not None:
                render = str(Stage.RENDER)
                stages[render] = stages.get(render, 0.0) + drawn_ms
            stages[LATENCY] = result.timings.latency_ms
            stages[FRAME_TIME] = elapsed_ms - (0.0 if draw or drawn_ms is None else drawn_ms)
            measured.append(stages)
        return Block(tuple(measured), self._throttled())

    def throughput(
        self, optimizations: Optimizations, first: int, count: int, *, draw: bool
    ) -> Block:
        """Run frames with as many in flight as `optimizations` say; measure `count` intervals.

        Where frames share passes, whole passes are measured: at least `count` intervals. Filling
        the slots is not counted. `draw` draws every frame on this thread, which overlaps
        the work of those in flight.
        """
        self._configure(optimizations)
        engine, has_room = self.engine, self._room()
        batch = effective_set(engine.info.toggles).micro_batch
        count = -(-count // batch) * batch
        enough = count + engine.depth + batch  # all slots are busy until the last interval ends
        submitted = collected = 0
        start_ns = self.clock_ns()
        while collected <= count:
            while submitted < enough and has_room():
                self.check()
                frame = self._frame(first + submitted)
                engine.submit(frame, self._view.threshold, self._overlay(draw=draw))
                submitted += 1
            result = engine.collect()
            if draw:
                self.draw(result)
            collected += 1
            if collected == 1:
                start_ns = self.clock_ns()
        frame_ms = (self.clock_ns() - start_ns) / 1e6 / count
        self.drain()
        return Block(({FRAME_TIME: frame_ms},), self._throttled())

    def replay(self, part: ReplayPart, optimizations: Optimizations, count: int) -> list[float]:
        """Return the milliseconds of `count` runs of a part, on the first recorded frame."""
        self._configure(replace(optimizations, depth=1))
        return list(self.engine.replay_part(part, self._frame(0), count))

    def drain(self) -> None:
        """Collect whatever is in flight."""
        while self.engine.in_flight:
            self.engine.collect()

    def _configure(self, optimizations: Optimizations) -> None:
        if optimizations != self._configured:
            self._configured = None
            self.engine.configure(optimizations)
            self._configured = optimizations

    def _room(self) -> Callable[[], bool]:
        """Return what tells whether the engine takes another frame, as the engine thread asks."""
        engine = self.engine
        if isinstance(engine, RelaunchingEngine):
            return engine.make_room
        return lambda: engine.in_flight < engine.depth

    def _frame(self, index: int) -> Frame:
        return self._frames[index % len(self._frames)]

    def _overlay(self, *, draw: bool) -> View | None:
        return self._view if draw and self.drawing is not None else None

    def draw(self, result: FrameResult) -> float | None:
        """Draw a result and return the milliseconds it took; None where nothing is drawn."""
        if self.drawing is None:
            return None
        start_ns = self.clock_ns()
        self.image(result)
        return (self.clock_ns() - start_ns) / 1e6

    def image(self, result: FrameResult) -> U8Array:
        """Return a result drawn as the window would, BGRA (H, W, 4)."""
        if self.drawing is None:
            raise RfviewerError("Nothing is drawn on this stand.")
        shown = result.detections.visible(self._view.threshold, self._view.hidden_class_ids)
        return self.drawing.renderer.render(
            result.frame,
            shown,
            self._view,
            self.drawing.class_names,
            roi=result.optimizations.roi_render,
            composited=None if result.composited is None else result.composited.copy(),
        )

    def _throttled(self) -> bool:
        return bool(self.engine.device_usage().throttle)


def _one_at_a_time(optimizations: Optimizations) -> Optimizations:
    return replace(optimizations, depth=1, micro_batch=1)


def effective_set(states: Sequence[ToggleState]) -> Optimizations:
    """Return the optimizations that really run."""
    values: dict[str, Any] = {state.name: state.effective for state in states}
    return replace(Optimizations(), **values)


def draws(a: Optimizations, b: Optimizations) -> bool:
    """Whether the two differ in how frames are drawn, so that drawing belongs to the comparison."""
    names = [name for name in a.__dataclass_fields__ if getattr(a, name) != getattr(b, name)]
    return any(toggle_of(name).stage is Stage.RENDER for name in names)
