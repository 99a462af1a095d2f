"""The session in a child process: what the window uses, so that a crash there leaves it alive."""

import multiprocessing
import signal
import time
from dataclasses import replace
from multiprocessing.context import SpawnProcess
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rfviewer import log
from rfviewer.config import EngineConfig, Playback, Policy, Settings, View
from rfviewer.experiment import LabRequest, ParityWatch
from rfviewer.interfaces import RecordingRequest, ScreenshotKind
from rfviewer.optimizations import Optimizations
from rfviewer.session.child import serve
from rfviewer.session.ring import ImageRing, missing_shared_memory, ring_bytes
from rfviewer.session.wire import (
    Closed,
    CloseSession,
    Command,
    FromEngine,
    Method,
    NeedRing,
    UseRing,
)
from rfviewer.snapshot import (
    EnginePhase,
    EngineStatus,
    PlayState,
    PresentedFrame,
    RecordingStatus,
    Snapshot,
)

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from rfviewer.result import Notice

GOODBYE_S = 0.5
"""Part of the time for closing in which the child, its files finalised, ends as a process."""
FINALISE_S = 2.0
"""How long a restart waits for a running recording; without one nothing is waited for."""


class RemoteSession:
    """Implements `Session` by a spawned child and a shared-memory ring. One thread uses it."""

    def __init__(self, maker: str, settings: Settings, *, log_folder: Path | None) -> None:
        """Spawn the child; it loads the engine while the window appears.

        `maker` is "module:function" of a `child.SessionMaker`.
        """
        self._maker = maker
        self._log_folder = None if log_folder is None else str(log_folder)
        self._settings = settings
        self._uri = ""
        self._paused = False
        self._snapshot: Snapshot | None = None
        self._recording: RecordingStatus | None = None
        self._notices: list[Notice] = []
        self._segment: SharedMemory | None = None
        self._ring: ImageRing | None = None
        self._closed = False
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._start()

    @property
    def pid(self) -> int | None:
        """Process id of the child."""
        return None if self._process is None else self._process.pid

    def open(
        self, source: str, playback: Playback, *, recording: RecordingRequest | None = None
    ) -> None:
        """Close the current source and open `source`, recording from its first frame if asked."""
        self._uri, self._paused = source, playback.paused
        self._settings = replace(self._settings, playback=playback)
        self._call("open", source, playback, recording=recording)

    def set_engine(self, config: EngineConfig) -> None:
        """Load another model or backend."""
        self._settings = replace(self._settings, engine=config)
        self._call("set_engine", config)

    def set_optimizations(self, optimizations: Optimizations) -> None:
        """Request optimizations."""
        self._settings = replace(self._settings, optimizations=optimizations)
        self._call("set_optimizations", optimizations)

    def set_view(self, view: View) -> None:
        """Change what is drawn."""
        self._settings = replace(self._settings, view=view)
        self._call("set_view", view)

    def set_playback(self, playback: Playback) -> None:
        """Change policy, speed and loop."""
        self._settings = replace(self._settings, playback=playback)
        self._call("set_playback", playback)

    def play(self) -> None:
        """Go on, or start over after the end."""
        self._paused = False
        self._call("play")

    def pause(self) -> None:
        """Stop at the frame on display."""
        self._paused = True
        self._call("pause")

    def seek(self, pts_s: float) -> None:
        """Show the first frame at or after `pts_s`."""
        self._call("seek", pts_s)

    def step(self, frames: int) -> None:
        """Pause and move by that many frames."""
        self._paused = True
        self._call("step", frames)

    def retry_now(self) -> None:
        """Open a live source that broke off without waiting any longer."""
        self._call("retry_now")

    def give_up(self) -> None:
        """Stop opening a live source again and again."""
        self._call("give_up")

    def start_recording(self, request: RecordingRequest) -> None:
        """Record from the next frame on."""
        self._call("start_recording", request)

    def stop_recording(self) -> None:
        """Finalise the running recording."""
        self._call("stop_recording")

    def screenshot(self, path: Path, kind: ScreenshotKind) -> None:
        """Save the frame on display as PNG."""
        self._call("screenshot", path, kind)

    def start_lab(self, request: LabRequest) -> None:
        """Run an experiment on the engine with recent frames."""
        self._call("start_lab", request)

    def stop_lab(self) -> None:
        """Give up the running experiment."""
        self._call("stop_lab")

    def watch_parity(self, watch: ParityWatch | None) -> None:
        """Compare live frames with a reference engine; None stops."""
        self._call("watch_parity", watch)

    def save_replay(self, path: Path, seconds: float) -> None:
        """Save the last seconds with settings and results."""
        self._call("save_replay", path, seconds)

    def restart(self) -> None:
        """End the child if it still runs, start another, and go on where the video was."""
        last = self._snapshot
        recording = last is not None and last.recording is not None and last.recording.active
        self._end_process(FINALISE_S if recording else 0.0)
        if last is not None:  # not what was refused meanwhile
            self._settings = replace(self._settings, engine=last.engine_config)
        self._snapshot = None
        self._start()
        if self._uri:
            seekable = last is not None and last.source is not None and last.source.seekable
            at_s = last.pts_s if seekable and last is not None else None
            playback = replace(self._settings.playback, paused=self._paused)
            self._call("open", self._uri, playback, at_s=at_s)

    def poll(self) -> Snapshot | None:
        """Return the newest snapshot with the samples and notices of all since the last call."""
        received = self._receive()
        if received:
            self._snapshot = received[-1]
            own, self._notices = self._notices, []
            return replace(
                received[-1],
                samples=tuple(sample for one in received for sample in one.samples),
                notices=(*(notice for one in received for notice in one.notices), *own),
            )
        if self._closed or self._process is None or self._process.is_alive():
            return None
        return self._report_death(self._process)

    def take_image(self) -> PresentedFrame | None:
        """Return the newest drawn frame if it was not taken before."""
        return None if self._ring is None else self._ring.read()

    def close(self, timeout_s: float = 5.0) -> RecordingStatus | None:
        """Let the child finalise files and end; after `timeout_s` it is killed. Idempotent."""
        if not self._closed:
            self._closed = True
            self._end_process(timeout_s)
            self._release_ring()
        return self._recording

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, childs_end = context.Pipe()
        self._process = context.Process(
            target=serve,
            args=(childs_end, self._maker, self._settings),
            kwargs={"log_folder": self._log_folder},
            name="rfviewer-engine",
            daemon=True,
        )
        self._process.start()
        childs_end.close()
        if self._segment is not None and self._ring is not None:
            self._send(UseRing(self._segment.name, self._ring.image_bytes))

    def _call(self, method: Method, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - checked by callers
        self._send(Command(method, arguments, options))

    def _send(self, message: Command | UseRing | CloseSession) -> None:
        if self._connection is None:
            return
        try:
            self._connection.send(message)
        except OSError:
            # The child has died; the next poll() tells, and restart() repeats the settings.
            log.session.warning("the engine process did not take %s", type(message).__name__)

    def _receive(self) -> list[Snapshot]:
        snapshots: list[Snapshot] = []
        wanted_bytes = 0
        connection = self._connection
        try:
            while connection is not None and connection.poll():
                message: FromEngine = connection.recv()
                match message:
                    case Snapshot():
                        snapshots.append(message)
                    case NeedRing(image_bytes):
                        wanted_bytes = max(wanted_bytes, image_bytes)
                    case Closed(recording):
                        self._recording = recording
        except (EOFError, OSError):
            self._drop_connection()
        present_bytes = 0 if self._ring is None else self._ring.image_bytes
        if wanted_bytes > present_bytes and not self._closed:
            self._make_ring(wanted_bytes)
        return snapshots

    def _make_ring(self, image_bytes: int) -> None:
        self._release_ring()
        missing = missing_shared_memory(ring_bytes(image_bytes))
        if missing:
            log.session.error(missing)
            self._notices.append(("error", missing))
            return
        self._segment = SharedMemory(create=True, size=ring_bytes(image_bytes))
        self._ring = ImageRing(self._segment, image_bytes)
        self._send(UseRing(self._segment.name, image_bytes))

    def _release_ring(self) -> None:
        if self._ring is not None and self._segment is not None:
            self._ring.close()
            self._segment.unlink()
        self._ring = self._segment = None

    def _report_death(self, process: SpawnProcess) -> Snapshot:
        """Make a snapshot that says in one sentence that the child has ended."""
        sentence = f"The engine process ended unexpectedly ({_exit_reason(process.exitcode)}); "
        sentence += "press Restart to go on where it was."
        log.session.error(sentence)
        process.close()
        self._process = None
        self._drop_connection()
        base = self._snapshot or _first_snapshot(self._settings)
        recording = base.recording
        if recording is not None and recording.active:
            kept = "The recording stopped with the engine process; its partial file is kept."
            recording = replace(recording, active=False, error=kept)
        self._snapshot = replace(
            base,
            sequence=base.sequence + 1,
            time_ns=time.monotonic_ns(),
            state=PlayState.FAILED,
            error=sentence,
            engine=EngineStatus(EnginePhase.FAILED, sentence),
            recording=recording,
            samples=(),
            notices=(("error", sentence),),
        )
        return self._snapshot

    def _end_process(self, timeout_s: float) -> None:
        process = self._process
        if process is None:
            return
        self._send(CloseSession(max(0.0, timeout_s - GOODBYE_S)))
        deadline = time.monotonic() + timeout_s
        while process.is_alive() and time.monotonic() < deadline:
            self._receive()  # keeps the pipe empty, so that the child's last messages go through
            process.join(0.02)
        self._receive()
        if process.is_alive():
            log.session.info("the engine process is killed after %.1f s", timeout_s)
            process.kill()
            process.join()
        process.close()
        self._process = None
        self._drop_connection()

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _exit_reason(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"killed by {signal.Signals(-exit_code).name}"
    return f"exit code {exit_code}"


def _first_snapshot(settings: Settings) -> Snapshot:
    return Snapshot(
        sequence=0,
        time_ns=time.monotonic_ns(),
        state=PlayState.FAILED,
        engine=EngineStatus(EnginePhase.FAILED),
        engine_config=settings.engine,
        optimizations=settings.optimizations,
        view=settings.view,
        playback=settings.playback,
        policy=Policy.EVERY_FRAME,
    )
