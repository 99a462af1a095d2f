"""Runs of stages: launched one by one, or captured once and replayed with one launch."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from rfviewer.engine.cuda.clock import TimeBase
from rfviewer.engine.cuda.spans import StageInterval
from rfviewer.engine.cuda.stage_times import stage_times
from rfviewer.engine.cuda.stages import Step
from rfviewer.engine.ranges import Ranges

_CAPTURE_MODE = "thread_local"
"""Another thread may call CUDA meanwhile, e.g. a hardware decoder."""


class StepGroup:
    """Stages that follow each other on one stream without a host action between them."""

    def __init__(
        self, steps: Sequence[Step], stream: torch.cuda.Stream, *, kernel_timestamps: bool
    ) -> None:
        self._steps = steps
        self._times = stage_times(
            [step.stage for step in steps], stream, by_kernels=kernel_timestamps
        )
        self._graph: torch.cuda.CUDAGraph | None = None
        self._ranges: Ranges | None = None

    @property
    def capturable(self) -> bool:
        """Whether a graph can hold all of it."""
        return all(step.capturable for step in self._steps)

    @property
    def network_done(self) -> torch.cuda.Event | None:
        """Recorded when the network of a pass is done; None when it is not among the stages."""
        return self._times.network_done

    def capture(self) -> None:
        """Record the stages as a graph with memory of its own; the caller has warmed them up.

        On the slot's own stream: cuBLAS keeps a workspace per stream, so graphs captured on one
        stream but replayed on several would share it, and corrupt each other.

        Raises:
            RuntimeError: a stage cannot be captured; the group is launched one by one from then on.
        """
        graph = torch.cuda.CUDAGraph()
        graph.capture_begin(capture_error_mode=_CAPTURE_MODE)
        try:
            self._enqueue()
        finally:
            graph.capture_end()
        self._graph = graph

    def run(self) -> None:
        """Put the stages on the current stream, which is the slot's."""
        if self._graph is None:
            self._enqueue()
        elif self._ranges is None:
            self._graph.replay()
        else:
            names = "+".join(step.stage.value for step in self._steps)
            with self._ranges.named(f"graph {names}"):
                self._graph.replay()

    def use_ranges(self, ranges: Ranges) -> None:
        """Put a range around every stage that is launched, and one around a replay."""
        if self._ranges is None:
            self._ranges = ranges
            self._steps = [
                replace(step, enqueue=ranges.around(step.stage.value, step.enqueue))
                for step in self._steps
            ]

    def work(self, base: TimeBase) -> list[StageInterval]:
        """Return when each stage ran; the group must be done."""
        return self._times.intervals(base)

    def _enqueue(self) -> None:
        for index, step in enumerate(self._steps):
            step.enqueue(self._times.begin(index))
        self._times.end()


def grouped(
    steps: Sequence[Step], stream: torch.cuda.Stream, *, waits: bool, kernel_timestamps: bool
) -> tuple[StepGroup, ...]:
    """Return `steps` as one group, or each its own where the host `waits` after every stage."""
    runs: list[list[Step]] = []
    for step in steps:
        apart = waits or not runs or runs[-1][-1].capturable != step.capturable
        if apart:
            runs.append([step])
        else:
            runs[-1].append(step)
    return tuple(StepGroup(run, stream, kernel_timestamps=kernel_timestamps) for run in runs)
