"""The stages of the host engine. Each has one shape: enqueue(slot, stream), and nothing waits.

A stage runs after the one before it has recorded its event for the same slot, whichever stream that
ran on. Its own two events carry its timing.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from rfviewer.engine.ranges import Ranges
from rfviewer.engine.slot import STAGES, Slot
from rfviewer.engine.streams import Stream
from rfviewer.errors import EngineError
from rfviewer.frame import PixelFormat
from rfviewer.timing import Stage


class SlotStage(Protocol):
    """One step of the work on a slot."""

    @property
    def stage(self) -> Stage:
        """Which step."""

    def enqueue(self, slot: Slot, stream: Stream) -> None:
        """Put the step on `stream`; returns at once."""


class HostStage:
    """A step computed on the host by a plain function of the slot."""

    def __init__(self, stage: Stage, work: Callable[[Slot], None]) -> None:
        self.stage = stage
        self._work = work
        index = STAGES.index(stage)
        self._previous = STAGES[index - 1] if index else None

    def enqueue(self, slot: Slot, stream: Stream) -> None:
        """Put the step on `stream`, behind the slot's previous step."""
        stream.enqueue(lambda: self._run(slot))

    def _run(self, slot: Slot) -> None:
        if self._previous is not None:
            slot.done[self._previous].wait()
        slot.started[self.stage].record()
        try:
            if slot.error is None:
                self._work(slot)
        except Exception as error:  # noqa: BLE001 - told by collect(), as that frame's EngineError
            slot.error, slot.failed_stage = error, self.stage
        finally:
            slot.done[self.stage].record()


def preprocess(slot: Slot) -> None:
    """Make the network input of the slot's frame."""
    if slot.frame is None:
        raise RuntimeError("the slot holds no frame")
    if slot.frame.pixel_format is not PixelFormat.BGR24:
        raise EngineError(f"The CPU engine takes bgr24 frames, got {slot.frame.pixel_format}.")
    work = slot.work
    target = slot.network.network_input if work.staged_input is None else work.staged_input
    if work.interleaved_input is None:
        work.preprocess.run(slot.frame.image, target[0])
    else:
        planes = work.interleaved_input.transpose(2, 0, 1)
        work.preprocess.run(slot.frame.image, planes)
        np.copyto(target[0], planes)
    if work.staged_input is not None:
        np.copyto(slot.network.network_input, work.staged_input)


def infer(slot: Slot) -> None:
    """Run the network."""
    slot.network.run()


def postprocess(slot: Slot) -> None:
    """Make the detections of the slot's frame."""
    raw, work = slot.network.raw, slot.work
    if work.staged_raw is not None:
        raw.copy_to(work.staged_raw)
        raw = work.staged_raw
    slot.detections = work.postprocess.run(raw, slot.threshold)


def host_stages(ranges: Ranges | None = None) -> tuple[SlotStage, ...]:
    """Return the stages in order, each in a range where those are wanted."""
    works: dict[Stage, Callable[[Slot], None]]
    works = {Stage.PREPROCESS: preprocess, Stage.INFER: infer, Stage.POSTPROCESS: postprocess}
    if ranges is not None:
        works = {stage: _ranged(ranges, stage, work) for stage, work in works.items()}
    return tuple(HostStage(stage, works[stage]) for stage in STAGES)


def _ranged(ranges: Ranges, stage: Stage, work: Callable[[Slot], None]) -> Callable[[Slot], None]:
    def run(slot: Slot) -> None:
        with ranges.named(stage.value):
            work(slot)

    return run
