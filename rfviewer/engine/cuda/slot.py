"""A slot on the GPU: the seats of one pass, its stages, graphs and events.

A slot has a stream of its own and is built for one frame format and one set of optimizations, with
`micro_batch` seats that share the network's pass. From launch to collect it belongs to the frames
in its seats. Nothing of it leaves the engine: results are new arrays.
"""

import time
from collections.abc import Sequence

import torch

from rfviewer.config import View
from rfviewer.engine.cuda.clock import TimeBase
from rfviewer.engine.cuda.graph import grouped
from rfviewer.engine.cuda.outcome import PassOutcome
from rfviewer.engine.cuda.seat import Seat
from rfviewer.engine.cuda.stages import SlotStages, Step
from rfviewer.engine.cuda.tables import FrameTables
from rfviewer.engine.ranges import Ranges
from rfviewer.frame import Frame
from rfviewer.optimizations import Optimizations
from rfviewer.timing import Stage
from rfviewer_kernels.timestamps import stamp

_WARMUPS = 2


class Slot:
    """Frames in flight through one pass; a `batches.BatchSlot`. Engine thread."""

    def __init__(
        self,
        stages: SlotStages,
        seats: Sequence[Seat],
        stream: torch.cuda.Stream,
        tables: FrameTables,
        wanted: Optimizations,
    ) -> None:
        """Arrange what `stages` and `seats` do; both share buffers and work on `stream`."""
        self.lane = ""
        """Name of its lane in spans, set by who builds it."""
        self.stream = stream
        """Everything of the slot runs on it."""
        self.tables = tables
        """Shared with other slots unless they are rebuilt for every pass."""
        self.seats = len(seats)
        """How many frames it takes at once."""
        self._seats = seats
        self._wanted = wanted
        steps = stages.steps()
        if seats[0].is_pageable:
            steps.insert(0, Step(Stage.H2D, self._copy_pageable, capturable=False))
        self._groups = grouped(
            steps,
            stream,
            waits=not wanted.event_waits,
            kernel_timestamps=wanted.kernel_timestamps,
        )
        self._network_done = next(
            event for group in self._groups if (event := group.network_done) is not None
        )
        self._nearly_done = stages.tell_early()
        self._outside = torch.cuda.default_stream(stream.device)
        self._taken = 0
        self._base: TimeBase | None = None
        self._seen_done_ns = 0

    def use_ranges(self, ranges: Ranges) -> None:
        """Put ranges around what the host launches for a pass; again is once."""
        for group in self._groups:
            group.use_ranges(ranges)
        for seat in self._seats:
            seat.use_ranges(ranges)

    def warm_up(self, frame: Frame) -> None:
        """Run every stage on `frame`, which loads and compiles what they need, and wait."""
        for _ in range(_WARMUPS):
            for seat in self._seats:
                seat.write(frame, 1.0, None)
            with torch.cuda.stream(self.stream):
                for group in self._groups:
                    group.run()
            self.stream.synchronize()
        with torch.cuda.stream(self.stream):
            for seat in self._seats:
                seat.warm_up()

    def capture(self) -> None:
        """Record every group that a graph can hold.

        Raises:
            RuntimeError: a stage cannot be captured.
        """
        with torch.cuda.stream(self.stream):
            for group in self._groups:
                if group.capturable:
                    group.capture()
            for seat in self._seats:
                seat.capture()

    def write(self, seat: int, frame: Frame, threshold: float, overlay: View | None) -> None:
        """Hand a seat of a free slot to `frame`, in order; drawn with `overlay` if given."""
        self._seats[seat].write(frame, threshold, overlay)
        self._taken = seat + 1

    def launch(self, base: TimeBase, follows: "Slot | None") -> None:
        """Start the pass with the seats that were written; the others find nothing.

        On the device it begins when the network of `follows` is done, if one is given.

        Raises:
            RuntimeError: the device failed.
        """
        self._base = base
        self._seen_done_ns = 0
        for seat in self._seats[self._taken :]:
            seat.leave_empty()
        # Twice this in place of the context manager: 3 us instead of 15.
        torch.cuda.set_stream(self.stream)
        try:
            if follows is not None:
                follows.hold_back(self.stream)
            if not self._wanted.table_cache:
                self.tables.rebuild()
            for group in self._groups:
                group.run()
                if not self._wanted.event_waits:
                    self.stream.synchronize()
            for seat in self._seats:
                seat.draw()
        finally:
            torch.cuda.set_stream(self._outside)

    def collect(self) -> PassOutcome:
        """Wait for the pass, free the slot and return what came out.

        Raises:
            RuntimeError: the device failed.
        """
        base = self._base
        if base is None:
            raise RuntimeError("collect() of a free slot")
        self._base = None
        self.wait()
        seats = [seat.read(base, self._seen_done_ns) for seat in self._seats[: self._taken]]
        return PassOutcome([item for group in self._groups for item in group.work(base)], seats)

    def wait_until_nearly_done(self) -> None:
        """Wait until the network of the pass in flight is done, or shortly before where it tells.

        Raises:
            RuntimeError: the device failed.
        """
        (self._nearly_done or self._network_done).synchronize()

    def hold_back(self, stream: torch.cuda.Stream) -> None:
        """Let `stream` wait until the network is done: no more run at a time than without a spare.

        Nothing to do where the host itself has waited for that.
        """
        if self._nearly_done is not None:
            stream.wait_event(self._network_done)

    def wait(self) -> None:
        """Wait until the pass in flight is done.

        Raises:
            RuntimeError: the device failed.
        """
        if not self._seen_done_ns:
            # The pass is the last of this engine's work on it: no event to record for that.
            self.stream.synchronize()
            self._seen_done_ns = time.monotonic_ns()

    def drop(self) -> None:
        """Wait for the pass in flight and forget it."""
        self.stream.synchronize()
        self._base = None

    def _copy_pageable(self, at: torch.Tensor | None) -> None:
        if at is not None:
            stamp(at, self.stream.device)
        for seat in self._seats:
            seat.copy_pageable()
