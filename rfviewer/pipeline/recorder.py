"""The sink thread: writes the running recording, so that encoding never delays the engine.

An encoder or a disk may hang for ever. Then the thread and its recording are left behind, with what
is on disk, and a new thread serves the next recording.
"""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rfviewer import log
from rfviewer.channels import Closed, Feed
from rfviewer.errors import SinkError
from rfviewer.interfaces import RecordingRequest, Sink, SinkContext, SinkFactory, SinkItem
from rfviewer.pipeline.hang import FINISH_STUCK_S, WRITE_STUCK_S, SinkWork, size_factor
from rfviewer.pipeline.statistics import Statistics
from rfviewer.pipeline.threads import Thread, start_thread
from rfviewer.snapshot import RecordingStatus
from rfviewer.timing import Stage

_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class _Stop:
    """Asks the sink thread to finalise one recording; void when that one has ended by itself."""

    request: RecordingRequest


type _Feed = Feed[SinkItem | _Stop]


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
        self._feed: _Feed = Feed(capacity=6)
        self._work = SinkWork()
        self.replacement: Thread | None = None
        """The thread that took over after a hang; None while the first one serves."""
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
    def needs_images(self) -> bool:
        """Whether these frames must be drawn: labels alone need no image."""
        request = self._request
        return request is not None and request.video is not None

    @property
    def status(self) -> RecordingStatus | None:
        """The running or last recording; asking also notices one that hangs."""
        if self._work.is_stuck():
            self._give_up()
        return self._status

    @property
    def fill(self) -> tuple[int, int]:
        """Frames waiting to be written, and how many may wait."""
        return len(self._feed), self._feed.capacity

    def start(self, request: RecordingRequest) -> None:
        """Record from the next frame on; a running recording goes on and this one is refused."""
        if self._work.is_stuck():
            self._give_up()
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
            self._status = RecordingStatus(request.video, request.labels, coco=request.coco)

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
        feed = self._feed
        try:
            while not feed.put_wait(item, lambda: feed is not self._feed, _LOOK_EVERY_S):
                if feed is not self._feed:
                    return  # that recording was given up, by another thread
                if self._work.is_stuck():
                    self._give_up()
        except Closed:
            log.sink.debug("a frame came after the recorder was closed")

    def hurry(self, until_s: float) -> None:
        """Let the files be finished by then, on the clock of `time.monotonic`."""
        for sink in list(self._work.sinks):
            sink.hurry(until_s)

    def close(self) -> None:
        """Finalise and end `run`."""
        self.stop()
        self._feed.close()

    def run(self) -> None:
        """Write recordings until closed, or until this thread was given up."""
        feed, work = self._feed, self._work
        try:
            while feed is self._feed:
                item = feed.take()
                if isinstance(item, SinkItem):
                    self._record(item, feed, work)
                elif item is not None and item.request is self._stopping:
                    self._finished(feed, "")  # stopped before its first frame
        except Closed:
            log.sink.debug("recorder closed")
        finally:
            feed.close()  # after a crash nobody may wait for this thread

    def _give_up(self) -> None:
        """Leave a recording that hangs behind, with its thread, and be ready for the next one."""
        with self._lock:
            feed, work = self._feed, self._work
            if not work.is_stuck():
                return  # another thread was faster
            status = self._status
            partials = [str(sink.partial or sink.path) for sink in work.sinks]
            kept = f" What was written is in {' and '.join(partials)}." if partials else ""
            error = f"The recording hangs: the disk or the encoder does not answer.{kept}"
            if status is not None:
                self._status = replace(status, active=False, error=error)
            self._request = self._stopping = None
            self._feed, self._work = Feed(capacity=feed.capacity), SinkWork()
        feed.discard(lambda _: True)
        feed.close()
        log.sink.error(error)
        self._statistics.notice(("error", error))
        self.replacement = start_thread("recorder-2", self.run)

    def _record(self, first: SinkItem, feed: _Feed, work: SinkWork) -> None:
        """Write one recording, from its first frame to its end."""
        with self._lock:
            request, context = self._stopping or self._request, self._context()
        if request is None or context is None:
            return  # stopped while this frame was on its way
        self._last = None
        error = ""
        try:
            work.begin(WRITE_STUCK_S)
            with ExitStack() as stack:
                for sink in self._make_sinks(request, context):
                    work.sinks.append(stack.enter_context(sink))
                work.end()
                self._write_until_stop(first, request, feed, work)
                work.begin(FINISH_STUCK_S)
        except SinkError as fault:
            error = str(fault)
        except Exception as fault:  # noqa: BLE001 - shown to the user, and the video goes on
            log.sink.exception("a sink broke")
            error = f"The recording stopped because of an unexpected fault ({fault})."
        work.end()
        sinks, work.sinks = work.sinks, []
        self._note_outcome(feed, request, sinks)
        self._finished(feed, error)

    def _note_outcome(self, feed: _Feed, request: RecordingRequest, sinks: list[Sink]) -> None:
        """Take over the final names, and tell what the finished files have to tell."""
        for sink in sinks:
            if sink.notice:
                self._statistics.notice(("warning", sink.notice))
            if request.video and sink.path.suffix.lower() == ".mp4":
                self._update(feed, video=sink.path)

    def _write_until_stop(
        self,
        first: SinkItem,
        request: RecordingRequest,
        feed: _Feed,
        work: SinkWork,
    ) -> None:
        item: SinkItem | _Stop | None = first
        while True:
            if isinstance(item, SinkItem):
                work.begin(WRITE_STUCK_S * size_factor(item.frame.width * item.frame.height))
                try:
                    self._write_one(item, feed, work.sinks)
                finally:
                    work.begin(FINISH_STUCK_S)  # an error leads there at once
                work.end()
            elif item is not None and item.request is request:
                return
            try:
                item = feed.take()
            except Closed:
                return

    def _write_one(self, item: SinkItem, feed: _Feed, sinks: list[Sink]) -> None:
        item = self._with_increasing_time(item)
        started_ns = time.monotonic_ns()
        for sink in sinks:
            before = sink.notice
            sink.write(item)
            if sink.notice != before:
                self._statistics.notice(("warning", sink.notice))
        elapsed_ms = (time.monotonic_ns() - started_ns) / 1e6
        self._statistics.measured(Stage.SINK, elapsed_ms, item.frame.frame_index)
        frames = 0 if self._status is None else self._status.frames
        self._update(
            feed,
            frames=frames + 1,
            duration_s=self._written_pts_s + item.frame.duration_s,
            size_bytes=sum(sink.size_bytes for sink in sinks),
            partial=next((sink.partial for sink in sinks if sink.partial), None),
        )

    def _update(self, feed: _Feed, **changes: Any) -> None:  # noqa: ANN401 - fields of the status
        """Change the status, unless the recording behind `feed` was given up."""
        with self._lock:
            if feed is self._feed and self._status is not None:
                self._status = replace(self._status, **changes)

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

    def _finished(self, feed: _Feed, error: str) -> None:
        with self._lock:
            if feed is not self._feed:
                # It was given up and told; that it came back after all stands in the log.
                log.sink.warning("a recording that hung has ended: %s", error or "complete")
                return
            self._request = self._stopping = None
            status = self._status
            if status is None:
                return
            paths = (status.video, status.labels, status.coco)
            size_bytes = sum(_size_of(path) for path in paths if path is not None)
            if error:
                self._statistics.notice(("error", error))  # first: who sees the end knows why
            self._status = replace(
                status, active=False, error=error, size_bytes=size_bytes, partial=None
            )


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # removed meanwhile
