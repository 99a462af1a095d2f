"""The bare network, replayed back to back: the ceiling that the pipeline is measured against."""

from itertools import pairwise

import torch

from rfviewer.engine.cuda.network import BoundNetwork

_WARMUPS = 3
_BATCH = 64
"""Replays queued at a time."""


class BareNetwork:
    """The network of one slot without anything around it. Engine thread, nothing in flight."""

    def __init__(self, bound: BoundNetwork, stream: torch.cuda.Stream, *, graph: bool) -> None:
        self._bound = bound
        self._stream = stream
        self._events = [torch.cuda.Event(enable_timing=True) for _ in range(_BATCH + 1)]
        self._graph: torch.cuda.CUDAGraph | None = None
        with torch.cuda.stream(stream):
            for _ in range(_WARMUPS):
                bound.enqueue(stream)
            stream.synchronize()
            if graph:
                self._graph = torch.cuda.CUDAGraph()
                self._graph.capture_begin(capture_error_mode="thread_local")
                try:
                    self._outputs = bound.enqueue(stream)
                finally:
                    self._graph.capture_end()

    def replay(self, count: int) -> list[float]:
        """Return the time from one pass's end to the next one's, in ms, `count` times."""
        durations_ms: list[float] = []
        while len(durations_ms) < count:
            events = self._events[: min(_BATCH, count - len(durations_ms)) + 1]
            with torch.cuda.stream(self._stream):
                events[0].record(self._stream)
                for event in events[1:]:
                    if self._graph is None:
                        self._bound.enqueue(self._stream)
                    else:
                        self._graph.replay()
                    event.record(self._stream)
            events[-1].synchronize()
            durations_ms += [float(a.elapsed_time(b)) for a, b in pairwise(events)]
        return durations_ms
