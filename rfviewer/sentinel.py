"""Remembers that a window is open, so that the next one knows when it did not end properly.

One file per running process in a private folder: its id, its start time, the boot it belongs to.
What ends by itself, by a signal, or with the desktop session, removes it. After a restart of the
computer nothing is said: a power cut is not the program's doing.
"""

import json
import os
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from rfviewer import log, paths
from rfviewer.errors import RfviewerError

_SAME_START_S = 5.0
"""The system derives start times from its clock, which may be corrected meanwhile."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the window."""

    pid: int
    started_s: float
    """Start of the process in seconds since 1970."""
    boot: str
    version: str


class Sentinel:
    """The mark of this process, and what others left behind. Main thread only."""

    def __init__(self, mark: Path | None, unclean: tuple[Run, ...]) -> None:
        self._mark = mark
        self.unclean = unclean
        """Runs since the computer started that ended without a word; each is told once."""

    @classmethod
    def begin(cls, version: str) -> "Sentinel":
        """Leave a mark for this process and take away those of processes that are gone."""
        own = Run(os.getpid(), psutil.Process().create_time(), _boot(), version)
        try:
            folder = paths.state_dir() / "running"
            folder.mkdir(mode=0o700, exist_ok=True)
            unclean = tuple(_take_unclean(folder))
            mark = folder / f"{uuid.uuid4().hex}.json"
            mark.write_text(json.dumps(asdict(own)), encoding="utf-8")
        except (OSError, RfviewerError) as error:
            log.app.warning("an unclean end would not be noticed next time: %s", error)
            return cls(None, ())
        for run in unclean:
            log.app.warning("run %d of version %s did not end properly", run.pid, run.version)
        return cls(mark, unclean)

    def end(self) -> None:
        """Note that this run ends properly. Idempotent."""
        mark, self._mark = self._mark, None
        if mark is not None:
            try:
                mark.unlink(missing_ok=True)
            except OSError as error:
                log.app.warning("the next start will take this end for a crash: %s", error)


def _take_unclean(folder: Path) -> list[Run]:
    """Remove the marks of dead processes; return those of this boot."""
    unclean = []
    for mark in sorted(folder.glob("*.json")):
        try:
            run = Run(**json.loads(mark.read_text(encoding="utf-8")))
            alive = _runs(run)
        except (ValueError, TypeError):
            run, alive = None, False  # cut off by the crash itself, or of another version
        if alive:
            continue
        mark.unlink(missing_ok=True)
        if run is not None and run.boot == _boot():
            unclean.append(run)
    return unclean


def _runs(run: Run) -> bool:
    """Return whether that very process is alive: numbers are used again."""
    if run.boot != _boot():
        return False
    try:
        process = psutil.Process(run.pid)
        same = bool(abs(process.create_time() - run.started_s) < _SAME_START_S)
        return same and bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _boot() -> str:
    """Return what identifies this boot."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return f"{psutil.boot_time() / 60:.0f}"
