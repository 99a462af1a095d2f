"""The capture thread: opens one source, reads it at its pace, carries out jumps."""

from dataclasses import dataclass, field

from rfviewer import log
from rfviewer.channels import Closed
from rfviewer.config import Policy
from rfviewer.errors import SourceError, UnreachableError
from rfviewer.frame import Frame
from rfviewer.interfaces import FrameSource, SourceFactory
from rfviewer.pipeline.capture_outputs import CaptureOutputs, EndOfStream
from rfviewer.pipeline.connection import Connection, Strays
from rfviewer.pipeline.file_loop import FileLoop
from rfviewer.pipeline.live import LiveLoop, LiveOutputs
from rfviewer.pipeline.live_times import LiveTimes
from rfviewer.pipeline.patience import Patience
from rfviewer.pipeline.statistics import Statistics
from rfviewer.pipeline.threads import Thread, join_all, start_thread
from rfviewer.pipeline.transport import Transport
from rfviewer.snapshot import LivePhase, LiveStatus

CAPTURE_JOIN_S = 2.0
"""How long a source may take to stop before it is left behind and reported."""


@dataclass(frozen=True, slots=True)
class LiveCare:
    """What the care for live sources needs; one for all sources of a pipeline."""

    times: LiveTimes = field(default_factory=LiveTimes)
    strays: Strays = field(default_factory=Strays)


class CaptureLoop:
    """Owns the source. `run` is the thread body; `interrupt` may come from other threads."""

    def __init__(
        self,
        uri: str,
        open_source: SourceFactory,
        transport: Transport,
        statistics: Statistics,
        outputs: CaptureOutputs,
        care: LiveCare,
    ) -> None:
        self._uri = uri
        self._open_source = open_source
        self._transport = transport
        self._statistics = statistics
        self._outputs = outputs
        self._care = care
        self._source: FrameSource | None = None
        self._connection: Connection | None = None
        self._live: LiveLoop | None = None
        self._file: FileLoop | None = None
        self._epoch = transport.epoch

    @property
    def live(self) -> LiveStatus | None:
        """How a live source is doing; None for a file, unless it gives no frame for a while."""
        if self._live is not None:
            return self._live.status
        if self._file is not None:
            return self._file.status
        connecting = self._source is None and looks_live(self._uri)
        return LiveStatus(LivePhase.CONNECTING) if connecting else None

    def interrupt(self) -> None:
        """Wake every wait and a blocked read; called after `transport.stop()`."""
        source, connection, live = self._source, self._connection, self._live
        if source is not None:
            source.interrupt()
        if connection is not None:
            connection.abandon()
        if live is not None:
            live.wake()

    @property
    def connection_thread(self) -> Thread | None:
        """The thread that opens or reads the source."""
        return None if self._connection is None else self._connection.thread

    def retry_now(self) -> None:
        """Open a live source that broke off without waiting any longer."""
        if self._live is not None:
            self._live.retry_now()

    def crashed(self, error: Exception) -> None:
        """Report a fault that no source should have."""
        self._outputs.failed(
            f"The source broke because of an unexpected fault ({error}); open it again."
        )

    def run(self) -> None:
        """Open, read and close the source. Faults are reported through `outputs.failed`."""
        connection = None if self._transport.stopped else self._open()
        if connection is None:
            return
        info = connection.info
        try:
            if info is not None:
                self._outputs.opened(info)
            if info is None or info.live:
                self._run_live(connection)
            else:
                self._run_file(connection.hand_over())
        except Closed:
            log.source.debug("the pipeline closed while a frame was delivered")
            connection.abandon()

    def _open(self) -> Connection | None:
        """Return the open source, or nothing once the failure is told."""
        connection = self._connection = Connection(self._uri, self._open_source)
        patience, times = Patience(), self._care.times
        while not connection.wait_opened(times.look_s):
            if self._transport.stopped:
                connection.abandon()
                return None
            if patience.look() >= times.open_s:
                connection.abandon()
                self._care.strays.add(connection.thread, self._uri)
                self._outputs.failed(
                    f"The source has not opened within {times.open_s:.0f} s: its disk, driver or "
                    "server hangs; check it and try again."
                )
                return None
        error = connection.error
        if isinstance(error, UnreachableError) and self._transport.playback.reconnect_s is None:
            return connection  # a camera that is down when its viewer starts
        if error is not None and connection.info is None:
            self._outputs.failed(str(error))
            return None
        return connection

    def _run_file(self, source: FrameSource) -> None:
        self._source = source
        try:
            if self._transport.stopped:
                return
            self._file = FileLoop(source, self._transport, self._statistics, self._outputs)
            try:
                self._file.run()
            except SourceError as error:
                self._end(str(error))
        finally:
            source.close()

    def _run_live(self, connection: Connection) -> None:
        start_s = self._transport.playback.start_s
        if start_s > 0 and connection.info is not None:
            connection.abandon()
            self._end(f"{connection.info.name} is live and has no other position.")
            return
        live = self._live = LiveLoop(
            self._connect_again,
            self._transport,
            self._statistics,
            LiveOutputs(self._deliver_live, self._outputs.opened),
            self._care.times,
            self._care.strays,
        )
        error = live.run(connection)
        if not self._transport.stopped:
            self._end("" if error is None else str(error))

    def _connect_again(self) -> Connection:
        self._connection = Connection(self._uri, self._open_source)
        if self._transport.stopped:  # `interrupt` may have looked just before
            self._connection.abandon()
        return self._connection

    def _deliver_live(self, frame: Frame) -> None:
        self._epoch = frame.epoch
        if self._transport.policy is Policy.KEEP_PACE:
            self._outputs.show(frame)
        self._statistics.dropped(self._outputs.frames.put_newest(frame))

    def _end(self, error: str) -> None:
        """Follow the frames that were read before, so that they are shown and saved."""
        _, self._epoch = self._transport.take_jump()
        self._outputs.frames.put_wait(EndOfStream(self._epoch, error), self._abandoned)

    def _abandoned(self) -> bool:
        return self._transport.stopped or self._transport.epoch != self._epoch


class RunningCapture:
    """A capture loop on its thread."""

    def __init__(self, loop: CaptureLoop, after: "RunningCapture | None" = None) -> None:
        """Start `loop` once the one before has let go of its source, if it does so in time."""
        self.loop = loop
        self._after = after
        self._thread = start_thread("capture", self._run, loop.crashed)

    def interrupt(self) -> None:
        """Let it end soon; called after `transport.stop()`. Returns at once."""
        self.loop.interrupt()

    def join(self, timeout_s: float) -> list[str]:
        """Wait for the end; return the names of the threads that are stuck."""
        self.interrupt()
        threads = [self._thread]
        if self.loop.connection_thread is not None:
            threads.append(self.loop.connection_thread)
        stuck = join_all(threads, timeout_s)
        if stuck:
            log.source.error("the source did not stop within %.1f s", timeout_s)
        return stuck

    def _run(self) -> None:
        after, self._after = self._after, None
        if after is not None:
            # A camera can be opened by one at a time. Nobody but this thread waits for it.
            after.join(CAPTURE_JOIN_S)
        self.loop.run()


def looks_live(uri: str) -> bool:
    """Tell whether `uri` names a camera or an address, before it is open."""
    is_address = "://" in uri and not uri.lower().startswith("file:")
    return is_address or uri.startswith(("camera:", "/dev/")) or uri.isdigit()
