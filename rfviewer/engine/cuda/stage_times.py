"""When the stages of a slot began and ended on the device: by events, or by stamps of the kernels.

A stage begins where the one before it ends: by events when the work before is done, by stamps when
its own first kernel gets to run, which is later while passes beside it keep the device busy. Of the
network's end the host can be told at once in both, to launch the next pass then.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

import torch

from rfviewer.engine.cuda.clock import TimeBase
from rfviewer.engine.cuda.spans import StageInterval
from rfviewer.timing import Stage
from rfviewer_kernels.timestamps import stamp


class StageTimes(Protocol):
    """Marks between stages, in order, put on the slot's stream or into a graph. Engine thread."""

    network_done: torch.cuda.Event | None
    """Recorded when the network of a pass is done; None where no stage is the network."""

    def begin(self, index: int) -> torch.Tensor | None:
        """Mark that stage `index` begins; what is returned, the stage itself writes the time to."""

    def end(self) -> None:
        """Mark that the last stage is done."""

    def intervals(self, base: TimeBase) -> list[StageInterval]:
        """Return when each stage ran, once all are done."""


def stage_times(
    stages: Sequence[Stage], stream: torch.cuda.Stream, *, by_kernels: bool
) -> StageTimes:
    """Return marks for `stages` on `stream`."""
    return _Stamps(stages, stream) if by_kernels else _Events(stages, stream)


class _Events:
    """A timing event between two stages each; its own node in a graph."""

    def __init__(self, stages: Sequence[Stage], stream: torch.cuda.Stream) -> None:
        self._stream = stream
        # External: recorded by every replay as a node of the graph, and readable by the host.
        self._events = [
            torch.cuda.Event(enable_timing=True, external=True) for _ in range(len(stages) + 1)
        ]
        self._spans = list(zip(stages, pairwise(self._events), strict=True))
        self.network_done = None
        if Stage.INFER in stages:
            self.network_done = self._events[stages.index(Stage.INFER) + 1]

    def begin(self, index: int) -> None:
        self._events[index].record(self._stream)

    def end(self) -> None:
        self._events[-1].record(self._stream)

    def intervals(self, base: TimeBase) -> list[StageInterval]:
        at = base.time_ms(self._events[0])
        found = []
        for stage, (start, end) in self._spans:
            until = at + start.elapsed_time(end)
            found.append((stage, at, until))
            at = until
        return found


class _Stamps:
    """The device's time in pinned memory, written by the first kernel of each stage."""

    def __init__(self, stages: Sequence[Stage], stream: torch.cuda.Stream) -> None:
        self._stages = stages
        self._stream = stream
        self._stamps = torch.zeros(len(stages) + 1, dtype=torch.int64, pin_memory=True)
        self._values = self._stamps.numpy()
        self.network_done: torch.cuda.Event | None = None
        self._after_network = len(stages)
        if Stage.INFER in stages:
            self._after_network = stages.index(Stage.INFER) + 1
            self.network_done = torch.cuda.Event(external=True)

    def begin(self, index: int) -> torch.Tensor:
        if self.network_done is not None and index == self._after_network:
            self.network_done.record(self._stream)
        return self._stamps[index : index + 1]

    def end(self) -> None:
        stamp(self.begin(len(self._stages)), self._stream.device)

    def intervals(self, base: TimeBase) -> list[StageInterval]:
        times = [base.stamped_ms(value) for value in self._values.tolist()]
        return list(zip(self._stages, times, times[1:], strict=False))
