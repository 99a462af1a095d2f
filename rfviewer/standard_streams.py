"""Standard output and error that can be written to, whatever the program was started with."""

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, override

from rfviewer.errors import RfviewerError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class OutputError(RfviewerError):
    """Standard output cannot be written, as on a full disk; a closed pipe is none of ours."""


def prepare() -> None:
    """Make both streams fit to tell. Main thread, before anything else opens a file.

    Closed ones (`>&-`, services, windows without a console) go nowhere: the first file opened
    would get their number, and what is printed land in it. Characters that the encoding lacks are
    written as escapes. A fault of standard output becomes an `OutputError`, once.
    """
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            _take(number)
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for good
            setattr(sys, name, nowhere)
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
    stdout = sys.stdout
    # Not a console of Windows, whose raw stream is of its own kind. What it replaces must live on,
    # as sys.__stdout__ does: its descriptor is used here.
    if (
        isinstance(stdout, io.TextIOWrapper)
        and stdout is sys.__stdout__
        and type(_raw(stdout)) is io.FileIO
    ):
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(_Output(stdout.fileno(), "wb", closefd=False)),
            encoding=stdout.encoding,
            errors=stdout.errors,
            line_buffering=stdout.line_buffering,
            write_through=stdout.write_through,
        )


def _raw(stream: io.TextIOWrapper) -> object:
    return getattr(stream.buffer, "raw", stream.buffer)  # the latter where it is unbuffered


def _take(number: int) -> None:
    """Let descriptor `number`, and those below it that are free, go nowhere."""
    if os.name != "posix":
        return  # no file gets the number of a stream there
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= number:
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - takes no keyword
    os.close(descriptor)


class _Output(io.FileIO):
    """Standard output that says in a sentence why it cannot be written."""

    _failed = False

    @override
    def write(self, data: "ReadableBuffer", /) -> int:
        if self._failed:  # told already; what buffers still hold is lost
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except BrokenPipeError:
            self._failed = True
            raise
        except OSError as error:
            self._failed = True
            why = error.strerror or error
            raise OutputError(
                f"Standard output cannot be written ({why}); send it to another place."
            ) from error
