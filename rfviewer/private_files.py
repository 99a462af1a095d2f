"""Files that only this user can have written: read without following links, checked once open.

An engine is code (TensorRT runs what is in it when it loads it), so what is read here may decide
what this process does. The checks are made on the open file, so nobody can swap it in between.
"""

import os
import stat
from pathlib import Path

_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a named pipe must not hang us
    | getattr(os, "O_BINARY", 0)
)


class NotPrivateError(Exception):
    """The file or folder is not ours alone; the message is the rest of a sentence about it."""


def read_private(path: Path) -> bytes:
    """Return the bytes of a plain file that this user owns and nobody else may write.

    Raises:
        NotPrivateError: it is a link, has a second name, is no plain file, belongs to somebody
            else or can be written by others.
        OSError: it cannot be read.
    """
    if path.is_symlink():
        raise NotPrivateError("is a link")
    descriptor = os.open(path, _OPEN_FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise NotPrivateError("is not a plain file")
        if status.st_nlink != 1:
            raise NotPrivateError("is a hard link to another file")
        _check_owner(status)
        return file.read()


def check_private_folder(path: Path) -> None:
    """Check that a folder is a real one, owned by this user, and that nobody else may write there.

    Raises:
        NotPrivateError: it is not.
        OSError: it cannot be looked at.
    """
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise NotPrivateError("is a link" if stat.S_ISLNK(status.st_mode) else "is not a folder")
    _check_owner(status)


def _check_owner(status: os.stat_result) -> None:
    if os.name != "posix":
        return  # the user's profile folder is private on Windows; modes there say nothing
    if status.st_uid != os.getuid():
        raise NotPrivateError("belongs to another user")
    if status.st_mode & 0o022:
        raise NotPrivateError("can be written by other users")
