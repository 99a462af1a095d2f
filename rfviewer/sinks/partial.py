"""Names and ownership of recordings in progress: "name.partial.mp4" beside "name.mp4"."""

import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from rfviewer.sinks.names import free_path

if sys.platform != "win32":
    import fcntl

_PARTIAL = re.compile(r"(?P<stem>.+)\.partial(-\d+)?\.mp4")


def partial_path(target: Path) -> Path:
    """Return a free name for the fragments of `target`; an older one may wait for recovery."""
    return free_path(target.with_name(f"{target.stem}.partial.mp4"))


def target_of(partial: Path) -> Path | None:
    """Return the final name that belongs to `partial`; None if it is no recording in progress."""
    match = _PARTIAL.fullmatch(partial.name)
    return None if match is None else partial.with_name(f"{match['stem']}.mp4")


def hold(partial: Path) -> BinaryIO:
    """Return a handle that marks `partial` as in use until it is closed or the process ends."""
    handle = partial.open("rb")
    if sys.platform != "win32":
        # Some network file systems know no locks; the recording matters more than the mark.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


def may_hold_while_renaming() -> bool:
    """Return whether a file can be renamed and removed while `hold` has it open."""
    return sys.platform != "win32"


def in_use(partial: Path) -> bool:
    """Return whether some process is still recording into `partial`."""
    try:
        if sys.platform == "win32":
            partial.rename(partial)  # refused while a process has it open
        else:
            with partial.open("rb") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False
