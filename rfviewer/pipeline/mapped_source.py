"""A source whose frames pass through a function on the capture thread."""

from collections.abc import Callable
from typing import override

from rfviewer.frame import Frame, SourceInfo
from rfviewer.interfaces import FrameSource, SourceFactory

type Change = Callable[[Frame], Frame]
"""Returns the frame that is handed on: another one, or the same; any thread, at once."""


class MappedSource(FrameSource):
    """Hands on what `change` makes of each frame of another source; used as that source is."""

    def __init__(self, source: FrameSource, change: Change) -> None:
        self._source = source
        self._change = change

    @property
    @override
    def info(self) -> SourceInfo:
        return self._source.info

    @property
    @override
    def damaged(self) -> int:
        return self._source.damaged

    @override
    def read(self) -> Frame | None:
        frame = self._source.read()
        return None if frame is None else self._change(frame)

    @override
    def seek(self, pts_s: float) -> None:
        self._source.seek(pts_s)

    @override
    def seek_before(self, pts_s: float) -> None:
        self._source.seek_before(pts_s)

    @override
    def interrupt(self) -> None:
        self._source.interrupt()

    @override
    def close(self) -> None:
        self._source.close()


def mapped(open_source: SourceFactory, change: Change) -> SourceFactory:
    """Return `open_source` with every frame passed through `change`."""
    return lambda uri: MappedSource(open_source(uri), change)
