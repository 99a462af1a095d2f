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

_CREDENTIALS = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)[^\s?]*@")
"""Up to the last "@" of the word: a password may hold "@" and "/", so rather too much is cut."""
_SECRET = re.compile(r"(?i)([?&](?:[a-z_-]*(?:key|token|secret|auth|pass|pwd|sig)[a-z_-]*)=)[^&\s]*")
_FORMAT = "%(asctime)s %(processName)s %(threadName)s %(name)s %(levelname)s: %(message)s"


def redact(text: str) -> str:
    """Return `text` without user names, passwords and keys in URLs."""
    return _SECRET.sub(r"\1***", _CREDENTIALS.sub(r"\g<scheme>", text))


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
