"""Logging: a fixed list of topics, one rotating file, warnings on stderr."""

import logging
import logging.handlers
import re
import sys
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

_URL = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://(?P<rest>\S*)")
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
    setup(None if folder is None else Path(folder), name="engine.log")


def setup(folder: Path | None, *, verbose: bool = False, name: str = "rfviewer.log") -> None:
    """Send records to a rotating file in `folder` (none if None) and warnings to stderr.

    Call once per process. The file keeps at most 4 x 2 MB.
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
    handler = logging.handlers.RotatingFileHandler(
        folder / name, maxBytes=2_000_000, backupCount=3, encoding="utf-8"
    )
    handler.setFormatter(_RedactingFormatter(_FORMAT))
    root.addHandler(handler)
