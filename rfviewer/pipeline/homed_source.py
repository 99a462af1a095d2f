"""A source whose frames lie where the engine wants them, put there by the capture thread."""

from collections.abc import Callable
from typing import override

from rfviewer.frame import Frame, SourceInfo
from rfviewer.interfaces import FrameSource, SourceFactory

type Home = Callable[[Frame], Frame]
"""Returns the frame with its image in the engine's memory, or as it is; any thread, at once."""


class HomedSource(FrameSource):
    """Reads another source and takes every frame home. Used as that source is."""

    def __init__(self, source: FrameSource, home: Home) -> None:
        self._source = source
        self._home = home

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
        return None if frame is None else self._home(frame)

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


def homed(open_source: SourceFactory, home: Home) -> SourceFactory:
    """Return `open_source` with frames taken home."""
    return lambda uri: HomedSource(open_source(uri), home)
