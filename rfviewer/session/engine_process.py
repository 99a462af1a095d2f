"""The engine process and the pipe to it, as the window's process sees them."""

import multiprocessing
import select
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rfviewer import log
from rfviewer.config import Settings
from rfviewer.session.child import serve
from rfviewer.session.wire import CloseSession, FromEngine, ToEngine

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_REAP_S = 1.0
"""How long a killed process may take to vanish; one that hangs in its driver never does."""


class EngineProcess:
    """A spawned child. Nothing here waits for it, except `end` and `free`. One thread uses it."""

    def __init__(self, maker: str, settings: Settings, log_folder: str | None) -> None:
        """Spawn it; `maker` is "module:function" of a `child.SessionMaker`."""
        context = multiprocessing.get_context("spawn")
        connection, childs_end = context.Pipe()
        self._connection: Connection | None = connection
        self._outbox: deque[ToEngine] = deque()
        self._process = context.Process(
            target=serve,
            args=(childs_end, maker, settings),
            kwargs={"log_folder": log_folder},
            name="rfviewer-engine",
            daemon=True,
        )
        with _hidden_from_the_terminal():
            self._process.start()
        childs_end.close()

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs, or at least exists."""
        return self._process.is_alive()

    @property
    def exit_code(self) -> int | None:
        """As of `multiprocessing`: negative for a signal; None while it runs."""
        return self._process.exitcode

    def send(self, message: ToEngine) -> None:
        """Send `message` as soon as the pipe takes it: a stopped process must not stop us."""
        self._outbox.append(message)
        self._flush()

    def receive(self) -> list[FromEngine]:
        """Return what it has said since the last call."""
        self._flush()
        messages: list[FromEngine] = []
        try:
            while self._connection is not None and self._connection.poll():
                messages.append(self._connection.recv())
        except (EOFError, OSError):
            self._drop_connection()
        return messages

    def end(self, timeout_s: float, goodbye_s: float) -> tuple[list[FromEngine], bool]:
        """Let it finalise files and end; kill it after `timeout_s`.

        Returns its last messages, and whether it ended by itself. `goodbye_s` is the part of the
        time in which, its files finalised, it ends as a process.
        """
        self.send(CloseSession(max(0.0, timeout_s - goodbye_s)))
        messages: list[FromEngine] = []
        deadline = time.monotonic() + timeout_s
        while self.alive and time.monotonic() < deadline:
            messages += self.receive()  # keeps the pipe empty, so that the last ones go through
            self._process.join(0.02)
        messages += self.receive()
        by_itself = not self.alive
        if not by_itself:
            log.session.warning("the engine process is killed after %.1f s", timeout_s)
            self.kill()
        return messages, by_itself

    def kill(self) -> None:
        """End it at once; works on a stopped process too."""
        self._process.kill()

    def free(self) -> None:
        """Let go of a process that has ended or was killed."""
        self._process.join(_REAP_S)
        if self._process.is_alive():
            log.session.error("process %s cannot be killed: it hangs in its driver", self.pid)
        else:
            self._process.close()
        self._drop_connection()

    def _flush(self) -> None:
        try:
            while self._connection is not None and self._outbox and _writable(self._connection):
                self._connection.send(self._outbox[0])
                self._outbox.popleft()
        except OSError:
            # It has died; the next poll() tells, and a restart repeats the settings.
            log.session.warning("the engine process did not take %d messages", len(self._outbox))
            self._outbox.clear()

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _writable(connection: "Connection") -> bool:
    if sys.platform == "win32":
        return True  # its pipes cannot be asked
    return bool(select.select([], [connection], [], 0)[1])


@contextmanager
def _hidden_from_the_terminal() -> Iterator[None]:
    """Start a process that never sees what a terminal sends to all: Ctrl-C, and that it closes.

    A child inherits the mask of blocked signals. In this process one that comes meanwhile waits.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker  # POSIX only

    old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    # It knows of Ctrl-C, not of SIGHUP, and unblocks the former when it starts, which would be
    # between our mask and the child.
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)
