"""The state machine of a live source: plays it, notices silence, opens it again."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from rfviewer import log
from rfviewer.config import Policy
from rfviewer.errors import SourceError, UnreachableError
from rfviewer.frame import Frame, SourceInfo, SourceKind
from rfviewer.pipeline.connection import Connection, Strays
from rfviewer.pipeline.live_timeline import LiveTimeline
from rfviewer.pipeline.live_times import LiveTimes
from rfviewer.pipeline.patience import Patience
from rfviewer.pipeline.statistics import Statistics
from rfviewer.pipeline.transport import Transport
from rfviewer.snapshot import LivePhase, LiveStatus


@dataclass(frozen=True, slots=True)
class LiveOutputs:
    """Where the loop reports; all return at once."""

    deliver: Callable[[Frame], None]
    """Takes a frame that is to be inferred and shown."""
    opened: Callable[[SourceInfo], None]
    """The source came back in another size, rate or format."""


@dataclass(frozen=True, slots=True)
class _State:
    """Replaced as a whole, so that any thread may read it."""

    phase: LivePhase = LivePhase.CONNECTING
    attempt: int = 0
    retry_at_s: float | None = None
    reason: str = ""


class LiveLoop:
    """Keeps a live source going until told to stop. `run` is called on the capture thread.

    Nothing here waits for the source itself: opening and reading happen on the thread of a
    `Connection`, which is left behind when it hangs.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        transport: Transport,
        statistics: Statistics,
        outputs: LiveOutputs,
        times: LiveTimes,
        strays: Strays,
    ) -> None:
        self._connect = connect
        self._transport = transport
        self._statistics = statistics
        self._outputs = outputs
        self._times = times
        self._strays = strays
        self._state = _State()
        self._last_frame_s: float | None = None
        self._connection: Connection | None = None
        self._info: SourceInfo | None = None
        self._timeline = LiveTimeline()
        self._delivered = 0
        self._damaged_before = 0
        self._hurry = False
        self._alarm = threading.Event()
        self._alive_s = time.monotonic()

    @property
    def status(self) -> LiveStatus:
        """How the source is doing now; any thread."""
        state, last_s, now_s = self._state, self._last_frame_s, time.monotonic()
        return LiveStatus(
            state.phase,
            state.attempt,
            None if last_s is None else max(0.0, now_s - last_s),
            None if state.retry_at_s is None else max(0.0, state.retry_at_s - now_s),
            state.reason,
        )

    def wake(self) -> None:
        """Let the loop look at the transport again; any thread."""
        self._alarm.set()
        connection = self._connection
        if connection is not None:
            connection.wake()

    def retry_now(self) -> None:
        """Do not wait for the next attempt; any thread."""
        self._hurry = True
        self.wake()

    def run(self, connection: Connection) -> SourceError | None:
        """Play until stopped (None), at its end (None) or given up (why).

        `connection` is open, or has failed in a way that may pass.
        """
        self._connection = connection
        self._info = connection.info
        self._alive_s = time.monotonic()
        while not self._transport.stopped:
            reason = self._play(connection)
            if reason is None:
                break
            self._drop(connection)
            self._timeline.cut()
            self._statistics.interrupted()
            log.source.warning("live source broke off: %s", reason)
            if self._ends_here(connection):
                return SourceError(reason)
            attempt = self._state.attempt + 1
            connection = self._reopen(connection, attempt, reason)
        self._drop(connection)
        return None

    def _play(self, connection: Connection) -> str | None:
        """Hand on frames until the source breaks (why), ends for good or is stopped (None)."""
        transport, times = self._transport, self._times
        kind = SourceKind.STREAM if self._info is None else self._info.kind
        silence, patience = times.silence(kind), Patience()
        playing_since_s: float | None = None
        while not transport.stopped:
            frame, skipped = connection.take(times.look_s)
            if frame is not None:
                now_s = time.monotonic()
                playing_since_s = playing_since_s or now_s
                healthy = now_s - playing_since_s >= times.healthy_s
                attempt = 0 if healthy else self._state.attempt
                self._last_frame_s = self._alive_s = now_s
                self._state = _State(LivePhase.PLAYING, attempt)
                patience.reset()
                for _ in range(skipped):
                    self._statistics.captured(self._damaged_before + connection.damaged)
                self._statistics.dropped(skipped)
                if not self._hand_on(frame, connection):
                    return None
                continue
            if connection.over:
                if connection.error is not None:
                    return str(connection.error)
                if transport.playback.reconnect_s is not None:
                    return None  # work without a viewer ends with its source
                return f"{self._name()} ended the connection."
            silent_s = patience.look()
            if silent_s >= silence.broken_s:
                return f"{self._name()} has sent no picture for {silent_s:.0f} s."
            if silent_s >= silence.stalled_s:
                self._state = replace(self._state, phase=LivePhase.STALLED)
        return None

    def _hand_on(self, frame: Frame, connection: Connection) -> bool:
        """Deliver `frame` unless a pause holds it back; False behind the wanted end."""
        transport = self._transport
        _, epoch = transport.take_jump()
        keeps_pace = transport.policy is Policy.KEEP_PACE
        # While paused the source is read on, so that it neither overflows nor grows old.
        if not (transport.take_turn(epoch, 0.0) if keeps_pace else transport.flows):
            self._timeline.cut()
            self._statistics.interrupted()
            return True
        playback = transport.playback
        if playback.max_frames is not None and self._delivered >= playback.max_frames:
            return False
        frame = replace(self._timeline.place(frame), epoch=epoch)
        if playback.end_s is not None and frame.pts_s >= playback.end_s:
            return False
        self._delivered += 1
        self._statistics.captured(self._damaged_before + connection.damaged)
        self._outputs.deliver(frame)
        return True

    def _reopen(self, old: Connection, attempt: int, reason: str) -> Connection:
        """Open the source again, for as long as it takes; the old connection when stopped."""
        times, transport = self._times, self._transport
        kind = SourceKind.STREAM if self._info is None else self._info.kind
        while True:
            retry_at_s = time.monotonic() + times.retry_s(attempt, kind)
            self._state = _State(LivePhase.LOST, attempt, retry_at_s, reason)
            self._wait_until(retry_at_s)
            if transport.stopped:
                return old
            # A device can be opened once: the last thread gets the whole wait to close it.
            self._strays.add(old.thread, self._name())
            if self._strays.count >= times.max_strays:
                reason = (
                    f"{self._name()} hangs in its driver; connect it anew or restart the computer."
                )
                attempt += 1
                continue
            self._state = _State(LivePhase.RECONNECTING, attempt, None, reason)
            connection = self._connection = self._connect()
            if self._opens(connection) or transport.stopped:
                return connection
            reason = (
                f"{self._name()} has not answered for {times.open_s:.0f} s."
                if connection.error is None
                else str(connection.error)
            )
            self._drop(connection)
            if self._ends_here(connection):
                return connection  # playing it tells why it failed
            attempt, old = attempt + 1, connection

    def _opens(self, connection: Connection) -> bool:
        """Wait until `connection` is open; tell when the source has changed."""
        patience = Patience()
        while not connection.wait_opened(self._times.look_s):
            if self._transport.stopped or patience.look() >= self._times.open_s:
                return False
        info = connection.info
        if info is None:
            return False
        if info != self._info:
            self._info = info
            self._outputs.opened(info)
        return True

    def _wait_until(self, moment_s: float) -> None:
        while not (self._transport.stopped or self._hurry):
            left_s = moment_s - time.monotonic()
            if left_s <= 0:
                break
            self._alarm.wait(left_s)
            self._alarm.clear()
        self._hurry = False

    def _drop(self, connection: Connection) -> None:
        self._damaged_before += connection.damaged
        connection.abandon()

    def _ends_here(self, broken: Connection) -> bool:
        """Whether no further attempt is to be made after `broken`."""
        if self._info is None and broken.error is not None:
            # It was never open: only somebody who does not answer is waited for.
            return not isinstance(broken.error, UnreachableError)
        gives_up_s = self._transport.playback.reconnect_s
        return gives_up_s is not None and self._away_s() >= gives_up_s

    def _away_s(self) -> float:
        """Return how long no frame has come."""
        return time.monotonic() - self._alive_s

    def _name(self) -> str:
        return "The source" if self._info is None else self._info.name
