"""File names made from the names of sources, which may hold anything."""

import re
import unicodedata
from datetime import datetime
from pathlib import Path

_MAX_BYTES = 120
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Device names of Windows (learn.microsoft.com, "Naming Files, Paths, and Namespaces")."""


def safe_stem(name: str) -> str:
    """Return `name` as a file name without extension that every system takes."""
    name = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    stem = re.sub(r"\.[A-Za-z0-9]{2,4}$", "", unicodedata.normalize("NFC", name))
    stem = "".join(c if c.isalnum() or c in "-_." else "_" for c in stem)
    stem = re.sub(r"_{2,}", "_", stem).strip("-_.")
    # Letters alone may be many bytes; a cut one is dropped whole.
    stem = stem.encode("utf-8", "ignore")[:_MAX_BYTES].decode("utf-8", "ignore").rstrip("-_.")
    return f"_{stem}" if _RESERVED.fullmatch(stem) else stem or "source"


def screenshot_name(source_name: str, frame_index: int, now: datetime) -> str:
    """Return "{source}-{frame:06d}-{HHMMSSmmm}.png"."""
    clock = f"{now:%H%M%S}{now.microsecond // 1000:03d}"
    return f"{safe_stem(source_name)}-{frame_index:06d}-{clock}.png"


def recording_name(source_name: str, now: datetime) -> str:
    """Return "{source}-{YYYYMMDD}-{HHMMSS}.mp4"."""
    return f"{safe_stem(source_name)}-{now:%Y%m%d-%H%M%S}.mp4"


def free_path(path: Path) -> Path:
    """Return `path`, or the first of "name-2.ext", "name-3.ext" ... that does not exist."""
    candidate, number = path, 1
    while candidate.exists() or candidate.is_symlink():
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return candidate
