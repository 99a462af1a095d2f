"""The sink thread: writes the running recording, so that encoding never delays the engine."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from rfviewer import log
from rfviewer.channels import Closed, Feed
from rfviewer.errors import SinkError
from rfviewer.interfaces import RecordingRequest, Sink, SinkContext, SinkFactory, SinkItem
from rfviewer.pipeline.statistics import Statistics
from rfviewer.snapshot import RecordingStatus
from rfviewer.timing import Stage


@dataclass(frozen=True, slots=True, eq=False)
class _Stop:
    """Asks the sink thread to finalise one recording; void when that one has ended by itself."""

    request: RecordingRequest


class Recorder:
    """At most one recording at a time: armed, then running from the next frame on, then finished.

    `run` is the thread body; `write` is called by the presenter; the rest by any thread.
    """

    def __init__(
        self,
        make_sinks: SinkFactory,
        context: Callable[[], SinkContext | None],
        statistics: Statistics,
    ) -> None:
        self._make_sinks = make_sinks
        self._context = context
        self._statistics = statistics
        self._feed: Feed[SinkItem | _Stop] = Feed(capacity=6)
        self._lock = threading.Lock()
        self._request: RecordingRequest | None = None
        self._stopping: RecordingRequest | None = None
        """A stopped request whose frames may still lie in the feed, the first one included."""
        self._status: RecordingStatus | None = None
        self._last: SinkItem | None = None
        self._written_pts_s = 0.0

    @property
    def wanted(self) -> bool:
        """Whether frames must be handed to `write`."""
        return self._request is not None

    @property
    def status(self) -> RecordingStatus | None:
        """The running or last recording."""
        return self._status

    @property
    def fill(self) -> tuple[int, int]:
        """Frames waiting to be written, and how many may wait."""
        return len(self._feed), self._feed.capacity

    def start(self, request: RecordingRequest) -> None:
        """Record from the next frame on; a running recording goes on and this one is refused."""
        with self._lock:
            if self._request is not None or self._stopping is not None:
                sentence = (
                    "The last recording is still being finished; start again in a moment."
                    if self._request is None
                    else "A recording is running already; stop it first."
                )
                self._statistics.notice(("warning", sentence))
                return
            self._request = request
            self._status = RecordingStatus(request.video, request.labels)

    def stop(self) -> None:
        """Finalise the recording; `status` says when it is done."""
        with self._lock:
            if self._request is None:
                return
            stop = _Stop(self._request)
            self._stopping, self._request = self._request, None
        try:
            self._feed.put_over(stop)  # at once: the caller may be the window
        except Closed:
            log.sink.debug("a recording was stopped after the recorder had closed")

    def write(self, item: SinkItem) -> None:
        """Hand over a drawn frame, waiting for room while the disk or the encoder is slow."""
        try:
            self._feed.put_wait(item, abandon=lambda: False)
        except Closed:
            log.sink.debug("a frame came after the recorder was closed")

    def close(self) -> None:
        """Finalise and end `run`."""
        self.stop()
        self._feed.close()

    def run(self) -> None:
        """Write recordings until closed."""
        try:
            while True:
                item = self._feed.take()
                if isinstance(item, SinkItem):
                    self._record(item)
                elif item is not None and item.request is self._stopping:
                    self._finished("")  # stopped before its first frame
        except Closed:
            log.sink.debug("recorder closed")
        finally:
            self._feed.close()  # after a crash nobody may wait for this thread

    def _record(self, first: SinkItem) -> None:
        """Write one recording, from its first frame to its end."""
        with self._lock:
            request, context = self._stopping or self._request, self._context()
        if request is None or context is None:
            return  # stopped while this frame was on its way
        self._last = None
        error = ""
        sinks: list[Sink] = []
        try:
            with ExitStack() as stack:
                sinks = self._make_sinks(request, context)
                for sink in sinks:
                    stack.enter_context(sink)
                self._write_until_stop(first, sinks, request)
        except SinkError as fault:
            error = str(fault)
        except Exception as fault:  # noqa: BLE001 - shown to the user, and the video goes on
            log.sink.exception("a sink broke")
            error = f"The recording stopped because of an unexpected fault ({fault})."
        self._note_outcome(request, sinks)
        self._finished(error)

    def _note_outcome(self, request: RecordingRequest, sinks: list[Sink]) -> None:
        """Take over the final names, and tell what the finished files have to tell."""
        for sink in sinks:
            if sink.notice:
                self._statistics.notice(("warning", sink.notice))
            if self._status is not None and sink.path.suffix.lower() == ".mp4" and request.video:
                self._status = replace(self._status, video=sink.path)

    def _write_until_stop(
        self, first: SinkItem, sinks: list[Sink], request: RecordingRequest
    ) -> None:
        item: SinkItem | _Stop | None = first
        while True:
            if isinstance(item, SinkItem):
                self._write_one(item, sinks)
            elif item is not None and item.request is request:
                return
            try:
                item = self._feed.take()
            except Closed:
                return

    def _write_one(self, item: SinkItem, sinks: list[Sink]) -> None:
        item = self._with_increasing_time(item)
        started_ns = time.monotonic_ns()
        for sink in sinks:
            sink.write(item)
        self._statistics.measured(Stage.SINK, (time.monotonic_ns() - started_ns) / 1e6)
        if self._status is not None:
            self._status = replace(
                self._status,
                frames=self._status.frames + 1,
                duration_s=self._written_pts_s + item.frame.duration_s,
                size_bytes=sum(sink.size_bytes for sink in sinks),
            )

    def _with_increasing_time(self, item: SinkItem) -> SinkItem:
        """Count time from the recording's first frame; a jump or loop goes on without a gap."""
        frame, last = item.frame, self._last
        self._last = item
        if last is None:
            self._written_pts_s = 0.0
        else:
            step_s = frame.pts_s - last.frame.pts_s
            if frame.epoch != last.frame.epoch or step_s <= 0:
                step_s = last.frame.duration_s or 0.04
            self._written_pts_s += step_s
        return replace(item, recorded_pts_s=self._written_pts_s)

    def _finished(self, error: str) -> None:
        with self._lock:
            self._request = self._stopping = None
            if self._status is None:
                return
            size_bytes = sum(
                path.stat().st_size
                for path in (self._status.video, self._status.labels)
                if path is not None and path.exists()
            )
            self._status = replace(self._status, active=False, error=error, size_bytes=size_bytes)
        if error:
            self._statistics.notice(("error", error))
