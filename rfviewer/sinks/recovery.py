"""Finding and finishing recordings that a crash or a power cut left behind."""

from pathlib import Path

from rfviewer.errors import SinkError
from rfviewer.sinks.faults import cannot_create
from rfviewer.sinks.finish import finish
from rfviewer.sinks.fragments import whole_fragments_bytes
from rfviewer.sinks.partial import in_use, target_of


def find_recoverable(folder: Path) -> list[Path]:
    """Return the interrupted recordings in `folder` that hold something, oldest first.

    A recording that runs now, in this or another process, is not among them.
    """
    found: list[tuple[float, Path]] = []
    for path in folder.glob("*.partial*.mp4"):
        try:
            if target_of(path) is not None and whole_fragments_bytes(path) and not in_use(path):
                found.append((path.stat().st_mtime, path))
        except OSError:
            continue  # gone, or not ours to read
    return [path for _, path in sorted(found)]


def recover(path: Path) -> Path:
    """Finish an interrupted recording and return its file; nothing is overwritten.

    Raises:
        SinkError: when it is in use, holds nothing, or cannot be written.
    """
    target = target_of(path)
    if target is None:
        raise SinkError(f"{path} is no interrupted recording; choose a .partial.mp4 file.")
    if not path.exists():
        raise SinkError(f"{path} is gone; it may have been recovered already.")
    if in_use(path):
        raise SinkError(f"{path} is being recorded right now; stop that recording instead.")
    try:
        finished = finish(path, target, overwrite=False, audio=None)
    except OSError as error:
        raise cannot_create(target, error) from error
    if finished is None:
        raise SinkError(f"{path} held nothing that can be played and was removed.")
    return finished.path
