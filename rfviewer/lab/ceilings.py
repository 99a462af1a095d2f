"""Ceilings: how fast each part could go if nothing else cost anything, and which one binds."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

from rfviewer.detections import Detections
from rfviewer.errors import EngineError
from rfviewer.experiment import Ceiling, CeilingsRequest, CeilingsResult, ReplayPart
from rfviewer.frame import Frame, SourceInfo, U8Array
from rfviewer.interfaces import FrameSource, Progress, Sink, SinkItem
from rfviewer.lab.bound import CLOSE, Alone, Bound, Pace, bound_of_ceilings
from rfviewer.lab.stand import FRAME_TIME, Stand, effective_set
from rfviewer.result import FrameResult

ROUNDS = 5
"""Turns that every measurement gets, so that drift falls on all of them alike."""
NETWORK = "bare network"
SLOT = "whole slot"
DECODE = "decode"
DRAWING = "drawing"
ENCODE = "encode"
_BOUNDS = {DECODE: Bound.DECODE, DRAWING: Bound.DISPLAY, ENCODE: Bound.ENCODE}
_MOST = 64
"""Frames of one turn."""

type Parts = frozenset[str]


@dataclass(frozen=True, slots=True)
class Probes:
    """What other threads than the engine's do, to be measured on this one."""

    open_source: Callable[[], FrameSource] | None = None
    """Opens the source once more, from its start."""
    source: SourceInfo | None = None
    open_sink: Callable[[], Sink] | None = None
    """Makes an encoder that writes into a temporary file."""
    running_fps: float | None = None
    """Rate of the whole path just before; None takes the engine's alone."""
    paced_fps: float | None = None
    """Rate at which the source hands out frames, where it does not run freely."""
    no_source: str = "the source cannot be opened twice"
    no_sink: str = "nothing is being encoded"

    @property
    def pace(self) -> Pace | None:
        """The pace of the source, where it has one."""
        if self.paced_fps is None:
            return None
        return Pace(fps=self.paced_fps, live=self.source is not None and self.source.live)


@dataclass(slots=True)
class _Measurement:
    """One ceiling under way."""

    name: str
    run: Callable[[], float]
    """Measures one turn; returns milliseconds per frame."""
    values_ms: list[float]

    @property
    def ceiling(self) -> Ceiling:
        """What came out; the median over the turns."""
        return Ceiling(self.name, 1e3 / max(median(self.values_ms), 1e-6))


def measure_ceilings(
    stand: Stand, request: CeilingsRequest, probes: Probes, progress: Progress
) -> CeilingsResult:
    """Measure every ceiling in turns, and name what binds the running configuration.

    Raises:
        RfviewerError: the engine, the source or the encoder failed, or the check gave up.
    """
    progress("Warming up", 0, 0)
    with ExitStack() as stack:
        bench = _Ceilings(stand, request, probes, stack)
        for number in range(1, ROUNDS + 1):
            for measurement in bench.measurements:
                progress(f"round {number} of {ROUNDS}: {measurement.name}", number, ROUNDS)
                stand.check()
                measurement.values_ms.append(measurement.run())
    return bench.result()


class _Ceilings:
    """Everything that is measured, and why the rest is not."""

    def __init__(
        self, stand: Stand, request: CeilingsRequest, probes: Probes, stack: ExitStack
    ) -> None:
        self._stand, self._target, self._probes = stand, request.target, probes
        self._missing: list[Ceiling] = []
        self.measurements: list[_Measurement] = []
        frame_s = stand.warm_up(request.target)
        depth = effective_set(stand.effective(request.target)).depth
        self._count = max(1, min(_MOST, round(request.seconds / ROUNDS / frame_s)))
        self._slots = f"{depth} slots"
        self._network()
        self._add(SLOT, lambda: self._block(depth=1))
        if depth > 1:
            self._add(self._slots, lambda: self._block(depth=depth))
        results = stand.results(request.target, min(8, self._count))
        self._drawing(results)
        self._decode(stack)
        self._encode(stack, results)

    def result(self) -> CeilingsResult:
        """Return the ceilings, the running rate and what binds it."""
        found = {one.name: one.ceiling for one in self.measurements}
        slots = found.get(self._slots, found[SLOT])
        running = self._probes.running_fps or slots.fps or 0.0
        ceilings = (*found.values(), *self._missing)
        names = Alone(network=NETWORK, slots=slots.name, others=_BOUNDS)
        bound = bound_of_ceilings(ceilings, names, self._probes.pace, running)
        verdict = bound.sentence
        if running < CLOSE * min(fps for fps in (one.fps for one in ceilings) if fps is not None):
            verdict += f"; side by side they reach {running:.1f}, as they share the machine"
        return CeilingsResult(
            ceilings=ceilings, running_fps=running, bound=bound.bound, verdict=verdict
        )

    def _add(self, name: str, run: Callable[[], float]) -> None:
        self.measurements.append(_Measurement(name, run, []))

    def _miss(self, name: str, reason: str) -> None:
        self._missing.append(Ceiling(name, None, reason))

    def _block(self, *, depth: int) -> float:
        wanted = replace(self._target, depth=depth)
        block = self._stand.throughput(wanted, 0, self._count, draw=False)
        return block.frames[0][FRAME_TIME]

    def _network(self) -> None:
        engine = self._stand.engine
        if engine.info.input_wh == (0, 0):
            for name in (NETWORK, *ReplayPart):
                self._miss(name, "the model has no network")
            return
        self._add(NETWORK, lambda: _mean(self._stand.network(self._target, self._count)))
        for part in ReplayPart:
            self._add(part.value, partial(self._part, part))

    def _part(self, part: ReplayPart) -> float:
        return _mean(self._stand.replay(part, self._target, self._count))

    def _drawing(self, results: Sequence[FrameResult]) -> None:
        if self._stand.drawing is None:
            self._miss(DRAWING, "nothing is drawn here")
            return

        def run() -> float:
            return _mean([self._stand.draw(result) or 0.0 for result in results])

        self._add(DRAWING, run)

    def _decode(self, stack: ExitStack) -> None:
        probes = self._probes
        if probes.open_source is None:
            self._miss(DECODE, probes.no_source)
            return
        source = probes.open_source()
        stack.callback(source.close)

        def run() -> float:
            clock = self._stand.clock_ns
            start_ns, count = clock(), 0
            while count < _MOST and (clock() - start_ns) / 1e9 < 0.4:
                self._stand.check()
                if source.read() is None:
                    source.seek(0.0)
                    if count == 0 and source.read() is None:
                        raise EngineError("The source has no frames to decode.")
                count += 1
            return (clock() - start_ns) / 1e6 / count

        self._add(DECODE, run)

    def _encode(self, stack: ExitStack, results: Sequence[FrameResult]) -> None:
        probes = self._probes
        if probes.open_sink is None:
            self._miss(ENCODE, probes.no_sink)
            return
        sink = stack.enter_context(probes.open_sink())
        images = [(result.frame, self._stand.image(result)) for result in results]
        written = [0]

        def run() -> float:
            start_ns = self._stand.clock_ns()
            for frame, image in images:
                self._stand.check()
                sink.write(_item(frame, image, written[0]))
                written[0] += 1
            return (self._stand.clock_ns() - start_ns) / 1e6 / len(images)

        self._add(ENCODE, run)


def _item(frame: Frame, image: U8Array, number: int) -> SinkItem:
    return SinkItem(frame, Detections.empty(), image, inferred=True, recorded_pts_s=number / 25)


def _mean(values_ms: Sequence[float]) -> float:
    return sum(values_ms) / len(values_ms)
