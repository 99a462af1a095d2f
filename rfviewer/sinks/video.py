"""The annotated video: fragments while recording, an ordinary MP4 at the end."""

import math
import time
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from rfviewer import log
from rfviewer.errors import SinkError
from rfviewer.interfaces import SinkContext, SinkItem
from rfviewer.sinks.encoder import FRAGMENT_S, TIME_BASE, FragmentEncoder
from rfviewer.sinks.faults import MEDIA_ERRORS, cannot_create, cannot_write
from rfviewer.sinks.finish import Finished, copy_path, finish
from rfviewer.sinks.free_space import FreeSpace
from rfviewer.sinks.partial import hold, may_hold_while_renaming, partial_path
from rfviewer.sinks.remux import has_sound
from rfviewer.sinks.running import RecordedKind, RunningFile, RunningFiles
from rfviewer.sinks.sound import SourceClock

_UNKNOWN_FPS = 30.0
_FORESIGHT_S = 1.0
"""After so much of a copy it is foreseen how long the rest takes; before, opening the files counts
for too much."""
_RESERVE_S = 0.5
"""For the names and the notes afterwards."""


class VideoSink:
    """Writes drawn frames as H.264 with the times of the recording. Implements `interfaces.Sink`.

    Fragments go to "name.partial.mp4" beside the target, so a crash loses less than a second. At
    the end they become an ordinary MP4 with the source's audio, under the final name. The first
    frame decides the picture size; a frame of another size is scaled into it. Without any frame
    there is no file.
    """

    def __init__(
        self,
        path: Path,
        context: SinkContext,
        *,
        overwrite: bool = False,
        audio: bool = True,
        command: str = "",
        labels: Path | None = None,
        running: RunningFiles | None = None,
    ) -> None:
        self.path = path
        """Final name; after the end the name it really got."""
        self.notice = ""
        """One sentence: while open that the disk runs full, later e.g. why there is no sound."""
        self.partial: Path | None = None
        """The fragments; None before the first frame and once the file has its final name."""
        self._context = context
        self._overwrite = overwrite
        self._clock = SourceClock(context.source, wanted=audio)
        self._metadata = _metadata(context, command)
        self._encoder: FragmentEncoder | None = None
        self._labels = labels  # of the same recording: only noted, for recovery
        self._running = running
        self._entry: Path | None = None
        self._space = FreeSpace(path.parent)
        self._looked_s = 0.0
        self._held: BinaryIO | None = None
        self._last_time_s: float | None = None
        self._broken: BaseException | None = None
        self._until_s = math.inf

    @property
    def needs_image(self) -> bool:
        """The video is made of drawn frames."""
        return True

    @property
    def size_bytes(self) -> int:
        """Bytes on disk so far, while it is finished those of the copy too."""
        partial = self.partial
        paths = (self.path,) if partial is None else (partial, copy_path(partial))
        return sum(_size_of(path) for path in paths)

    def write(self, item: SinkItem) -> None:
        """Append one frame at `item.recorded_pts_s`.

        Raises:
            SinkError: when it cannot be written; what was written before is kept.
        """
        if item.image is None:
            raise SinkError(f"{self.path} needs drawn frames, and got one without an image.")
        if self._broken is not None:
            raise SinkError(f"{self.path} takes no more frames; start a new recording.")
        encoder = self._encoder or self._start(item)
        try:
            encoder.encode(item.image, item.recorded_pts_s, self._duration_s(item))
            self._look_after()
        except MEDIA_ERRORS as error:
            self._broken = error
            raise self._stopped(self._encoded_s() - FRAGMENT_S) from error
        self._last_time_s = item.recorded_pts_s
        lost = self._clock.follow(item.frame.pts_s, item.recorded_pts_s)
        if lost and self._running is not None and self.partial is not None:
            self._running.change(self._entry, self._note(self.partial))

    def hurry(self, until_s: float) -> None:
        """Stay in fragments, without sound, if an ordinary MP4 would take longer. Any thread."""
        self._until_s = until_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._encoder is None or self.partial is None:
            return
        self._close_encoder(self._encoder)
        if self._held is not None and not may_hold_while_renaming():
            self._held.close()
        audio = self._clock.audio_range(self._encoded_s())
        written_s = max(0.0, self._encoded_s() - FRAGMENT_S)
        partial, self._encoder, self.notice = self.partial, None, ""
        started_s = time.monotonic()
        failure: SinkError | None = None
        try:
            finished = finish(
                partial,
                self.path,
                overwrite=self._overwrite,
                audio=audio,
                is_late=lambda share: self._is_late(started_s, share),
            )
        except OSError as fault:
            kept = f"is kept as {partial}" if partial.exists() else "was removed by someone else"
            failure = SinkError(f"{cannot_create(self.path, fault)} The recording {kept}.")
            failure.__cause__ = fault
        else:
            self._report(finished)
            if self._running is not None:
                self._running.end(self._entry)
            if self._broken is not None:
                # Only now it is known how much of it can be played.
                kept_s = 0.0 if finished is None else finished.duration_s
                failure = self._stopped(written_s if kept_s is None else kept_s)
                failure.__cause__ = self._broken
        if self._held is not None:
            self._held.close()
        self.partial = None
        if failure is not None and (error is None or isinstance(error, SinkError)):
            raise failure

    def _is_late(self, started_s: float, share: float) -> bool:
        """Tell whether the copy, of which `share` is made, will not be ready in time."""
        if self._until_s == math.inf:
            return False
        # At its end the index is moved to the front, and all behind it is written once more.
        now_s = time.monotonic()
        ready_s = now_s
        if now_s - started_s > _FORESIGHT_S and share > 0:
            ready_s = started_s + 2 * (now_s - started_s) / share
        return ready_s > self._until_s - _RESERVE_S

    def _start(self, item: SinkItem) -> FragmentEncoder:
        frame = item.frame
        partial = partial_path(self.path)
        fps = self._context.source.fps or _UNKNOWN_FPS
        try:
            encoder = FragmentEncoder(partial, frame.width, frame.height, fps, self._metadata)
            self._held = hold(partial)
        except MEDIA_ERRORS as error:
            raise cannot_create(self.path, error) from error
        self._encoder, self.partial = encoder, partial
        self._space = FreeSpace(partial.parent)
        self._clock.follow(frame.pts_s, item.recorded_pts_s)
        if self._running is not None:
            self._entry = self._running.begin(self._note(partial))
        return encoder

    def _note(self, partial: Path) -> RunningFile:
        sound = self._clock.note()
        return RunningFile(
            kind=RecordedKind.VIDEO,
            partial=str(partial.absolute()),
            target=str(self.path.absolute()),
            source_name=self._context.source.name,
            sound=None if sound is None else sound.to_json(),
            labels="" if self._labels is None else str(self._labels.absolute()),
        )

    def _look_after(self) -> None:
        """Look once a second of the recording whether it still lies where it can be found.

        Raises:
            OSError: the file or its folder was removed, or its disk is gone.
        """
        if self.partial is None or self._encoded_s() - self._looked_s < 1.0:
            return
        self._looked_s = self._encoded_s()
        written_bytes = self.partial.stat().st_size
        self.notice = self.notice or self._space.warning(written_bytes)

    def _duration_s(self, item: SinkItem) -> float:
        """Return how long the frame shows, as well as it can be known before the next one."""
        if item.frame.duration_s > 0:
            return item.frame.duration_s
        if self._context.source.fps:
            return 1 / self._context.source.fps
        if self._last_time_s is not None and item.recorded_pts_s > self._last_time_s:
            return item.recorded_pts_s - self._last_time_s
        return 1 / _UNKNOWN_FPS

    def _close_encoder(self, encoder: FragmentEncoder) -> None:
        if self._broken is not None:
            encoder.abandon()
            return
        try:
            encoder.close()
        except MEDIA_ERRORS as error:
            self._broken = error
            encoder.abandon()

    def _stopped(self, kept_s: float) -> SinkError:
        assert self._broken is not None  # set by the callers
        kept = f"The first {kept_s:.1f} s are kept" if kept_s > 0 else "Nothing could be kept"
        return cannot_write(self.path, self._broken, kept)

    def _encoded_s(self) -> float:
        return 0.0 if self._encoder is None else float(self._encoder.end_pts * TIME_BASE)

    def _report(self, finished: Finished | None) -> None:
        if finished is None:
            self.notice = f"{self.path.name} was not written: the disk took not even one frame."
        else:
            if finished.path != self.path:
                self.notice = f"The recording is named {finished.path.name}: the name was taken."
            self.path = finished.path
            self.notice = " ".join(filter(None, (self.notice, finished.notice)))
            if self._clock.lost is not None and has_sound(self._clock.lost):
                self.notice += " The recording has no sound: the video jumped or looped meanwhile."
                self.notice = self.notice.strip()
        if self.notice:
            log.sink.warning("%s", self.notice)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # not there yet, or renamed at this moment


def _metadata(context: SinkContext, command: str) -> dict[str, str]:
    # The command of this very recording replaces the one that shows the source.
    own = {"command": command} if command else {}
    settings = {**own, **context.settings, **own}
    comment = "\n".join(f"{key}: {value}" for key, value in settings.items())
    metadata = {"title": context.source.name, "comment": comment}
    return {key: value.replace("\0", " ") for key, value in metadata.items() if value}
