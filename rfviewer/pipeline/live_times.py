"""How long a live source may be silent, and how soon it is opened again."""

from dataclasses import dataclass, field

from rfviewer.frame import SourceKind


@dataclass(frozen=True, slots=True)
class Silence:
    """What silence of an open source means, in seconds."""

    stalled_s: float
    """From here on it is shown as stalled."""
    broken_s: float
    """From here on it is given up and opened again."""
    longest_retry_s: float
    """The longest wait between two attempts."""


@dataclass(frozen=True, slots=True)
class LiveTimes:
    """All times of the reconnection; tests make them short."""

    camera: Silence = field(default_factory=lambda: Silence(0.7, 1.5, 3.0))
    """Told within 2 s. Looking for a camera that is not there costs milliseconds, so that one that
    is plugged in again is found within 3 s."""
    network: Silence = field(default_factory=lambda: Silence(2.0, 5.0, 30.0))
    """FFmpeg gives a silent connection up after 3 s by itself (`sources/urls.py`); these hold for
    one that sends something, but no pictures."""
    first_retry_s: float = 1.0
    """Each further wait is twice as long."""
    open_s: float = 15.0
    """How long opening may take before it is left behind: a driver or a disk that hangs."""
    healthy_s: float = 10.0
    """After so long with frames the next break counts as the first one."""
    look_s: float = 0.1
    """How often silence is looked at."""
    max_strays: int = 4
    """So many threads may be stuck in a driver before no further attempt is made."""

    def silence(self, kind: SourceKind) -> Silence:
        """Return what holds for a source of this kind."""
        return self.camera if kind is SourceKind.CAMERA else self.network

    def retry_s(self, attempt: int, kind: SourceKind) -> float:
        """Return how long to wait before attempt number `attempt`, from 1."""
        longest_s = self.silence(kind).longest_retry_s
        # The exponent is bounded: a camera may be away for weeks.
        return float(min(longest_s, self.first_retry_s * 2 ** min(attempt - 1, 16)))
