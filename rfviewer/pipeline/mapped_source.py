"""A source whose frames pass through a function on the capture thread."""

from collections.abc import Callable
from typing import override

from rfviewer.forwarding_source import ForwardingSource
from rfviewer.frame import Frame
from rfviewer.interfaces import FrameSource, SourceFactory

type Change = Callable[[Frame], Frame]
"""Returns the frame that is handed on: another one, or the same; any thread, at once."""


class MappedSource(ForwardingSource):
    """Hands on what `change` makes of each frame of another source; used as that source is."""

    def __init__(self, source: FrameSource, change: Change) -> None:
        super().__init__(source)
        self._change = change

    @override
    def read(self) -> Frame | None:
        frame = super().read()
        return None if frame is None else self._change(frame)


def mapped(open_source: SourceFactory, change: Change) -> SourceFactory:
    """Return `open_source` with every frame passed through `change`."""
    return lambda uri: MappedSource(open_source(uri), change)
