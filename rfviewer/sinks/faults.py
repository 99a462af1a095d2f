"""System errors on output files as one sentence for the user."""

import errno
import os
from pathlib import Path

import av

from rfviewer.errors import SinkError

MEDIA_ERRORS = (OSError, av.FFmpegError)
"""What FFmpeg raises when a file cannot be read or written; only some of it are OSErrors."""

_REASONS = {
    errno.ENOSPC: ("the disk is full", "free some space"),
    errno.EDQUOT: ("your disk quota is used up", "free some space"),
    errno.EFBIG: ("the file reached the size limit", "choose another disk or a shorter recording"),
    errno.EACCES: ("writing there is not permitted", "choose another folder"),
    errno.EPERM: ("writing there is not permitted", "choose another folder"),
    errno.EROFS: ("the disk is read-only", "choose another folder"),
    errno.ENOENT: ("its folder is gone", "choose another folder"),
    errno.ENOTDIR: ("its folder is not a folder", "choose another folder"),
    errno.EEXIST: (
        "a file of that name exists",
        "choose another name, or on the command line --overwrite",
    ),
    errno.EISDIR: ("a folder of that name exists", "choose another name"),
    errno.ENAMETOOLONG: ("the name is too long", "choose a shorter one"),
    errno.EIO: ("the disk reports an error", "choose another disk"),
}


def reason(error: BaseException) -> tuple[str, str]:
    """Return (what happened, what to do) in a few words each, for one of `MEDIA_ERRORS`."""
    number = getattr(error, "errno", None)
    default = (str(getattr(error, "strerror", None) or error), "choose another place")
    return _REASONS.get(number or 0, default)


def cannot_create(path: Path, error: BaseException) -> SinkError:
    """Return the error for a file that cannot be created."""
    what, remedy = reason(error)
    if getattr(error, "errno", None) == errno.ENOENT and path.parent.is_dir():
        # The folder is there and takes no files, as in /proc: only the system knows why.
        what = f"the system allows no new file in {path.parent} ({os.strerror(errno.ENOENT)})"
    return SinkError(f"{path} cannot be created: {what}; {remedy}.")


def cannot_write(path: Path, error: BaseException, kept: str) -> SinkError:
    """Return the error for a file that cannot be written further; `kept` says what is safe."""
    what, remedy = reason(error)
    return SinkError(f"Writing {path} stopped: {what}. {kept}; {remedy} to go on.")
