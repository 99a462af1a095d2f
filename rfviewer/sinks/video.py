"""The annotated video: fragments while recording, an ordinary MP4 at the end."""

from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from rfviewer import log
from rfviewer.errors import SinkError
from rfviewer.frame import Frame, SourceInfo
from rfviewer.interfaces import SinkContext, SinkItem
from rfviewer.sinks.encoder import FRAGMENT_S, TIME_BASE, FragmentEncoder
from rfviewer.sinks.faults import MEDIA_ERRORS, cannot_create, cannot_write
from rfviewer.sinks.finish import Finished, finish
from rfviewer.sinks.partial import hold, partial_path
from rfviewer.sinks.remux import AudioRange

_UNKNOWN_FPS = 30.0
_SYNC_TOLERANCE_S = 0.02


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
    ) -> None:
        self.path = path
        """Final name; after the end the name it really got."""
        self.notice = ""
        """One sentence the user should know at the end, e.g. why there is no sound."""
        self._context = context
        self._overwrite = overwrite
        self._clock = _SourceClock(context.source, wanted=audio)
        self._metadata = _metadata(context, command)
        self._encoder: FragmentEncoder | None = None
        self._partial: Path | None = None
        self._held: BinaryIO | None = None
        self._last_time_s: float | None = None
        self._broken = False

    @property
    def needs_image(self) -> bool:
        """The video is made of drawn frames."""
        return True

    @property
    def size_bytes(self) -> int:
        """Bytes on disk so far."""
        path = self._partial or self.path
        return path.stat().st_size if path.exists() else 0

    def write(self, item: SinkItem) -> None:
        """Append one frame at `item.recorded_pts_s`.

        Raises:
            SinkError: when it cannot be written; what was written before is kept.
        """
        if item.image is None:
            raise SinkError(f"{self.path} needs drawn frames, and got one without an image.")
        if self._broken:
            raise SinkError(f"{self.path} takes no more frames; start a new recording.")
        encoder = self._encoder or self._start(item.frame)
        try:
            encoder.encode(item.image, item.recorded_pts_s, self._duration_s(item))
        except MEDIA_ERRORS as error:
            self._broken = True
            raise self._stopped(error) from error
        self._last_time_s = item.recorded_pts_s
        self._clock.follow(item.frame.pts_s, item.recorded_pts_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._encoder is None or self._partial is None:
            return
        failure = self._close_encoder(self._encoder)
        audio = self._clock.audio_range(self._encoded_s())
        if self._held is not None:
            self._held.close()
        partial, self._partial, self._encoder = self._partial, None, None
        try:
            finished = finish(partial, self.path, overwrite=self._overwrite, audio=audio)
        except OSError as fault:
            kept = f"is kept as {partial}" if partial.exists() else "was removed by someone else"
            failure = SinkError(f"{cannot_create(self.path, fault)} The recording {kept}.")
            failure.__cause__ = fault
        else:
            self._report(finished)
        if failure is not None and error is None:
            raise failure

    def _start(self, frame: Frame) -> FragmentEncoder:
        self._partial = partial_path(self.path)
        fps = self._context.source.fps or _UNKNOWN_FPS
        try:
            encoder = FragmentEncoder(self._partial, frame.width, frame.height, fps, self._metadata)
            self._held = hold(self._partial)
        except MEDIA_ERRORS as error:
            self._partial = None
            raise cannot_create(self.path, error) from error
        self._encoder = encoder
        return encoder

    def _duration_s(self, item: SinkItem) -> float:
        """Return how long the frame shows, as well as it can be known before the next one."""
        if item.frame.duration_s > 0:
            return item.frame.duration_s
        if self._context.source.fps:
            return 1 / self._context.source.fps
        if self._last_time_s is not None and item.recorded_pts_s > self._last_time_s:
            return item.recorded_pts_s - self._last_time_s
        return 1 / _UNKNOWN_FPS

    def _close_encoder(self, encoder: FragmentEncoder) -> SinkError | None:
        if self._broken:
            encoder.abandon()
            return None
        try:
            encoder.close()
        except MEDIA_ERRORS as error:
            encoder.abandon()
            return self._stopped(error)
        return None

    def _stopped(self, error: BaseException) -> SinkError:
        kept_s = max(0.0, self._encoded_s() - FRAGMENT_S)  # the fragment being filled is lost
        return cannot_write(self.path, error, f"The first {kept_s:.1f} s")

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
        if self.notice:
            log.sink.warning("%s", self.notice)


class _SourceClock:
    """Knows which part of a source file a recording covers, as long as it runs without a jump."""

    def __init__(self, source: SourceInfo, *, wanted: bool) -> None:
        self._path = Path(source.media_path) if wanted and source.media_path else None
        self._start_s: float | None = None

    def follow(self, pts_s: float, recorded_pts_s: float) -> None:
        """Note a frame; a jump or a loop ends the match of sound and picture."""
        start_s = pts_s - recorded_pts_s
        if self._start_s is None:
            self._start_s = start_s
        elif abs(start_s - self._start_s) > _SYNC_TOLERANCE_S:
            self._path = None

    def audio_range(self, duration_s: float) -> AudioRange | None:
        """Return the audio that belongs to the recording; None when there is none."""
        if self._path is None or self._start_s is None:
            return None
        return AudioRange(self._path, self._start_s, self._start_s + duration_s)


def _metadata(context: SinkContext, command: str) -> dict[str, str]:
    # The command of this very recording replaces the one that shows the source.
    own = {"command": command} if command else {}
    settings = {**own, **context.settings, **own}
    comment = "\n".join(f"{key}: {value}" for key, value in settings.items())
    metadata = {"title": context.source.name, "comment": comment}
    return {key: value.replace("\0", " ") for key, value in metadata.items() if value}
