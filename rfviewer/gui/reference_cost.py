"""Tells that a live comparison runs a second network, and what memory that took. Knows no Qt."""

from collections.abc import Callable

from rfviewer.experiment import ParityReading, ParityWatch
from rfviewer.gui.text import bytes_text
from rfviewer.snapshot import Snapshot

LOADING = "A second network loads as the reference: it takes memory and time of its own."


class ReferenceCost:
    """Told of every start and reading. GUI thread only."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """`tell` shows one sentence to the user."""
        self._tell = tell
        self._before_bytes: int | None = None

    def watch_changed(self, watch: ParityWatch | None, snapshot: Snapshot | None) -> None:
        """Tell that a comparison begins; one that goes on with other settings is not told again."""
        if watch is None:
            self._before_bytes = None
        elif self._before_bytes is None:
            self._before_bytes = _used_bytes(snapshot)
            self._tell(LOADING)

    def reading(self, reading: ParityReading, snapshot: Snapshot | None) -> None:
        """Tell with the first comparison by how much the engine's process has grown."""
        if not reading.compared or not self._before_bytes:
            return
        grown = _used_bytes(snapshot) - self._before_bytes
        self._before_bytes = 0  # told
        if grown > 0:
            self._tell(f"The reference is there; the engine has grown by {bytes_text(grown)}.")


def _used_bytes(snapshot: Snapshot | None) -> int:
    """Return the memory of the engine process, on the host and on the GPU where that is known."""
    if snapshot is None:
        return 0
    return snapshot.rss_bytes + (snapshot.device.memory_used_bytes or 0)
