"""The private list of files being recorded: what a crash leaves is found wherever it lies.

One small JSON file per recording, written when it starts and removed when it has its final name.
"""

import json
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from rfviewer import log, paths
from rfviewer.errors import RfviewerError
from rfviewer.private_files import NotPrivateError, read_private

_UNREADABLE = (OSError, ValueError, TypeError, KeyError, AttributeError)


class RecordedKind(StrEnum):
    """What the unfinished file becomes."""

    VIDEO = "video"
    """Fragments that become an MP4."""
    COCO = "coco"
    """Labels that become a COCO file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningFile:
    """One unfinished file, and what is needed to finish it without the recording."""

    kind: RecordedKind
    partial: str
    """Absolute path of what is being written."""
    target: str
    """Absolute path that it gets at the end."""
    source_name: str = ""
    class_names: Sequence[str | None] = ()
    info: dict[str, str] = field(default_factory=dict)
    sound: dict[str, Any] | None = None
    """`SoundNote` of the source as plain values; None when the recording has no sound."""
    labels: str = ""
    """Absolute path of the labels, as JSONL, of the recording that a video belongs to, if any."""
    kept: bool = False
    """Left as it is by the user: not offered again."""


class RunningFiles:
    """The list in one folder. Any thread, any number of processes: each entry is its own file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def of_user(cls) -> "RunningFiles | None":
        """Return the list of this user; None, with a line in the log, where none can be kept."""
        try:
            folder = paths.state_dir() / "recordings"
            folder.mkdir(mode=0o700, exist_ok=True)
        except (OSError, RfviewerError) as error:
            # The recording matters more than the note about it.
            _tell_unlisted(str(error))
            return None
        return cls(folder)

    def begin(self, file: RunningFile) -> Path | None:
        """Note `file`; return the entry for `end`, None when it cannot be written (logged)."""
        entry = self._folder / f"{uuid.uuid4().hex}.json"
        try:
            _write_private(entry, json.dumps(asdict(file)))
        except OSError as error:
            log.sink.warning("%s is not listed for recovery: %s", file.partial, error)
            return None
        return entry

    def change(self, entry: Path | None, file: RunningFile) -> None:
        """Replace what `begin` noted; nothing happens without an entry."""
        if entry is None:
            return
        try:
            _write_private(entry, json.dumps(asdict(file)))
        except OSError as error:
            log.sink.warning("the note about %s is not up to date: %s", file.partial, error)

    def end(self, entry: Path | None) -> None:
        """Remove an entry; None and one that is gone are fine."""
        if entry is None:
            return
        try:
            entry.unlink(missing_ok=True)
        except OSError as error:
            log.sink.warning("a finished recording stays listed: %s", error)

    def entries(self) -> Iterator[tuple[Path, RunningFile]]:
        """Yield what is listed; entries whose file was deleted or finished are removed.

        A folder that is not there, as of an unplugged disk, may come back: its entries stay.
        """
        for entry in sorted(self._folder.glob("*.json")):
            file = _read(entry)
            if file is None:
                continue
            partial = Path(file.partial)
            if partial.exists():
                yield entry, file
            elif partial.parent.is_dir():
                self.end(entry)

    def keep(self, file: RunningFile) -> None:
        """Remember that the user wants `file` left as it is."""
        self.forget(Path(file.partial))
        self.begin(replace(file, kept=True))

    def forget(self, partial: Path) -> None:
        """Remove every entry about `partial`."""
        for entry, file in list(self.entries()):
            if Path(file.partial) == partial:
                self.end(entry)


def _write_private(path: Path, text: str) -> None:
    """Write whole or not at all, for this user only."""
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    temporary.replace(path)


def _read(entry: Path) -> RunningFile | None:
    """Return an entry; None, logged, when it is damaged, from another version or another user.

    An entry names files that may be finished or removed.
    """
    try:
        values = json.loads(read_private(entry))
        file = RunningFile(**{**values, "kind": RecordedKind(values["kind"])})
    except (*_UNREADABLE, NotPrivateError) as error:
        log.sink.warning("the note %s about a recording cannot be read: %r", entry.name, error)
        return None
    texts = (file.partial, file.target, file.source_name, file.labels)
    if not all(isinstance(text, str) for text in texts) or not isinstance(file.info, dict):
        log.sink.warning("the note %s about a recording is not ours", entry.name)
        return None
    return file


@cache
def _tell_unlisted(why: str) -> None:
    """Say it once in a process: every session and every check asks for the list."""
    log.sink.warning("recordings are not listed for recovery: %s", why)
