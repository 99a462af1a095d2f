"""The one place where threads start: every thread has a name and no crash is silent."""

import threading
import time
from collections.abc import Callable

from rfviewer import log

type Thread = threading.Thread

told_on_closing = threading.Event()
"""Set once closing has told of the threads it leaves behind: the end of the program need not."""


def start_thread(
    name: str,
    target: Callable[[], None],
    crashed: Callable[[Exception], None] | None = None,
) -> threading.Thread:
    """Start and return a thread that runs `target`.

    `crashed` is told, on that thread, what `target` raised; without it the interpreter prints it.
    Daemonic: a source stuck in a driver call must not keep the process alive after close() has
    reported it.
    """

    def run() -> None:
        try:
            target()
        except Exception as error:
            log.pipeline.exception("thread %s ended with an error", name)
            if crashed is None:
                raise
            crashed(error)

    thread = threading.Thread(target=run, name=f"rfviewer-{name}", daemon=True)
    thread.start()
    return thread


def join_all(threads: list[threading.Thread], timeout_s: float) -> list[str]:
    """Join `threads` within `timeout_s` in all; return the names of those still running."""
    deadline = time.monotonic() + timeout_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread.name for thread in threads if thread.is_alive()]
