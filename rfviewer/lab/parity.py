"""Runs the gate: the same frames under two settings of one engine, or through two engines.

Frames go block by block, each block through the reference and then through the candidate, so that
several frames are in flight as in real use, and so that a long video does not fill the memory.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rfviewer import log
from rfviewer.errors import DeviceLostError, EngineError
from rfviewer.experiment import ParityRequest, ParityResult
from rfviewer.frame import Frame
from rfviewer.interfaces import Engine, Progress
from rfviewer.lab.digest import compact
from rfviewer.lab.gate import Gate
from rfviewer.lab.tolerance import Tolerance, tolerance_between, tolerance_of, with_rounding
from rfviewer.lab.worst_frame import WorstFrames
from rfviewer.optimizations import Optimizations
from rfviewer.result import EngineInfo, FrameResult
from rfviewer.toggle import Exactness

_BLOCK_FRAMES = (8, 64)
"""Fewest and most frames of a block: some must overlap, and a change of settings costs time."""
_BLOCK_BYTES = 128 << 20
"""Pixels held at a time, unless the fewest frames have more."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared."""

    engine: Engine
    optimizations: Optimizations | None = None
    """Applied before each block; None where the engine has them already and nobody else uses it."""

    def prepare(self) -> None:
        """Apply the settings."""
        if self.optimizations is not None:
            self.engine.configure(self.optimizations)


def run_parity(
    engine: Engine,
    frames: Iterable[Frame],
    request: ParityRequest,
    progress: Progress,
    *,
    threshold: float = 0.5,
    worst: WorstFrames | None = None,
) -> ParityResult:
    """Compare two settings of `engine`; on the engine thread, with nothing in flight.

    The engine is left with the candidate's settings. `progress` may raise to give up: nothing
    stays in flight.

    Args:
        engine: runs both.
        frames: decoded once; a sequence lets `progress` know how many.
        request: the two settings, and the promise to check.
        progress: told after each result how many there are, of two a frame; 0 of an unknown number.
        threshold: around which detections are compared.
        worst: collects the frames that differ most.

    Raises:
        EngineError: a setting cannot be applied, or a frame failed.
    """
    sides = Side(engine, request.reference), Side(engine, request.candidate)
    return compare_sides(
        *sides,
        frames,
        progress,
        exactness=request.exactness,
        threshold=threshold,
        worst=worst,
    )


def compare_sides(
    reference: Side,
    candidate: Side,
    frames: Iterable[Frame],
    progress: Progress,
    *,
    exactness: Exactness | None = None,
    threshold: float = 0.5,
    worst: WorstFrames | None = None,
    total: int = 0,
) -> ParityResult:
    """Compare `reference` and `candidate`; arguments and errors as those of `run_parity`.

    `total` is the number of frames where it is known and `frames` is no sequence.
    """
    infos = []
    for side in (reference, candidate):
        side.prepare()
        infos.append(side.engine.info)
    gate = Gate(
        tolerance_for(infos[0], infos[1], exactness), threshold, class_names=infos[0].class_names
    )
    total = len(frames) if isinstance(frames, Sequence) else total
    done = 0
    for block in blocks_of(frames):
        step = f"Frames {done + 1} to {done + len(block)}"
        told = _Told(progress, step, 2 * done, 2 * total)
        first, second = (
            _run(side, block, gate.decode_threshold, told) for side in (reference, candidate)
        )
        for frame, one, other in zip(block, first, second, strict=True):
            comparison = gate.add(one, other, frame)
            if worst is not None:
                worst.offer(frame, one, other, comparison)
        done += len(block)
    return gate.result()


def tolerance_for(
    reference: EngineInfo, candidate: EngineInfo, exactness: Exactness | None = None
) -> Tolerance:
    """Return the tolerance of `exactness`, or of what differs between the two in effect."""
    both = effective(reference), effective(candidate)
    if exactness is not None:
        return with_rounding(tolerance_of(exactness), *both)
    return tolerance_between(reference, candidate, *both)


def effective(info: EngineInfo) -> Optimizations:
    """Return the set that really runs."""
    values: dict[str, Any] = {state.name: state.effective for state in info.toggles}
    return replace(Optimizations(), **values)


def blocks_of(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Yield the frames in blocks of bounded memory."""
    fewest, most = _BLOCK_FRAMES
    block: list[Frame] = []
    size = 0
    for frame in frames:
        block.append(frame)
        size += frame.nbytes
        if len(block) >= most or (len(block) >= fewest and size >= _BLOCK_BYTES):
            yield block
            block, size = [], 0
    if block:
        yield block


class _Told:
    """Counts the results of a block for `progress`."""

    def __init__(self, progress: Progress, step: str, done: int, total: int) -> None:
        self._progress, self._step, self._done, self._total = progress, step, done, total
        self.tell()

    def tell(self) -> None:
        self._progress(self._step, self._done, self._total)

    def count(self) -> None:
        self._done += 1
        self.tell()


def _run(side: Side, block: Sequence[Frame], threshold: float, told: _Told) -> list[FrameResult]:
    """Return the results of `block` in order, with as many in flight as the engine takes."""
    engine = side.engine
    side.prepare()
    results: list[FrameResult] = []

    def collect() -> None:
        result = engine.collect()
        results.append(replace(result, detections=compact(result.detections)))
        told.count()

    try:
        for frame in block:
            if engine.in_flight >= engine.depth:
                collect()
            engine.submit(frame, threshold)
        while engine.in_flight:
            collect()
    except DeviceLostError:
        raise  # what is in flight there never comes back
    except BaseException:
        _drain(engine)
        raise
    return results


def _drain(engine: Engine) -> None:
    """Take back what an error left in flight; that error is told, those behind it are not."""
    while engine.in_flight:
        try:
            engine.collect()
        except DeviceLostError:
            return
        except EngineError as error:
            log.engine.debug("a frame behind the one that failed: %s", error)
