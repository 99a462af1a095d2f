"""Opening a source part by part, and again: a file must stay the one that was opened first."""

import stat
from dataclasses import dataclass
from pathlib import Path

from rfviewer import log
from rfviewer.errors import SourceError
from rfviewer.sources.decoder import Damage
from rfviewer.sources.media import NoVideoError, OpenMedia, RefusedError, Target, open_media
from rfviewer.sources.programs import WHOLE, Part, parts_of


@dataclass(frozen=True, slots=True)
class _Identity:
    place: tuple[int, int]
    """Device and inode. Some network file systems give a file another inode at each look."""
    state: tuple[int, int]
    """Size and time of the last change, which goes on while a file grows."""

    def is_same(self, other: "_Identity") -> bool:
        return self.place == other.place or self.state == other.state


class PartOpener:
    """Opens the parts of a source one after the other; most have one. One thread uses it."""

    def __init__(self, target: Target, damage: Damage) -> None:
        """Look for the parts of `target`; what cannot be opened counts as `damage`."""
        self._target = target
        self._damage = damage
        self._path = None if target.remote else Path(target.location.removeprefix("file:"))
        self.parts: tuple[Part, ...] = (WHOLE,) if self._path is None else parts_of(self._path)
        """Stretches of the file that are opened one after the other: see `programs`."""
        self.number = 0
        """Which part was opened last."""
        self._file = self._identity()
        self._kind: tuple[object, ...] | None = None

    def check_same_file(self) -> None:
        """Check that the name still leads to the file that was opened first.

        Times and index belong to that one; and opening a pipe that took its place would wait.

        Raises:
            SourceError: it was replaced; one that is gone is told by opening it.
        """
        now = self._identity()
        if now is not None and self._file is not None and not now.is_same(self._file):
            raise self._replaced()

    def first(self) -> OpenMedia:
        """Open the first part that holds video; without any, say what the first is.

        Raises:
            SourceError: it cannot be opened, or is another file than before.
        """
        self.check_same_file()
        self.number = 0
        try:
            media = open_media(self._target, self.parts[0])
        except RefusedError:
            raise
        except SourceError:
            following = self.following(0.0)
            if following is None:
                raise
            media = following
        kind = (media.container.format.name, media.codec, media.stream.time_base)
        if self._path is not None and self._kind not in (kind, None):
            media.container.close()
            raise self._replaced()
        self._kind = kind
        return media

    def following(self, at_s: float) -> OpenMedia | None:
        """Open the next part that holds video; None when there is none.

        Args:
            at_s: time of the last frame, for the sentence.

        Raises:
            SourceError: its video may not be decoded here, or the file is another one.
        """
        for number in range(self.number + 1, len(self.parts)):
            self.check_same_file()
            try:
                media = open_media(self._target, self.parts[number])
            except RefusedError as error:
                raise SourceError(f"After {at_s:.1f} s the video changes: {error}") from error
            except SourceError as error:
                log.source.info("part %d is passed over: %s", number, error)
                if not isinstance(error, NoVideoError):
                    self._damage.part = number
                    self._damage.add(0)
            else:
                self.number = number
                return media
        return None

    def _identity(self) -> "_Identity | None":
        """Return what tells the file from others; None for no file and one that is gone."""
        if self._path is None:
            return None
        try:
            status = self._path.stat()
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return _Identity((-1, -1), (-1, -1))
        return _Identity((status.st_dev, status.st_ino), (status.st_size, status.st_mtime_ns))

    def _replaced(self) -> SourceError:
        return SourceError(
            f"{self._target.subject} was replaced by another file while it was open; open it again."
        )
