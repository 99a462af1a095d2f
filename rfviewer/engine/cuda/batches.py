"""Frames in flight through slots of one or several seats: filled, run and handed back in order.

A slot runs when all its seats are taken, or when its first frame is collected before that: then the
rest of the seats stays empty. The first `collect` reads all its seats, so that the slot is free
again while the other results wait. Needs no torch.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from rfviewer.config import View
from rfviewer.engine.cuda.faults import engine_error
from rfviewer.engine.cuda.outcome import FrameOutcome, PassOutcome, Ticket, frame_outcomes
from rfviewer.errors import EngineError
from rfviewer.frame import Frame


class BatchSlot(Protocol):
    """A slot as this module needs it."""

    @property
    def seats(self) -> int:
        """How many frames it takes at once."""

    def write(self, seat: int, frame: Frame, threshold: float, overlay: View | None) -> None:
        """Hand a seat to `frame`; the slot is free."""

    def wait_until_nearly_done(self) -> None:
        """Wait until the network of the pass is done, or nearly; it may raise RuntimeError."""

    def collect(self) -> PassOutcome:
        """Wait until the pass is done and return it, with as many seats as were written."""


class _Batch[S: BatchSlot]:
    """The frames of one pass."""

    __slots__ = ("gives_way", "launch_time_ns", "launched", "outcomes", "slot", "tickets")

    def __init__(self, slot: S) -> None:
        self.slot = slot
        self.tickets: list[Ticket] = []
        self.launched = False
        self.launch_time_ns = 0
        self.gives_way = False
        """Whether the next pass may be launched behind its network; False once it is read."""
        self.outcomes: deque[FrameOutcome | EngineError] | None = None
        """None until the slot was read."""


class FramesInFlight[S: BatchSlot]:
    """Frames on their way, oldest first. Engine thread."""

    def __init__(self, launch: Callable[[S, S | None], None]) -> None:
        """`launch` runs a slot with the seats that were written; it may raise RuntimeError.

        Where a second slot is given, it is to start when that one's network is done.
        """
        self._launch = launch
        self._batches: deque[_Batch[S]] = deque()
        self._count = 0
        self._most = 0
        self._spare = 0

    def limit(self, most: int, spare: int) -> None:
        """Have room for `most` frames, and for `spare` more before the oldest is read.

        The slots that are given to `begin` in turn must hold both.
        """
        self._most, self._spare = most, spare

    def __len__(self) -> int:
        return self._count

    @property
    def is_open(self) -> bool:
        """Whether the newest slot has free seats and does not run yet."""
        return bool(self._batches) and not self._batches[-1].launched

    @property
    def waits_for_frames(self) -> bool:
        """Whether the oldest frame's slot does not run yet: `collect` would run it part-filled."""
        return bool(self._count) and not self._batches[0].launched

    @property
    def oldest(self) -> S:
        """The slot of the oldest frame."""
        return self._batches[0].slot

    @property
    def has_room(self) -> bool:
        """Whether a frame may be added now."""
        if self._count < self._most:
            return True
        is_spare = self.is_open or self._batches[0].gives_way
        return is_spare and self._count < self._most + self._spare

    def make_room(self) -> bool:
        """Return whether a frame may be added; waits for the oldest network if that helps.

        False when no room is spare, when the oldest frame's pass does not run yet or is read
        already, and when it failed: `collect` raises that.
        """
        if self.has_room:
            return True
        batch = self._batches[0]
        if self._count >= self._most + self._spare or not batch.launched or batch.outcomes:
            return False
        try:
            batch.slot.wait_until_nearly_done()
        except RuntimeError as error:
            batch.outcomes = _all_failed(batch.tickets, error)
            return False
        batch.gives_way = True
        return True

    def slots(self) -> Iterator[S]:
        """Yield the slots that hold frames."""
        return (batch.slot for batch in self._batches)

    def begin(self, slot: S) -> None:
        """Let the next frames sit in `slot`, once it is free; what is open runs part-filled."""
        self.run_open()
        for batch in self._batches:
            # Only after changes of the frame size forth and back within a few frames.
            if batch.slot is slot and batch.outcomes is None:
                self._read(batch, time.monotonic_ns())
        self._batches.append(_Batch(slot))

    def add(self, frame: Frame, threshold: float, overlay: View | None) -> None:
        """Give `frame` the next free seat of the slot that is open; run it when it is full.

        Raises:
            EngineError: the frame cannot be handed over; it is not in flight.
        """
        batch = self._batches[-1]
        submit_time_ns = time.monotonic_ns()
        try:
            batch.slot.write(len(batch.tickets), frame, threshold, overlay)
        except RuntimeError as error:
            raise _frame_error(frame, error) from error
        ticket = Ticket(frame, threshold, overlay, submit_time_ns, submit_time_ns)
        batch.tickets.append(ticket)
        self._count += 1
        if len(batch.tickets) == batch.slot.seats:
            self._run(batch)
        ticket.submitted_time_ns = time.monotonic_ns()

    def run_open(self) -> None:
        """Run the open slot, if there is one, without waiting for more frames."""
        if not self.is_open:
            return
        if self._batches[-1].tickets:
            self._run(self._batches[-1])
        else:
            self._batches.pop()

    def collect(self) -> tuple[S, FrameOutcome]:
        """Wait for the oldest frame and return it, with its slot.

        Raises:
            EngineError: its pass failed or its raw outputs are invalid; that frame is gone. Every
                other frame of the pass is collected by itself.
        """
        if not self._count:
            raise RuntimeError("collect() with nothing in flight")
        batch = self._batches[0]
        outcomes = batch.outcomes
        if outcomes is None:
            collect_time_ns = time.monotonic_ns()
            if not batch.launched:
                self._run(batch)
            outcomes = batch.outcomes or self._read(batch, collect_time_ns)
        outcome = outcomes.popleft()
        self._count -= 1
        if not outcomes:
            self._batches.popleft()
        if isinstance(outcome, EngineError):
            raise outcome
        return batch.slot, outcome

    def clear(self) -> None:
        """Forget every frame."""
        self._batches.clear()
        self._count = 0

    def _run(self, batch: _Batch[S]) -> None:
        batch.launched = True
        batch.launch_time_ns = time.monotonic_ns()
        oldest = self._batches[0]
        try:
            self._launch(batch.slot, oldest.slot if oldest.gives_way else None)
        except RuntimeError as error:
            batch.outcomes = _all_failed(batch.tickets, error)

    def _read(self, batch: _Batch[S], collect_time_ns: int) -> deque[FrameOutcome | EngineError]:
        """Return the outcomes of a pass that was launched; waits for it."""
        found: deque[FrameOutcome | EngineError]
        batch.gives_way = False
        try:
            done = batch.slot.collect()
        except RuntimeError as error:
            found = _all_failed(batch.tickets, error)
        else:
            found = deque(
                frame_outcomes(done, batch.tickets, batch.launch_time_ns, collect_time_ns)
            )
        batch.outcomes = found
        return found


def _all_failed(
    tickets: Sequence[Ticket], error: RuntimeError
) -> deque[FrameOutcome | EngineError]:
    return deque(_frame_error(ticket.frame, error) for ticket in tickets)


def _frame_error(frame: Frame, error: RuntimeError) -> EngineError:
    told = engine_error(f"Frame {frame.frame_index} failed on the GPU", error)
    told.__cause__ = error
    return told
