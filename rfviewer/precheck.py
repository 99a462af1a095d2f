"""What can be said about a source before the window appears, without importing a decoder."""

import sys
from pathlib import Path

from rfviewer.errors import SourceError

_VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mpg"})
_HEAD_BYTES = 512


def check_cheaply(source: str) -> None:
    """Fail for a plain file or camera that is not there, or a file that is obviously no video.

    Everything else is judged by the source itself, in the window.

    Raises:
        SourceError: one sentence.
    """
    if source.isascii() and source.isdigit():
        if sys.platform.startswith("linux") and not Path(f"/dev/video{source}").exists():
            raise SourceError(f"There is no camera {source}; `rfviewer devices` lists them.")
        return
    special = "://" in source or source.partition(":")[0] in ("camera", "demo", "synthetic")
    if special or any(char in source for char in "*?["):
        return
    path = Path(source).expanduser()
    try:
        if not path.exists():
            raise SourceError(f"There is no file {source}; check the name.")
        if path.is_file() and path.suffix.lower() in _VIDEO_SUFFIXES:
            with path.open("rb") as file:
                _check_head(source, file.read(_HEAD_BYTES))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SourceError(f"{source!r} cannot be opened ({reason}); check the name.") from error


def _check_head(source: str, head: bytes) -> None:
    if not head:
        raise SourceError(f"{source} is empty; choose another file.")
    if head.isascii() and b"\0" not in head:
        raise SourceError(f"{source} is a text file and no video; choose another file.")
