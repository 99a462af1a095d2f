"""The picture of the worst frame of a live comparison, in a private folder while it runs."""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from rfviewer import log, paths
from rfviewer.errors import RfviewerError
from rfviewer.lab.worst_frame import WorstFrame

type SaveComparison = Callable[
    [Path, WorstFrame, Sequence[str | None], tuple[str, str], dict[str, str]], None
]
"""Writes (path, frame, class names, titles of both sides, metadata) as PNG; raises SinkError."""

_PREFIX = "parity-"


class WorstPicture:
    """Keeps one picture on disk. One thread uses it, any may read `path`."""

    def __init__(self, save: SaveComparison | None) -> None:
        """Write pictures with `save`; None writes none."""
        self.badness = 0.0
        """Of the picture that is kept; 0 when there is none."""
        self.error = ""
        """Why the newest one could not be written, in one sentence; or empty."""
        self.path: Path | None = None
        self._save = save
        self._folder: Path | None = None
        self._count = 0

    def keep(
        self, worst: WorstFrame, class_names: Sequence[str | None], titles: tuple[str, str]
    ) -> None:
        """Write the picture of `worst` in place of the one before."""
        self.badness = worst.comparison.badness
        if self._save is None:
            return
        self._count += 1
        before = self.path
        try:
            if self._folder is None:
                self._folder = _make_folder()
            path = self._folder / f"worst-{self._count}.png"
            self._save(path, worst, class_names, titles, {})
        except (RfviewerError, OSError) as error:
            log.pipeline.warning("the worst frame was not saved: %s", error)
            self.error = f"Its picture could not be written ({error})."
            return
        self.path, self.error = path, ""
        if before is not None:
            before.unlink(missing_ok=True)

    def forget(self) -> None:
        """Drop the picture: the settings have changed."""
        before, self.path = self.path, None
        self.badness, self.error = 0.0, ""
        if before is not None:
            before.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove picture and folder."""
        self.path = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _make_folder() -> Path:
    """Make a folder that only the user can read; remove those of processes that died."""
    cache = paths.cache_dir()
    for left in cache.glob(f"{_PREFIX}*-*"):
        owner = left.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=cache))
