"""The live comparison: every n-th result again through a reference engine, off the hot path."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rfviewer.config import EngineConfig
from rfviewer.experiment import Badge, ParityReading, ParityWatch
from rfviewer.interfaces import EngineFactory
from rfviewer.pipeline.parity_reference import ComparedPair, Reference, Task
from rfviewer.pipeline.parity_worst import SaveComparison
from rfviewer.pipeline.threads import Thread, start_thread
from rfviewer.result import EngineInfo, FrameResult


class ParityWatcher:
    """Starts, feeds and ends the reference. Any thread may call it; nothing here waits.

    One reference runs at a time, on a thread of its own; one that is replaced ends by itself after
    its current frame.
    """

    def __init__(
        self,
        make_engine: EngineFactory,
        save_comparison: SaveComparison | None,
        compared: Callable[[], None],
    ) -> None:
        """`compared` is told on the reference's thread that there is a new `pair`."""
        self._make_engine = make_engine
        self._save_comparison = save_comparison
        self._compared = compared
        self._lock = threading.Lock()
        self._watch: ParityWatch | None = None
        self._candidate: tuple[EngineConfig, EngineInfo] | None = None
        self._reference: Reference | None = None
        self._since_ns = 0
        """When the running engine took over; earlier results are of another one."""
        self._offered = 0
        self._closed = False
        self._threads: list[Thread] = []

    @property
    def active(self) -> bool:
        """Whether frames are compared, or will be."""
        return self._watch is not None

    @property
    def reading(self) -> ParityReading:
        """What the comparison says now."""
        reference = self._reference
        if reference is not None:
            return reference.reading
        if self._watch is None:
            return ParityReading()
        return ParityReading(badge=Badge.WAITING, reason="The engine is not ready yet.")

    @property
    def pair(self) -> ComparedPair | None:
        """The newest frame that both engines have seen."""
        reference = self._reference
        return None if reference is None else reference.pair

    def watch(self, watch: ParityWatch | None) -> None:
        """Compare as `watch` says from now on; None ends it and frees the reference."""
        with self._lock:
            before, self._watch = self._watch, watch
            if before is None or watch is None or replace(before, every=watch.every) != watch:
                self._restart()  # else it is only another rhythm

    def candidate_ready(self, config: EngineConfig, info: EngineInfo) -> None:
        """Note what the running engine is; a new one gets a new reference where they go together.

        On the engine thread, before the first result of that engine is offered.
        """
        with self._lock:
            before, self._candidate = self._candidate, (config, info)
            if before is not None and before[0] != config:
                self._since_ns = time.monotonic_ns()
            watch = self._watch
            follows = watch is not None and watch.engine is None
            if before is None or (follows and before[0] != config):
                self._restart()

    def offer(self, result: FrameResult) -> None:
        """Take every n-th result; on the engine thread. Busy: the newest waits, others are lost."""
        watch = self._watch
        if watch is None:
            return
        self._offered += 1
        if self._offered % max(1, watch.every) == 0:
            self._hand_over(result)

    def request(self, result: FrameResult) -> None:
        """Have this result compared, since its frame is on display; again is no new request.

        One that an engine before the running one has made is not: it would count against this one.
        """
        if self._watch is not None and result.timings.done_time_ns >= self._since_ns:
            self._hand_over(result)

    def close(self) -> None:
        """End every reference after its current frame; `threads` tells which are left."""
        with self._lock:
            self._closed = True
            self._watch = None
            self._restart()

    @property
    def threads(self) -> list[Thread]:
        """Threads of references that have not ended yet."""
        with self._lock:
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            return list(self._threads)

    def _hand_over(self, result: FrameResult) -> None:
        candidate, reference = self._candidate, self._reference
        if candidate is not None and reference is not None:
            reference.put(Task(result, candidate[1]))

    def _restart(self) -> None:
        """Replace the reference by one for the present watch and engine; with the lock held."""
        previous, self._reference = self._reference, None
        if previous is not None:
            previous.close()
        if self._watch is None or self._candidate is None or self._closed:
            return
        config = self._watch.engine or self._candidate[0]
        self._offered = self._watch.every - 1  # the very next result is compared
        reference = Reference(
            self._make_engine,
            config,
            self._watch.reference,
            self._save_comparison,
            self._compared,
        )
        self._reference = reference
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        self._threads.append(start_thread("parity", reference.run, partial(_crashed, reference)))


def _crashed(reference: Reference, error: Exception) -> None:
    reference.fail(f"The comparison stopped because of an unexpected fault ({error}).")
