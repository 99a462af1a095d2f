"""Files of the lab appear whole or not at all, and replace nothing unless asked to."""

import os
from contextlib import suppress
from pathlib import Path

from rfviewer.errors import SinkError
from rfviewer.writable_folder import check_writable


def check_place(path: Path, *, overwrite: bool) -> None:
    """Fail before anything is measured where `path` could not be written afterwards.

    Raises:
        SinkError: it exists already, is no file or has too long a name, or its folder does not
            exist or cannot be written.
    """
    if not path.parent.is_dir():
        raise SinkError(f"The folder {path.parent} does not exist; make it or choose another one.")
    if path.exists() and not overwrite:
        raise SinkError(f"{path} exists; choose another name, or say --overwrite.")
    if path.is_dir():
        raise SinkError(f"{path} is a folder; choose the name of a file.")
    if path.exists() and not path.is_file():  # as /dev/null: a file would take its place
        raise SinkError(f"{path} is no ordinary file; choose another name.")
    try:
        with suppress(FileNotFoundError):
            _temporary(path).lstat()  # too long a name is told here
        check_writable(path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error


def write_whole(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write `data` to `path` under a temporary name first.

    Raises:
        SinkError: it exists already, or cannot be written.
    """
    temporary = _temporary(path)
    reserved = False
    try:
        if not overwrite:
            path.open("xb").close()  # from here on nobody else gets the name
            reserved = True
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except FileExistsError as error:
        raise SinkError(f"{path} exists; choose another name, or say --overwrite.") from error
    except OSError as error:
        for left in (temporary, path) if reserved else (temporary,):
            with suppress(OSError):
                left.unlink(missing_ok=True)
        raise _cannot_write(path, error) from error


def _temporary(path: Path) -> Path:
    """Return the name under which this process writes what becomes `path`."""
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def _cannot_write(path: Path, error: OSError) -> SinkError:
    reason = error.strerror or type(error).__name__
    return SinkError(f"{path} cannot be written ({reason}); choose another place.")
