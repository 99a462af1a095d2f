"""Logging: a fixed list of topics, one rotating file, warnings on stderr."""

import faulthandler
import logging
import logging.handlers
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import override

app = logging.getLogger("rfviewer.app")
source = logging.getLogger("rfviewer.source")
engine = logging.getLogger("rfviewer.engine")
model = logging.getLogger("rfviewer.model")
pipeline = logging.getLogger("rfviewer.pipeline")
session = logging.getLogger("rfviewer.session")
sink = logging.getLogger("rfviewer.sink")
gui = logging.getLogger("rfviewer.gui")

WINDOW_LOG, ENGINE_LOG = "rfviewer.log", "engine.log"

# The scheme is bounded: a line of a million letters must not take minutes.
_URL = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]{0,30})://(?P<rest>\S*)")
_MAX_LINE = 2000
_HOST = re.compile(r"[^:]*(?::\d*)?|\[[^\]]*\](?::\d*)?")
_SECRET = re.compile(
    r"(?i)([?&;](?:[^=&;]*(?:pass|pwd|token|secret|auth|key|user|sig)[^=&;]*)=)[^&;#\s]*"
)
_FORMAT = "%(asctime)s %(processName)s %(threadName)s %(name)s %(levelname)s: %(message)s"


def redact(text: str) -> str:
    """Return `text` with no user, password or query key in any address it holds.

    Passwords may hold what they should not, such as "@" or "/"; then rather too much is cut.
    """
    return _URL.sub(_without_secrets, text)


def _without_secrets(match: re.Match[str]) -> str:
    path, mark, query = match["rest"].partition("?")
    authority = path.partition("/")[0]
    if "@" in authority:
        path = path[path.rindex("@", 0, len(authority)) + 1 :]
        if "@" in path and not _HOST.fullmatch(path.partition("/")[0]):
            path = path.rpartition("@")[2]
    elif "@" in path and not _HOST.fullmatch(authority):
        path = path.rpartition("@")[2]
    return f"{match['scheme']}://{path}" + _SECRET.sub(r"\1***", mark + query)


class _RedactingFormatter(logging.Formatter):
    """Formats a record, then removes credentials from the whole line, tracebacks included."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def setup_child(folder: str | None) -> None:
    """Set up logging in the engine process; two processes must not rotate the same file."""
    path = None if folder is None else Path(folder)
    setup(path, name=ENGINE_LOG)
    if path is not None:
        catch_faults(path, name=ENGINE_LOG)


def catch_faults(folder: Path | None, *, name: str = WINDOW_LOG) -> None:
    """Let crashes in C code write every thread's stack, and errors of any thread reach the log.

    Call once per process. A segfault goes to "name.fault" in `folder`; what the last run left there
    becomes "name.fault.1", for a report. Without a folder only the errors of threads are caught.
    """
    threading.excepthook = _log_thread_error
    if folder is None:
        app.warning("no log is kept, as its folder cannot be used; rfviewer doctor says why")
        return
    path = folder / f"{name}.fault"
    try:
        if path.exists() and path.stat().st_size:
            path.replace(path.with_suffix(".fault.1"))
        descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    except OSError as error:
        app.warning("crashes will leave no stack: %s", error)
    else:
        # Never closed: a crash may come at any time.
        faulthandler.enable(file=descriptor, all_threads=True)


@contextmanager
def told_elsewhere(topic: logging.Logger) -> Iterator[None]:
    """Log nothing below an error of `topic` while the block runs, whatever the thread.

    For looking at a source that is opened once more for the work itself, which tells the same.
    """
    before = topic.level
    topic.setLevel(logging.ERROR)
    try:
        yield
    finally:
        topic.setLevel(before)


def last_lines(folder: Path, count: int = 200) -> dict[str, list[str]]:
    """Return the last `count` lines of each log in `folder`, and the stacks of crashes."""
    lines: dict[str, list[str]] = {}
    for name in (WINDOW_LOG, ENGINE_LOG):
        for path in (folder / name, folder / f"{name}.fault", folder / f"{name}.fault.1"):
            try:
                text = path.read_text(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                continue
            except OSError as error:
                text = f"cannot be read: {error}"
            if text:
                newest = text.splitlines()[-count:]
                lines[path.name] = [redact(line[:_MAX_LINE]) for line in newest]
    return lines


def _log_thread_error(error: threading.ExceptHookArgs) -> None:
    if error.exc_type is SystemExit or error.exc_value is None:
        return
    name = "unknown" if error.thread is None else error.thread.name
    trace = (error.exc_type, error.exc_value, error.exc_traceback)
    app.error("uncaught error in thread %s", name, exc_info=trace)


def setup(folder: Path | None, *, verbose: bool = False, name: str = WINDOW_LOG) -> None:
    """Send records to a rotating file in `folder` (none if None) and warnings to stderr.

    Call once per process. Each of the two logs keeps at most 4 x 1 MB.
    """
    root = logging.getLogger("rfviewer")
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    root.propagate = False
    root.handlers.clear()
    stderr = logging.StreamHandler(sys.stderr)
    stderr.setLevel(logging.DEBUG if verbose else logging.WARNING)
    stderr.setFormatter(_RedactingFormatter("%(name)s: %(message)s"))
    root.addHandler(stderr)
    if folder is None:
        return
    try:
        handler = logging.handlers.RotatingFileHandler(
            folder / name, maxBytes=1_000_000, backupCount=3, encoding="utf-8"
        )
    except OSError as error:
        app.warning("nothing is logged to a file: %s", error)
        return
    handler.setFormatter(_RedactingFormatter(_FORMAT))
    root.addHandler(handler)
