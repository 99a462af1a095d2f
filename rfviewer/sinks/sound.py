"""Which part of a source's sound belongs to a recording, also after a crash."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rfviewer.frame import SourceInfo
from rfviewer.sinks.remux import AudioRange

_SYNC_TOLERANCE_S = 0.02


@dataclass(frozen=True, slots=True)
class SoundNote:
    """What must be known to add the sound later, as long as the source stays the file it was."""

    path: str
    """Absolute path of the source."""
    size_bytes: int
    mtime_ns: int
    start_s: float
    """Time of the recording's first frame, counted from the source's first frame."""
    first_frame_s: float | None
    """Time stamp of the source's first frame; None when it is not known."""

    @classmethod
    def from_json(cls, values: object) -> "SoundNote | None":
        """Return what `to_json` gave; None for anything else."""
        if not isinstance(values, dict):
            return None
        try:
            first = values["first_frame_s"]
            return cls(
                str(values["path"]),
                int(values["size_bytes"]),
                int(values["mtime_ns"]),
                float(values["start_s"]),
                None if first is None else float(first),
            )
        except (KeyError, TypeError, ValueError):
            return None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def audio_range(self, duration_s: float) -> tuple[AudioRange | None, str]:
        """Return the sound of a recording of that length, or one sentence why there is none."""
        path = Path(self.path)
        try:
            status = path.stat()
        except OSError:
            return None, f"The recording has no sound: {path.name} is not there any more."
        if (status.st_size, status.st_mtime_ns) != (self.size_bytes, self.mtime_ns):
            return None, f"The recording has no sound: {path.name} was changed since."
        end_s = self.start_s + duration_s
        return AudioRange(path, self.start_s, end_s, self.first_frame_s), ""


class SourceClock:
    """Knows which part of a source file a recording covers, as long as it runs without a jump."""

    def __init__(self, source: SourceInfo, *, wanted: bool) -> None:
        """Follow `source`; there is nothing to follow when it is no file, or sound not `wanted`."""
        self._path = Path(source.media_path) if wanted and source.media_path else None
        self._first_frame_s = source.media_start_s
        self._start_s: float | None = None
        self.lost: Path | None = None
        """The source, once a jump has ended the match."""

    def follow(self, pts_s: float, recorded_pts_s: float) -> bool:
        """Note a frame; True when it ends the match of sound and picture: a jump or a loop."""
        start_s = pts_s - recorded_pts_s
        if self._start_s is None:
            self._start_s = start_s
        elif self._path is not None and abs(start_s - self._start_s) > _SYNC_TOLERANCE_S:
            self.lost, self._path = self._path, None
            return True
        return False

    def audio_range(self, duration_s: float) -> AudioRange | None:
        """Return the audio that belongs to the recording; None when there is none."""
        if self._path is None or self._start_s is None:
            return None
        end_s = self._start_s + duration_s
        return AudioRange(self._path, self._start_s, end_s, self._first_frame_s)

    def note(self) -> SoundNote | None:
        """Return what a recovery needs; None when the recording has no sound."""
        if self._path is None or self._start_s is None:
            return None
        try:
            status = self._path.stat()
        except OSError:
            return None  # told at the end, when the sound is copied
        path = str(self._path.absolute())
        return SoundNote(
            path, status.st_size, status.st_mtime_ns, self._start_s, self._first_frame_s
        )
