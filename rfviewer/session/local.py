"""The session in this process: commands to the pipeline, and what it shows and says."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rfviewer.channels import Mailbox
from rfviewer.config import EngineConfig, Playback, Settings, View
from rfviewer.errors import RfviewerError
from rfviewer.experiment import LabRequest, ParityWatch
from rfviewer.interfaces import RecordingRequest, ScreenshotKind, ScreenshotWriter
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.engine_keeper import EngineJob
from rfviewer.pipeline.parts import Parts
from rfviewer.pipeline.pipeline import Pipeline
from rfviewer.pipeline.presenter import Display
from rfviewer.session.state_reader import StateReader
from rfviewer.snapshot import PresentedFrame, RecordingStatus, Snapshot

if TYPE_CHECKING:
    from rfviewer.session.replays import Replays

POLL_S = 0.02
"""How often `wait` looks at the state."""


class LocalSession:
    """Runs the pipeline on threads of this process. Implements `Session`; one thread uses it."""

    def __init__(
        self,
        parts: Parts,
        settings: Settings,
        write_screenshot: ScreenshotWriter,
        display: Display | None = None,
        replays: "Replays | None" = None,
    ) -> None:
        """Start the threads and the loading of the engine.

        `display` takes the drawn frames instead of `take_image`, e.g. to hand them to a process.
        `replays` keeps the last seconds; without it none can be saved.
        """
        self._settings = settings
        self._write_screenshot = write_screenshot
        self._images: Mailbox[PresentedFrame] = Mailbox()
        self._display = display or Display(lambda: self._images.empty, self._store_image)
        self._last_image: PresentedFrame | None = None
        self._replays = replays
        if replays is not None:
            parts = replace(parts, open_source=replays.watched(parts.open_source))
        self._parts = parts
        self._pipeline = Pipeline(parts, settings, self._tap(self._display))
        if replays is not None:
            self._pipeline.statistics.taps.append(replays.history.add)
        self._state = StateReader(self._pipeline)
        self._uri = ""
        self._closed = False
        self.left_behind = False
        """Whether `close` has left threads behind, which compute still or hang in a driver."""

    @property
    def settings(self) -> Settings:
        """Everything as requested now, but for an engine that was refused."""
        return replace(self._settings, engine=self._pipeline.engine.config)

    def open(
        self,
        source: str,
        playback: Playback,
        *,
        recording: RecordingRequest | None = None,
        at_s: float | None = None,
    ) -> None:
        """Close the current source and open `source`, recording it from its first frame if asked.

        `at_s` is where to go on after a restart.
        """
        self._uri = source
        self._settings = replace(self._settings, playback=playback)
        self._pipeline.playing.open(source, playback, recording=recording, at_s=at_s)

    def set_engine(self, config: EngineConfig) -> None:
        """Load another model or backend."""
        self._pipeline.set_engine(config)

    def set_optimizations(self, optimizations: Optimizations) -> None:
        """Request optimizations."""
        self._settings = replace(self._settings, optimizations=optimizations)
        self._pipeline.set_optimizations(optimizations)

    def set_view(self, view: View) -> None:
        """Change what is drawn."""
        self._settings = replace(self._settings, view=view)
        self._pipeline.set_view(view)

    def set_playback(self, playback: Playback) -> None:
        """Change policy, speed and loop."""
        self._settings = replace(self._settings, playback=playback)
        self._pipeline.playing.set_playback(playback)

    def play(self) -> None:
        """Go on, or start over after the end."""
        self._pipeline.playing.play()

    def pause(self) -> None:
        """Stop at the frame on display."""
        self._pipeline.playing.pause()

    def seek(self, pts_s: float) -> None:
        """Show the first frame at or after `pts_s`."""
        self._pipeline.playing.seek(pts_s)

    def step(self, frames: int) -> None:
        """Pause and move by that many frames."""
        self._pipeline.playing.step(frames)

    def retry_now(self) -> None:
        """Open a live source that broke off without waiting any longer."""
        self._pipeline.playing.retry_now()

    def give_up(self) -> None:
        """Stop opening a live source again and again."""
        self._pipeline.playing.give_up()

    def start_recording(self, request: RecordingRequest) -> None:
        """Record from the next frame on; called before `open`, from the source's first frame on."""
        self._pipeline.start_recording(request)

    def stop_recording(self) -> None:
        """Finalise the running recording."""
        self._pipeline.stop_recording()

    def screenshot(self, path: Path, kind: ScreenshotKind) -> None:
        """Save the frame on display as PNG; the outcome comes as a notice."""
        statistics = self._pipeline.statistics
        current, drawn = self._pipeline.presenter.current, self._last_image
        shown = drawn if kind == "annotated" else None if current is None else current.frame
        if current is None or shown is None:
            statistics.notice(("warning", "There is no frame on display to save yet."))
            return
        metadata = self._parts.metadata(
            self._pipeline.playing.source_info, self._pipeline.engine.status.info
        )
        # What was drawn last may be an older frame than the current one.
        metadata["frame"] = f"{shown.frame_index} at {shown.pts_s:.3f} s"
        try:
            self._write_screenshot(path, shown.image, metadata)
        except RfviewerError as error:
            statistics.notice(("error", str(error)))
        else:
            statistics.notice(("info", f"Saved {path.name} in {path.parent}."))

    def start_lab(self, request: LabRequest) -> None:
        """Run an experiment on the engine with recent frames."""
        self._pipeline.start_lab(request)

    def stop_lab(self) -> None:
        """Give up the running experiment."""
        self._pipeline.experiments.stop()

    def watch_parity(self, watch: ParityWatch | None) -> None:
        """Compare live frames with a reference engine; None stops and frees it."""
        self._pipeline.parity.watch(watch)

    def save_replay(self, path: Path, seconds: float) -> None:
        """Save the last seconds with settings and results."""
        statistics, info = self._pipeline.statistics, self._pipeline.engine.status.info
        if self._replays is None:
            statistics.notice(("warning", "This session keeps nothing that could be replayed."))
            return
        self._replays.save(
            path,
            seconds,
            self.settings,
            () if info is None else info.class_names,
            self._parts.metadata(self._pipeline.playing.source_info, info),
            statistics.notice,
        )

    def restart(self) -> None:
        """Load the engine again and reopen the source where it was."""
        lost = self._pipeline.playing.lost
        if lost:
            sentence = f"{lost.rstrip('.')}; close the program and start it again."
            self._pipeline.statistics.notice(("error", sentence))
            return
        current, info = self._pipeline.presenter.current, self._pipeline.playing.source_info
        self._pipeline.set_engine(self.settings.engine)
        if self._uri:
            at_s = None
            if current is not None and info is not None and info.seekable:
                at_s = current.frame.pts_s
            self.open(self._uri, self._settings.playback, at_s=at_s)

    def poll(self) -> Snapshot | None:
        """Return the state now, with all samples and notices since the last call."""
        return self._state.read(self._settings)

    def take_image(self) -> PresentedFrame | None:
        """Return the newest drawn frame if it was not taken before."""
        return self._images.take()

    def redraw(self) -> None:
        """Draw the frame on display again, for a display that is new."""
        self._pipeline.presenter.set_view(self._settings.view)

    def run_on_engine[T](self, job: EngineJob[T]) -> Future[T]:
        """Run `job` on the engine thread with nothing in flight; for measurements."""
        return self._pipeline.run_on_engine(job)

    def wait(self, done: Callable[[Snapshot], bool], timeout_s: float) -> Snapshot:
        """Poll until `done`; return that snapshot.

        Raises:
            TimeoutError: with the last state, after `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            snapshot = self.poll()
            if snapshot is not None and done(snapshot):
                return snapshot
            if time.monotonic() > deadline:
                raise TimeoutError(f"not reached within {timeout_s:g} s: {snapshot}")
            time.sleep(POLL_S)

    def close(self, timeout_s: float = 5.0, *, finish_pass: bool = False) -> RecordingStatus | None:
        """Finalise files and stop every thread; return how the last recording ended.

        `finish_pass` waits longer where a slow network is in the middle of a pass.
        """
        if not self._closed:
            self._closed = True
            stuck = self._pipeline.close(timeout_s, finish_pass=finish_pass)
            if self._replays is not None:
                self._replays.close(timeout_s)
            self.left_behind = bool(stuck)
        return self._pipeline.recorder.status

    def hurry(self, within_s: float) -> None:
        """Let running recordings be finished within so many seconds of now."""
        self._pipeline.recorder.hurry(time.monotonic() + within_s)

    def _store_image(self, image: PresentedFrame) -> None:
        self._images.put(image)

    def _tap(self, display: Display) -> Display:
        """Keep the last drawn frame for screenshots on its way to `display`."""

        def show(image: PresentedFrame) -> None:
            self._last_image = image
            display.show(image)

        return Display(display.wants_image, show)
