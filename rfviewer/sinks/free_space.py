"""Tells while recording that the disk will soon be full, as long as something can be done."""

import shutil
import time
from pathlib import Path

_LOOK_EVERY_S = 1.0
_WARN_BELOW_S = 300.0
"""Time that is left at the present rate when the user is told."""
_WARN_BELOW_BYTES = 256 * 1024 * 1024
"""Told below this at any rate; four times what a recording needs to start."""


class FreeSpace:
    """Watches the disk of one recording. Used by its thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started_s = time.monotonic()
        self._looked_s = self._started_s
        self._told = False

    def warning(self, written_bytes: int) -> str:
        """Return one sentence, once, when the disk runs full; looks once a second at most."""
        now_s = time.monotonic()
        if self._told or now_s - self._looked_s < _LOOK_EVERY_S:
            return ""
        self._looked_s = now_s
        try:
            free_bytes = shutil.disk_usage(self._folder).free
        except OSError:
            return ""  # a folder that is gone shows with the next frame that is written
        left_s = free_bytes * (now_s - self._started_s) / max(1, written_bytes)
        if free_bytes >= _WARN_BELOW_BYTES and left_s >= _WARN_BELOW_S:
            return ""
        self._told = True
        return (
            f"The disk of {self._folder} has only {free_bytes / 1e6:.0f} MB left, about"
            f" {_duration(left_s)} at this rate; free some space or stop the recording."
        )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.0f} hours"
