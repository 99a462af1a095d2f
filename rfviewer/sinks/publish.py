"""Giving a finished file its final name in one step, without ever replacing another file."""

import errno
import os
from pathlib import Path

from rfviewer.sinks.names import free_path

_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""What file systems without hard links answer (link(2))."""


def publish(temporary: Path, target: Path, *, overwrite: bool) -> Path:
    """Rename `temporary` to `target` and return the name it got.

    Without `overwrite` a file that has appeared at `target` meanwhile stays as it is, and the
    result gets the next free name beside it: nobody's data is lost.

    Raises:
        OSError: when the file cannot be renamed; it is still at `temporary`.
    """
    if overwrite:
        temporary.replace(target)
        return target
    while True:
        target = free_path(target)
        try:
            _rename_new(temporary, target)
        except FileExistsError:
            continue
        return target


def _rename_new(temporary: Path, target: Path) -> None:
    """Rename, failing with FileExistsError if `target` exists."""
    if os.name == "nt":
        temporary.rename(target)
        return
    try:
        target.hardlink_to(temporary)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        # Reserve the name: from here on nobody else can create it.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        temporary.replace(target)
    else:
        temporary.unlink()
