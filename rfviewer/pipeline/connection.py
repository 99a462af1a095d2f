"""One opening of a source on a thread of its own: a driver that hangs holds up nobody else."""

import threading
import time
from collections import deque

from rfviewer import log
from rfviewer.errors import RfviewerError, SourceError
from rfviewer.frame import Frame, SourceInfo
from rfviewer.interfaces import FrameSource, SourceFactory
from rfviewer.pipeline.threads import Thread, start_thread

_WAITING = 4
"""Frames that may wait for the capture thread: networks deliver in bursts."""


class Connection:
    """Opens a source. A live one is read and closed on the same thread; a file is handed over.

    A camera driver or a network disk may never return from a call. Then the thread is left behind
    (`abandon`): it closes the source if it ever comes back, and nobody reads it any more. It is
    daemonic and cannot keep the process alive.
    """

    def __init__(self, uri: str, open_source: SourceFactory) -> None:
        """Start to open `uri`."""
        self._uri = uri
        self._open_source = open_source
        self._condition = threading.Condition()
        self._source: FrameSource | None = None
        self._abandoned = False
        self._frames: deque[Frame] = deque(maxlen=_WAITING)
        self._skipped = 0
        self.info: SourceInfo | None = None
        """Set once open."""
        self.error: RfviewerError | None = None
        """Why opening or reading failed."""
        self.over = False
        """Whether no further frame will come: failed, or at its end."""
        self.thread = start_thread("source", self._run, self._crashed)

    @property
    def damaged(self) -> int:
        """Damaged frames so far."""
        source = self._source
        return 0 if source is None else source.damaged

    def wait_opened(self, timeout_s: float) -> bool:
        """Wait until it is open or has failed; False after `timeout_s` or when woken."""
        with self._condition:
            if self.info is None and not self.over:
                self._condition.wait(timeout_s)
            return self.info is not None or self.over

    def hand_over(self) -> FrameSource:
        """Return the open source of a file; the caller reads and closes it from now on."""
        self.thread.join()  # it ends right after opening
        if self._source is None:
            raise SourceError("The source was closed while it was opened; open it again.")
        return self._source

    def take(self, timeout_s: float) -> tuple[Frame | None, int]:
        """Wait for a frame; return it and how many were displaced by newer ones before it.

        No frame after `timeout_s`, when woken, and when none will come any more.
        """
        with self._condition:
            if not self._frames and not self.over:
                self._condition.wait(timeout_s)
            frame = self._frames.popleft() if self._frames else None
            skipped, self._skipped = self._skipped, 0
            return frame, skipped

    def wake(self) -> None:
        """Let whoever waits look again."""
        with self._condition:
            self._condition.notify_all()

    def abandon(self) -> None:
        """Read no more: the thread closes the source as soon as its driver returns."""
        with self._condition:
            self._abandoned = True
            source = self._source
            self._condition.notify_all()
        if source is not None:
            source.interrupt()

    def _run(self) -> None:
        try:
            source = self._open_source(self._uri)
        except RfviewerError as error:
            self._end(error)
            return
        info = source.info
        with self._condition:
            abandoned = self._abandoned
            if not abandoned:
                self._source, self.info = source, info
            self._condition.notify_all()
        if abandoned:
            log.source.info("%s opened after nobody waited for it any more", info.name)
            source.close()
        elif info.live:
            self._read(source)

    def _read(self, source: FrameSource) -> None:
        try:
            while not self._abandoned and (frame := source.read()) is not None:
                with self._condition:
                    self._skipped += len(self._frames) == _WAITING
                    self._frames.append(frame)
                    self._condition.notify_all()
        except SourceError as error:
            self._end(error)
        else:
            self._end(None)
        finally:
            source.close()

    def _crashed(self, error: Exception) -> None:
        self._end(
            SourceError(
                f"The source broke because of an unexpected fault ({error}); open it again."
            )
        )

    def _end(self, error: RfviewerError | None) -> None:
        with self._condition:
            self.error, self.over = error, True
            self._condition.notify_all()


class Strays:
    """Threads left behind in a call that does not return. Counted, and told in the log."""

    def __init__(self) -> None:
        self._threads: list[tuple[Thread, float]] = []
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """How many still hang."""
        with self._lock:
            for thread, since_s in self._threads:
                if not thread.is_alive():
                    hung_s = time.monotonic() - since_s
                    log.source.info("%s came back after %.1f s", thread.name, hung_s)
            self._threads = [item for item in self._threads if item[0].is_alive()]
            return len(self._threads)

    def add(self, thread: Thread, what: str) -> None:
        """Note a thread that was left behind, unless it has ended already."""
        if thread.is_alive():
            with self._lock:
                self._threads.append((thread, time.monotonic()))
            log.source.warning("%s left behind: %s has not returned", thread.name, what)
