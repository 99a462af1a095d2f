"""What comes out of a slot, shared out among the frames that were in it. Needs no torch.

The stages of a pass run once for all its frames: their intervals are reported once, with the first
frame; each frame's stage times are its equal share of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rfviewer.config import View
from rfviewer.detections import Detections
from rfviewer.engine.cuda.spans import StageInterval
from rfviewer.errors import EngineError
from rfviewer.frame import Frame, U8Array
from rfviewer.timing import Stage


@dataclass(slots=True, eq=False)
class Ticket:
    """A frame that was given to a slot."""

    frame: Frame
    threshold: float
    overlay: View | None
    """What it is drawn with; None when it is not drawn."""
    submit_time_ns: int
    submitted_time_ns: int
    """When the host had enqueued everything there was to enqueue."""


@dataclass(slots=True, eq=False)
class SeatOutcome:
    """What one seat of a finished slot holds."""

    detections: Detections
    composited: U8Array | None
    """BGRA (H, W, 4) with the overlay; None when it was not asked for."""
    work: list[StageInterval]
    """When the device worked for this seat alone: late copies, the overlay."""
    seen_done_ns: int
    """When the host saw that all of that is done."""
    done_time_ns: int


@dataclass(slots=True, eq=False)
class PassOutcome:
    """A finished slot."""

    work: list[StageInterval]
    """When the device ran the stages that all seats share."""
    seats: list[SeatOutcome | EngineError]
    """Of each seat that was taken, in order; an error where its raw outputs are invalid."""


@dataclass(slots=True, eq=False)
class FrameOutcome:
    """One frame after its slot is done."""

    frame: Frame
    threshold: float
    detections: Detections
    stages_ms: dict[Stage, float]
    """Device time of each stage: its share of what was done for several frames at once."""
    work: list[StageInterval]
    """When the device worked: the whole pass with its first frame, and what each has for itself."""
    infer_ms: tuple[float, float] | None
    """When the network ran; with the first frame of a pass only."""
    submit_time_ns: int
    submitted_time_ns: int
    launch_time_ns: int
    """When the host began to enqueue the pass."""
    collect_time_ns: int
    """When the host began to wait for it, or to read it behind the one before."""
    seen_done_ns: int
    done_time_ns: int
    composited: U8Array | None = None
    overlay: View | None = None


def frame_outcomes(
    done: PassOutcome, tickets: Sequence[Ticket], launch_time_ns: int, collect_time_ns: int
) -> list[FrameOutcome | EngineError]:
    """Return one outcome per ticket, in order.

    Args:
        done: the slot; its seats are those of `tickets`.
        tickets: the frames that were in it.
        launch_time_ns: when the host began to enqueue the pass.
        collect_time_ns: when the host began to wait for it.
    """
    count = len(tickets)
    shares: dict[Stage, float] = {}
    infer_ms = None
    for stage, start, end in done.work:
        shares[stage] = shares.get(stage, 0.0) + (end - start) / count
        if stage is Stage.INFER:
            infer_ms = (start, end)
    found: list[FrameOutcome | EngineError] = []
    common = done.work
    for ticket, seat in zip(tickets, done.seats, strict=True):
        if isinstance(seat, EngineError):
            found.append(seat)
            continue
        stages_ms = dict(shares)
        for stage, start, end in seat.work:
            stages_ms[stage] = stages_ms.get(stage, 0.0) + end - start
        found.append(
            FrameOutcome(
                ticket.frame,
                ticket.threshold,
                seat.detections,
                stages_ms,
                [*common, *seat.work],
                infer_ms,
                ticket.submit_time_ns,
                ticket.submitted_time_ns,
                launch_time_ns,
                collect_time_ns,
                seat.seen_done_ns,
                seat.done_time_ns,
                seat.composited,
                ticket.overlay,
            )
        )
        collect_time_ns = seat.done_time_ns
        common, infer_ms = [], None
    return found
