"""The session in a child process: what the window uses, so that a crash there leaves it alive."""

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rfviewer import log
from rfviewer.config import EngineConfig, Playback, Settings, View
from rfviewer.experiment import LabRequest, ParityWatch
from rfviewer.interfaces import RecordingRequest, ScreenshotKind
from rfviewer.optimizations import Optimizations
from rfviewer.session.engine_link import GOODBYE_S, EngineLink
from rfviewer.session.guard import ChildGuard, GuardLimits
from rfviewer.session.obituary import (
    continued,
    cut_off,
    failed_snapshot,
    what_is_kept,
    what_next,
    why_ended,
)
from rfviewer.session.wire import Command, Method
from rfviewer.snapshot import PresentedFrame, RecordingStatus, Snapshot

if TYPE_CHECKING:
    from rfviewer.result import Notice

FINALISE_S = 2.0
"""How long a restart waits for a running recording; without one nothing is waited for."""


class RemoteSession:
    """Implements `Session` by a spawned child and a shared-memory ring. One thread uses it.

    A child that dies, falls silent or says that its device is lost is started again where it was,
    some times in a row; `poll` notices and does that, so it must be called.
    """

    def __init__(
        self,
        maker: str,
        settings: Settings,
        *,
        log_folder: Path | None,
        limits: GuardLimits | None = None,
    ) -> None:
        """Spawn the child; it loads the engine while the window appears.

        `maker` is "module:function" of a `child.SessionMaker`.
        """
        self._settings = settings
        self._uri = ""
        self._paused = False
        self._snapshot: Snapshot | None = None
        self._notices: list[Notice] = []
        # Not the list's own method: `poll` begins another list.
        self._link = EngineLink(maker, log_folder, lambda notice: self._notices.append(notice))
        self._closed = False
        self._guard = ChildGuard(limits)
        self._restart_at_s: float | None = None
        """When a child that is ending is killed at the latest; None while all is well."""
        self._again = True
        """Whether another child follows it."""
        self._asked_meanwhile = False
        """Whether a source was opened while no child could hear of it."""
        self._request: RecordingRequest | None = None
        """What was asked to be recorded last."""
        self._recorded = False
        """Whether the last child that was well was recording."""
        self._start()

    @property
    def pid(self) -> int | None:
        """Process id of the child."""
        process = self._link.process
        return None if process is None else process.pid

    def open(
        self, source: str, playback: Playback, *, recording: RecordingRequest | None = None
    ) -> None:
        """Close the current source and open `source`, recording from its first frame if asked."""
        self._uri, self._paused, self._request = source, playback.paused, recording
        self._asked_meanwhile = not self._link.hears
        self._settings = replace(self._settings, playback=playback)
        self._call("open", source, playback, recording=recording)

    def set_engine(self, config: EngineConfig) -> None:
        """Load another model or backend."""
        self._settings = replace(self._settings, engine=config)
        if not self._link.hears and self._snapshot is not None:
            self._snapshot = replace(self._snapshot, engine_config=config)
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
        self._request = request
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
        self._guard.forgive()
        self._start_again(record=False)

    def poll(self) -> Snapshot | None:
        """Return the newest snapshot with the samples and notices of all since the last call."""
        received = self._link.receive()
        if self._restart_at_s is not None and not self._closed:
            self._replace_child(self._restart_at_s)
            return None
        if received:
            newest = received[-1]
            self._snapshot = newest
            own, self._notices = self._notices, []
            merged = replace(
                newest,
                samples=tuple(sample for one in received for sample in one.samples),
                notices=(*(notice for one in received for notice in one.notices), *own),
            )
            if newest.lost:
                return self._give_up_child(newest.lost, orderly=True)
            self._guard.heard(newest)
            self._recorded = newest.recording is not None and newest.recording.active
            return merged
        process = self._link.process
        if self._closed or process is None:
            return None
        if not process.alive:
            return self._give_up_child(why_ended(process.exit_code), orderly=False)
        silent_s = self._guard.silence()
        if silent_s is None:
            return None
        process.kill()
        cause = f"The engine process has not answered for {silent_s:.0f} s"
        return self._give_up_child(cause, orderly=False)

    def take_image(self) -> PresentedFrame | None:
        """Return the newest drawn frame if it was not taken before."""
        return self._link.take_image()

    def close(self, timeout_s: float = 5.0) -> RecordingStatus | None:
        """Let the child finalise files and end; after `timeout_s` it is killed. Idempotent."""
        if not self._closed:
            self._closed = True
            self._end_process(timeout_s)
            self._link.release_images()
        return self._link.recording

    def _start(self) -> None:
        self._guard.started()
        self._restart_at_s = None
        self._link.start(self._settings)

    def _start_again(self, *, record: bool) -> None:
        """Start another child and go on where the video was; `record` goes on in a new file."""
        last = self._snapshot
        if last is not None:  # not what was refused meanwhile
            self._settings = replace(self._settings, engine=last.engine_config)
        self._snapshot = None
        self._start()
        if self._uri:
            source = None if last is None or self._asked_meanwhile else last.source
            seekable = source is not None and source.seekable
            at_s = last.pts_s if seekable and last is not None else None
            playback = replace(self._settings.playback, paused=self._paused)
            if not self._asked_meanwhile:
                self._request = continued(self._request) if record and self._request else None
            self._asked_meanwhile = False
            self._call("open", self._uri, playback, recording=self._request, at_s=at_s)

    def _give_up_child(self, cause: str, *, orderly: bool) -> Snapshot:
        """Return a snapshot that says what has happened; `poll` starts another child soon."""
        again = self._again = self._guard.died()
        sentence = what_next(cause, self._guard.deaths, again=again)
        log.session.error(sentence)
        finalise_s = self._guard.limits.finalise_s if orderly else None
        self._link.dismiss(finalise_s)
        wait_s = 0.0 if finalise_s is None else finalise_s + GOODBYE_S
        self._restart_at_s = time.monotonic() + wait_s
        self._snapshot = failed_snapshot(self._snapshot, self._settings, sentence)
        return self._snapshot

    def _replace_child(self, deadline_s: float) -> None:
        """Start another child once the old one has ended or had its time."""
        process = self._link.process
        if process is not None and process.alive and time.monotonic() < deadline_s:
            return
        self._link.drop()
        self._restart_at_s = None
        if not self._again:
            return
        last, record = self._snapshot, False
        if self._recorded and last is not None:
            record = last.source is not None and last.source.live
            self._notices.append(("error", what_is_kept(self._link.recording or last.recording)))
        self._notices.append(("warning", "The engine process was started again."))
        self._start_again(record=record)

    def _call(self, method: Method, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - checked by callers
        self._link.send(Command(method, arguments, options))

    def _end_process(self, timeout_s: float) -> None:
        by_itself = self._link.end(timeout_s)
        if not by_itself and self._recorded and self._snapshot is not None:
            self._link.recording = cut_off(self._snapshot.recording)
