"""Ordered work queues on the host, shaped like the streams and events of a GPU.

A stream runs its tasks in the order they were enqueued. An event marks a point in a stream; another
stream can wait for it, and so can the host. With one frame in flight there is nothing to overlap:
`InlineStream` runs everything on the thread that flushes it.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

type Task = Callable[[], None]
"""A piece of work; must not raise."""


class Joinable(Protocol):
    """The part of `threading.Thread` that a stream needs."""

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end of the thread."""


type StartThread = Callable[[str, Callable[[], None]], Joinable]
"""Starts a named thread; the composition root hands in `pipeline.threads.start_thread`."""


class HostEvent:
    """A point in a stream and the time at which it was reached. Reusable, from any thread."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self.time_ns = 0
        """`time.monotonic_ns()` at which it was last recorded."""

    def clear(self) -> None:
        """Make the event pending again; nobody may wait for it yet."""
        self._reached.clear()

    def record(self) -> None:
        """Mark the point as reached now."""
        self.time_ns = time.monotonic_ns()
        self._reached.set()

    def wait(self) -> None:
        """Block until the point is reached."""
        self._reached.wait()


class Stream(Protocol):
    """Runs tasks in order."""

    def enqueue(self, task: Task) -> None:
        """Append `task`; does not wait for it."""

    def flush(self) -> None:
        """Make sure that everything enqueued gets done without further calls."""

    def close(self) -> None:
        """Free the stream; nobody may still wait for what was enqueued. Idempotent."""


class InlineStream:
    """Keeps tasks until `flush`, which runs them on the calling thread. One thread."""

    def __init__(self) -> None:
        self._tasks: deque[Task] = deque()

    def enqueue(self, task: Task) -> None:
        """Append `task`; it runs in `flush`."""
        self._tasks.append(task)

    def flush(self) -> None:
        """Run everything enqueued."""
        while self._tasks:
            self._tasks.popleft()()

    def close(self) -> None:
        """Forget what was not flushed: nobody waits for it."""
        self._tasks.clear()


class HostStream:
    """Runs tasks in order on its own named thread. `enqueue` from any thread, `close` from one."""

    def __init__(self, name: str, start_thread: StartThread) -> None:
        # Unbounded, but nobody has more tasks under way than slots, or copies of frames.
        self._queue: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._thread = start_thread(name, self._work)

    def enqueue(self, task: Task) -> None:
        """Append `task` for the worker."""
        self._queue.put(task)

    def flush(self) -> None:
        """Nothing to do: the worker goes on by itself."""

    def close(self) -> None:
        """Let the worker finish its queue and join it."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (task := self._queue.get()) is not None:
            task()
