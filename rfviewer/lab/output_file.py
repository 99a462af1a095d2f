"""Files of the lab appear whole or not at all, and replace nothing unless asked to."""

import os
from contextlib import suppress
from pathlib import Path

from rfviewer.errors import SinkError


def write_whole(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write `data` to `path` under a temporary name first.

    Raises:
        SinkError: it exists already, or cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
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
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
            if reserved:
                path.unlink(missing_ok=True)
        reason = error.strerror or type(error).__name__
        raise SinkError(f"{path} cannot be written ({reason}); choose another place.") from error
