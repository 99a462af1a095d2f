"""What the window needs after something went wrong, as plain callables: recordings, reports."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rfviewer.config import Settings
from rfviewer.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Leftover:
    """A recording that was cut off."""

    path: Path
    """What there is."""
    target: Path
    """What it was meant to become."""
    duration_s: float | None
    """Length of what can be played; None for labels."""
    size_bytes: int
    changed: datetime
    """When the last of it was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyServices:
    """Injected by the composition root. All but the values may block: never on the GUI thread."""

    find_leftovers: Callable[[], Sequence[Leftover]] = lambda: ()
    """Returns the recordings that were cut off."""
    recover: Callable[[Leftover], str] = lambda _: ""
    """Finishes one; returns one sentence about the file; raises SinkError with one sentence."""
    keep: Callable[[Leftover], None] = lambda _: None
    """Never offers it again."""
    delete: Callable[[Leftover], None] = lambda _: None
    """Removes it; raises SinkError with one sentence."""
    save_report: Callable[[Path | None, str, Snapshot | None], Path] | None = None
    """Writes a report to the path, or as a crash report beside the logs, and returns where; raises
    RfviewerError with one sentence."""
    ended_badly: bool = False
    """Whether the last window ended without a word."""
    safe_settings: Settings | None = None
    """What safe mode sets; None where it cannot be offered, as in safe mode itself."""
    ends_properly: Callable[[], None] = lambda: None
    """Told when the desktop goes away and takes the program with it."""
