"""Copies of large host arrays in strips, on the calling thread and a few helpers. Needs no torch.

One core moves 1920x1080 pixels in 0.8 ms. Where a thread of its own hands frames on, that binds the
whole pipeline, while the memory could take several times as much.
"""

import os
import queue
from collections import deque
from collections.abc import Sequence

import numpy as np

from rfviewer.engine.streams import HostStream, StartThread
from rfviewer.frame import U8Array

_LARGE_BYTES = 2_000_000
"""Below, waking threads costs a good part of what they save. 1280x720 pixels are above it."""
_MANY_CORES = 8
"""With fewer, helpers take their time from decoding, drawing and the engine thread."""
_HELPERS = 3
_STRIPS_EACH = 2
"""Who wakes late leaves strips to others; every strip costs a turn at the interpreter's lock."""


class StripCopier:
    """Copies arrays. `copy` from any thread, even while another one closes it."""

    def __init__(self, helpers: Sequence[HostStream] = ()) -> None:
        """Take `helpers` over; without any the caller copies alone."""
        self._helpers = helpers

    def copy(self, target: U8Array, source: U8Array) -> None:
        """Copy `source` to `target` of the same shape, with any strides; returns when it is done.

        Raises:
            TypeError: `source` holds no bytes. Nothing writes to `target` any more.
        """
        helpers = self._helpers
        if not helpers:
            np.copyto(target, source)
            return
        job = _Job(target, source, (len(helpers) + 1) * _STRIPS_EACH)
        for helper in helpers:
            helper.enqueue(job.help)
        job.finish()

    def close(self) -> None:
        """End the helpers and wait for that, a strip each at most. Idempotent; one thread.

        Who copies meanwhile does the rest alone.
        """
        helpers, self._helpers = self._helpers, ()
        for helper in helpers:
            helper.close()


class _Job:
    """One copy: the strips that nobody has taken yet, and what helpers say of theirs.

    Nobody waits for a helper to begin, so none that is late or gone can hold a copy up. No name
    here keeps a strip or an error longer than needed: it would keep a frame's memory.
    """

    def __init__(self, target: U8Array, source: U8Array, strips: int) -> None:
        rows = len(source)
        step = max(1, -(-rows // strips))
        self._left = deque(
            (target[top : top + step], source[top : top + step]) for top in range(0, rows, step)
        )
        self._count = len(self._left)
        self._outcomes: queue.SimpleQueue[tuple[Exception, ...]] = queue.SimpleQueue()

    def help(self) -> None:
        """Copy strips until none is left. On a helper, maybe long after the copy is done."""
        while True:
            try:
                if not self._copy_one():
                    return
            except Exception as error:  # noqa: BLE001 - raised by `finish`
                self._outcomes.put((error,))
            else:
                self._outcomes.put(())

    def finish(self) -> None:
        """Copy what no helper takes, then wait for the strips that helpers have taken.

        Raises:
            Exception: the first fault of any strip.
        """
        faults: list[Exception] = []
        taken = 0
        while True:
            try:
                if not self._copy_one():
                    break
            except Exception as error:  # noqa: BLE001 - raised below
                faults.append(error)
            taken += 1
        for _ in range(self._count - taken):
            faults.extend(self._outcomes.get())
        del faults[1:]
        if faults:
            raise faults.pop()

    def _copy_one(self) -> bool:
        """Copy a strip that nobody has taken; return whether there was one."""
        try:
            target, source = self._left.popleft()
        except IndexError:
            return False
        np.copyto(target, source)  # without the interpreter's lock, whatever the strides
        return True


def copier_for(start_thread: StartThread, size: int) -> StripCopier:
    """Return what copies arrays of `size` bytes; it has started threads if they pay here."""
    count = _HELPERS if size >= _LARGE_BYTES and _cores() >= _MANY_CORES else 0
    return StripCopier([HostStream(f"copy-{index}", start_thread) for index in range(count)])


def _cores() -> int:
    """Return how many cores this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return usable or 1
