"""What the capture thread hands on, and to whom."""

from collections.abc import Callable
from dataclasses import dataclass

from rfviewer.channels import Feed
from rfviewer.frame import Frame, SourceInfo


@dataclass(frozen=True, slots=True)
class EndOfStream:
    """Follows the last frame of an epoch through the pipeline."""

    epoch: int
    error: str = ""
    """One sentence when the source broke; empty at its ordinary end."""


@dataclass(frozen=True, slots=True)
class CaptureOutputs:
    """Where the capture thread reports. All callables return at once, except `show`."""

    frames: Feed[Frame | EndOfStream]
    """To the engine thread."""
    show: Callable[[Frame], None]
    """Shows a frame without waiting for its masks (keep-pace); may wait while recording a file."""
    opened: Callable[[SourceInfo], None]
    failed: Callable[[str], None]
    """The source could not be opened, or broke in a way that it does not know itself."""
