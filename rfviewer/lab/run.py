"""Carries out any request of the lab on an engine, and leaves the engine as it was."""

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rfviewer import log
from rfviewer.config import View
from rfviewer.errors import DeviceLostError, EngineError
from rfviewer.experiment import (
    AbRequest,
    CeilingsRequest,
    LabRequest,
    LabResult,
    ParityRequest,
    WaterfallRequest,
)
from rfviewer.lab.ab import measure_ab
from rfviewer.lab.ceilings import Probes, measure_ceilings
from rfviewer.lab.parity import run_parity
from rfviewer.lab.stand import Drawing, Stand
from rfviewer.lab.waterfall import measure_waterfall
from rfviewer.optimizations import Optimizations

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rfviewer.frame import Frame
    from rfviewer.interfaces import Engine, Progress, Renderer


@dataclass(frozen=True, slots=True)
class LabParts:
    """What an experiment runs with, apart from the engine."""

    view: View = field(default_factory=View)
    """Threshold, and how frames are drawn."""
    renderer: "Renderer | None" = None
    """Draws on the engine thread; None leaves drawing out."""
    probes: Probes = field(default_factory=Probes)
    """What the ceilings of other threads are measured with."""
    limit_s: float = 0.0
    """Longest A/B or waterfall in seconds where no rounds are asked for; 0 for the default."""


def run_experiment(
    engine: "Engine",
    frames: "Sequence[Frame]",
    request: LabRequest,
    parts: LabParts,
    progress: "Progress",
) -> LabResult:
    """Carry out `request` on the engine thread, with nothing in flight before and after.

    `progress` is called at least once a frame and may raise to give up. The engine's settings are
    restored in every case.

    Raises:
        RfviewerError: one sentence; `Stopped` if `progress` raised that.
    """
    told: list[tuple[str, int, int]] = [("Starting", 0, 0)]

    def tell(step: str, index: int, count: int) -> None:
        told[0] = (step, index, count)
        progress(step, index, count)

    with restored(engine):
        if isinstance(request, ParityRequest):
            return run_parity(engine, frames, request, tell, threshold=parts.view.threshold)
        names = engine.info.class_names
        drawing = None if parts.renderer is None else Drawing(parts.renderer, names)
        view = replace(parts.view, split=None)
        stand = Stand(engine, frames, view, drawing, lambda: progress(*told[0]))
        limit: dict[str, Any] = {"limit_s": parts.limit_s} if parts.limit_s else {}
        match request:
            case AbRequest():
                return measure_ab(stand, request, tell, **limit)
            case WaterfallRequest():
                return measure_waterfall(stand, request, tell, **limit)
            case CeilingsRequest():
                return measure_ceilings(stand, request, parts.probes, tell)


@contextmanager
def restored(engine: "Engine") -> "Iterator[None]":
    """Drain the engine and give it back its settings when the block is left, however."""
    values: dict[str, Any] = {state.name: state.requested for state in engine.info.toggles}
    before = replace(Optimizations(), **values)
    try:
        yield
    except DeviceLostError:
        raise  # nothing can be restored on a device that is gone
    except BaseException:
        _restore(engine, before)
        raise
    else:
        _restore(engine, before)


def _restore(engine: "Engine", before: Optimizations) -> None:
    while engine.in_flight:
        try:
            engine.collect()
        except DeviceLostError:
            raise  # it would fail for ever
        except EngineError as error:
            log.engine.info("a result nobody wants failed: %s", error)
    engine.configure(before)
