"""What the window and the command line know of a session: one protocol, two implementations."""

from pathlib import Path
from typing import Protocol

from rfviewer.config import EngineConfig, Playback, View
from rfviewer.experiment import LabRequest, ParityWatch
from rfviewer.interfaces import RecordingRequest, ScreenshotKind
from rfviewer.optimizations import Optimizations
from rfviewer.snapshot import PresentedFrame, RecordingStatus, Snapshot


class Session(Protocol):
    """The one interface that the window and the command line speak. All calls return at once.

    What goes wrong is told by the snapshots. One thread uses a session.
    """

    def open(
        self, source: str, playback: Playback, *, recording: RecordingRequest | None = None
    ) -> None:
        """Close the current source and open `source`, recording it from its first frame if asked.

        A running recording is finalised; a new one is refused until that is done.
        """

    def set_engine(self, config: EngineConfig) -> None:
        """Load another model or backend; the video goes on without masks meanwhile."""

    def set_optimizations(self, optimizations: Optimizations) -> None:
        """Request optimizations; slots are drained, reconfigured, and the video goes on."""

    def set_view(self, view: View) -> None:
        """Change what is drawn; acts on the frame on display too."""

    def set_playback(self, playback: Playback) -> None:
        """Change policy, speed and loop of the open source."""

    def play(self) -> None:
        """Go on, or start over after the end."""

    def pause(self) -> None:
        """Stop at the frame on display."""

    def seek(self, pts_s: float) -> None:
        """Show the first frame at or after `pts_s`."""

    def step(self, frames: int) -> None:
        """Pause and move by that many frames (negative: back)."""

    def retry_now(self) -> None:
        """Open a live source that broke off without waiting any longer."""

    def give_up(self) -> None:
        """Stop opening a live source again and again; why it broke off is told as the error."""

    def start_recording(self, request: RecordingRequest) -> None:
        """Start writing files with the next frame."""

    def stop_recording(self) -> None:
        """Finalise the running recording."""

    def screenshot(self, path: Path, kind: ScreenshotKind) -> None:
        """Save the frame on display as PNG."""

    def start_lab(self, request: LabRequest) -> None:
        """Run an experiment on the engine with recent frames; the video stands still meanwhile.

        `Snapshot.lab` tells its progress and result; a running one is stopped first.
        """

    def stop_lab(self) -> None:
        """Give up the running experiment and let the video go on."""

    def watch_parity(self, watch: ParityWatch | None) -> None:
        """Compare live frames with a reference engine; None stops and frees it."""

    def save_replay(self, path: Path, seconds: float) -> None:
        """Save the last `seconds` of encoded source with settings and results; told by a notice."""

    def restart(self) -> None:
        """After the engine or its process died: start again where it was."""

    def poll(self) -> Snapshot | None:
        """Return the newest snapshot with all samples and notices since the last call, or None."""

    def take_image(self) -> PresentedFrame | None:
        """Return the newest drawn frame if it was not taken before."""

    def close(self, timeout_s: float = 5.0) -> RecordingStatus | None:
        """Finalise files, stop every thread and process. Idempotent; blocks up to `timeout_s`."""
