"""The private folders, the space for recordings, and what was left behind."""

import os
import shutil
import stat
from pathlib import Path

from rfviewer import paths
from rfviewer.doctor.check import Check, Status
from rfviewer.errors import RfviewerError

_LOW_BYTES = 2_000_000_000


def cache() -> Check:
    """Check that the cache is private, ours, and can be written."""
    try:
        folder = paths.cache_dir()
    except RfviewerError as error:
        what, _, fix = str(error).partition("; ")
        return Check("Cache", Status.MISSING, what, fix.removesuffix("."))
    files = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    mode = stat.S_IMODE(folder.stat().st_mode)
    detail = f"{folder}, {sum(files) / 1e6:.0f} MB in {len(files)} files, mode {mode:04o}"
    if not os.access(folder, os.W_OK):
        return Check("Cache", Status.MISSING, detail, f"make {folder} writable for you")
    return Check("Cache", Status.OK, detail)


def recordings() -> Check:
    """Check that recordings have a place with room."""
    folder = paths.videos_dir()
    existing = next(path for path in (folder, *folder.parents) if path.is_dir())
    free_bytes = shutil.disk_usage(existing).free
    detail = f"{folder}, {free_bytes / 1e9:.1f} GB free"
    if not os.access(existing, os.W_OK):
        return Check("Recordings", Status.WARN, f"{detail}, not writable", "choose another folder")
    if free_bytes < _LOW_BYTES:
        return Check("Recordings", Status.WARN, detail, "free some space")
    return Check("Recordings", Status.OK, detail)


def interrupted() -> Check:
    """Check for recordings that a crash left unfinished."""
    from rfviewer.sinks.recovery import find_interrupted
    from rfviewer.sinks.running import RunningFiles

    found = find_interrupted(RunningFiles.of_user(), _existing(paths.videos_dir()))
    if not found:
        return Check("Unfinished", Status.OK, "no recording was cut off")
    names = ", ".join(str(one.path) for one in found[:3])
    return Check("Unfinished", Status.WARN, f"{len(found)}: {names}", "rfviewer recover")


def logs() -> Check:
    """Check the folder of logs and crash reports."""
    try:
        folder = paths.log_dir()
    except RfviewerError as error:
        what, _, fix = str(error).partition("; ")
        return Check("Logs", Status.WARN, what, fix.removesuffix("."))
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    crashes = len(list(folder.glob("crash-*.txt")))
    detail = f"{folder}, {size / 1e6:.1f} MB, {crashes} crash reports"
    return Check("Logs", Status.OK, detail)


def _existing(folder: Path) -> list[Path]:
    return [folder] if folder.is_dir() else []
