"""The bare network, and parts of a slot around it, replayed back to back: the ceilings.

The bare network is the one that the pipeline is measured against; the parts tell what copy in,
preprocess and clones of the raw outputs cost before any slot.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise

import torch

from rfviewer.engine.cuda.faults import engine_error
from rfviewer.engine.cuda.slot_sets import SlotSets
from rfviewer.engine.cuda.stages import SlotStages
from rfviewer.experiment import ReplayPart
from rfviewer.frame import Frame
from rfviewer.optimizations import Optimizations

_WARMUPS = 3
_BATCH = 64
"""Replays queued at a time."""


class Replay:
    """Work that is put on one stream again and again. Engine thread, nothing in flight.

    Args:
        enqueue: puts one run on `stream`, which is torch's current one then.
        stream: of the slot whose buffers it uses.
        graph: captures it once; False lets the host launch it every time.

    Raises:
        RuntimeError: it cannot be run or captured.
    """

    def __init__(
        self, enqueue: Callable[[], object], stream: torch.cuda.Stream, *, graph: bool
    ) -> None:
        self._enqueue = enqueue
        self._stream = stream
        self._events = [torch.cuda.Event(enable_timing=True) for _ in range(_BATCH + 1)]
        self._graph: torch.cuda.CUDAGraph | None = None
        with torch.cuda.stream(stream):
            for _ in range(_WARMUPS):
                enqueue()
            stream.synchronize()
            if graph:
                self._graph = torch.cuda.CUDAGraph()
                self._graph.capture_begin(capture_error_mode="thread_local")
                try:
                    self._outputs = enqueue()
                finally:
                    self._graph.capture_end()

    def launch(self) -> None:
        """Put one run on the stream."""
        with torch.cuda.stream(self._stream):
            self._put()

    def wait(self) -> None:
        """Wait until everything on the stream is done."""
        self._stream.synchronize()

    def times_ms(self, count: int) -> list[float]:
        """Return the time from one run's end to the next one's, in ms, `count` times."""
        durations_ms: list[float] = []
        while len(durations_ms) < count:
            events = self._events[: min(_BATCH, count - len(durations_ms)) + 1]
            with torch.cuda.stream(self._stream):
                events[0].record(self._stream)
                for event in events[1:]:
                    self._put()
                    event.record(self._stream)
            events[-1].synchronize()
            durations_ms += [float(a.elapsed_time(b)) for a, b in pairwise(events)]
        return durations_ms

    def _put(self) -> None:
        """Put one run on the stream, which is the current one: to enter it costs the host 15 us."""
        if self._graph is None:
            self._enqueue()
        else:
            self._graph.replay()


class Replays:
    """The bare network and the parts around it, on the first place of the slots. Engine thread."""

    def __init__(self, sets: SlotSets) -> None:
        self._sets = sets
        self._bare: dict[int, Replay] = {}
        """By frames a pass."""

    def network_ms(self, count: int, batch: int, *, graph: bool) -> list[float]:
        """Return the times of the bare network for `count` frames, on its last prepared input.

        With `batch` frames a pass each takes its equal share.

        Raises:
            EngineError: it failed.
        """
        try:
            if batch not in self._bare:
                self._bare[batch] = self._network(batch, graph=graph)
            return _per_frame(self._bare[batch], count, batch)
        except RuntimeError as error:
            raise engine_error("The network failed in a replay", error) from error

    def part_ms(
        self, part: ReplayPart, frame: Frame, wanted: Optimizations, count: int, *, graph: bool
    ) -> list[float]:
        """Return the times of `part` for `count` frames; built and captured for this call.

        `wanted` are the optimizations in effect. The frame is read from page-locked memory in every
        case: a graph cannot hold another copy. The call path never has a graph.

        Raises:
            EngineError: it failed.
        """
        batch = wanted.micro_batch
        try:
            if part is ReplayPart.CALL:
                return _per_frame(self._network(batch, graph=False), count, batch)
            clones = part is ReplayPart.CLONES
            wanted = replace(wanted, pinned_input=True, zero_copy_output=not clones)
            stages, stream = self._sets.measured_stages(frame, wanted)
            replay = Replay(partial(_through_network, stages), stream, graph=graph)
            return _per_frame(replay, count, batch)
        except RuntimeError as error:
            raise engine_error(f"The {part} failed in a replay", error) from error
        finally:
            torch.cuda.empty_cache()  # the pool of its graph, which nothing else may use

    def forget(self) -> None:
        """Free the captured network: its form has changed, or the engine closes."""
        self._bare.clear()

    def _network(self, batch: int, *, graph: bool) -> Replay:
        stream, bound = self._sets.place(0, batch)
        return Replay(lambda: bound.enqueue(stream), stream, graph=graph)


def _per_frame(replay: Replay, count: int, batch: int) -> list[float]:
    """Return the time of each of `count` frames, `batch` to a run."""
    runs = replay.times_ms(-(-count // batch))
    return [time_ms / batch for time_ms in runs for _ in range(batch)][:count]


def _through_network(stages: SlotStages) -> object:
    """Put frame in, preprocess, network and the clones that the stages ask for on the stream."""
    stages.copy_in()
    stages.preprocess()
    stages.infer()
    return stages.raw()
