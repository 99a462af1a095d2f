"""A source that is another one, for those that change a part of what it does."""

from typing import override

from rfviewer.frame import Frame, SourceInfo
from rfviewer.interfaces import FrameSource


class ForwardingSource(FrameSource):
    """Does what the source in it does; used as that one is."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source

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
        return self._source.read()

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
