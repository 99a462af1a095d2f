"""What the window's process holds of an engine process: its pipe, its images, its last word."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rfviewer.config import Settings
from rfviewer.session.engine_process import EngineProcess
from rfviewer.session.ring_owner import RingOwner
from rfviewer.session.wire import Closed, CloseSession, NeedRing, ToEngine
from rfviewer.snapshot import PresentedFrame, RecordingStatus, Snapshot

if TYPE_CHECKING:
    from rfviewer.result import Notice

GOODBYE_S = 0.5
"""Part of the time for closing in which the child, its files finalised, ends as a process."""


class EngineLink:
    """One child after another, and the ring of images, which outlives them. One thread uses it.

    Nothing here waits for a child, except `end` and `drop`.
    """

    def __init__(
        self, maker: str, log_folder: Path | None, notice: Callable[["Notice"], None]
    ) -> None:
        """Prepare; `maker` is "module:function" of a `child.SessionMaker`.

        `notice` is told what the user must know, on the using thread.
        """
        self._maker = maker
        self._log_folder = None if log_folder is None else str(log_folder)
        self._notice = notice
        self._ring = RingOwner()
        self._process: EngineProcess | None = None
        self._dismissed = False
        self.recording: RecordingStatus | None = None
        """How the child's last recording ended; None until it has told."""

    @property
    def process(self) -> EngineProcess | None:
        """The child; None when there is none."""
        return self._process

    @property
    def hears(self) -> bool:
        """Whether there is a child that takes commands."""
        return self._process is not None and not self._dismissed

    def start(self, settings: Settings) -> None:
        """Spawn a child; the one before has ended or was dropped."""
        self._dismissed, self.recording = False, None
        self._process = EngineProcess(self._maker, settings, self._log_folder)
        self._invite()

    def send(self, message: ToEngine) -> None:
        """Send `message` to a child that takes commands."""
        if self._process is not None and not self._dismissed:
            self._process.send(message)

    def receive(self) -> list[Snapshot]:
        """Return the snapshots since the last call, and make the ring as large as asked for."""
        snapshots: list[Snapshot] = []
        wanted_bytes = 0
        for message in [] if self._process is None else self._process.receive():
            match message:
                case Snapshot():
                    snapshots.append(message)
                case NeedRing(image_bytes):
                    wanted_bytes = max(wanted_bytes, image_bytes)
                case Closed(recording):
                    self.recording = recording
        if wanted_bytes > self._ring.image_bytes:
            self._make_ring(wanted_bytes)
        return snapshots

    def take_image(self) -> PresentedFrame | None:
        """Return the newest drawn frame if it was not taken before."""
        return self._ring.read()

    def dismiss(self, finalise_s: float | None) -> None:
        """Send no more commands.

        A child that knows that it must end has `finalise_s` to finish its files; None for others.
        """
        if finalise_s is not None:
            self.send(CloseSession(finalise_s))
        self._dismissed = True

    def drop(self) -> None:
        """Let go of the child, killing it if it still runs."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.free()

    def end(self, timeout_s: float) -> bool:
        """Let the child finalise files and end; after `timeout_s` it is killed.

        Returns whether it ended by itself; so does one that does not exist.
        """
        process, self._process = self._process, None
        if process is None:
            return True
        messages, by_itself = process.end(timeout_s, GOODBYE_S)
        for message in messages:
            if isinstance(message, Closed):
                self.recording = message.recording
        process.free()
        return by_itself

    def release_images(self) -> None:
        """Remove the ring; no child writes into it any more. Idempotent."""
        self._ring.release()

    def _make_ring(self, image_bytes: int) -> None:
        missing = self._ring.make(image_bytes)
        if missing:
            self._notice(("error", missing))
        else:
            self._invite()

    def _invite(self) -> None:
        if self._ring.invitation is not None:
            self.send(self._ring.invitation)
