"""A source whose decoder can be chosen anew while it plays, and that tells when it has changed."""

from collections.abc import Callable
from typing import override

from rfviewer.decode import Decode, DecodeState
from rfviewer.forwarding_source import ForwardingSource
from rfviewer.frame import Frame, SourceInfo
from rfviewer.interfaces import FrameSource, SourceFactory


class ReopeningSource(ForwardingSource):
    """Opens a file again for another decoder, at the frame after the last one; used as that one is.

    A live source cannot be opened twice: what is chosen acts when it is opened the next time.
    """

    def __init__(
        self,
        open_source: Callable[[], FrameSource],
        wanted: Callable[[], Decode],
        changed: Callable[[SourceInfo], None],
    ) -> None:
        """Open the source.

        Args:
            open_source: opens it as `wanted` says at that moment.
            wanted: what the user chose.
            changed: told, on the reading thread, when something else decodes than before.
        """
        self._open_source = open_source
        self._wanted = wanted
        self._changed = changed
        self._interrupted = False
        self._chosen = wanted()
        super().__init__(open_source())
        self._told = self._source.info.decode
        self._last_s: float | None = None
        """Time of the frame read last; None before the first one and after a jump."""
        self._jump: Callable[[], None] | None = None
        """The jump that the next frame follows, to be made again."""

    @override
    def read(self) -> Frame | None:
        if self._wanted() is not self._chosen and not self._source.info.live:
            self._open_again()
        frame = super().read()
        self._jump = None
        if frame is not None:
            self._last_s = frame.pts_s
        info = self._source.info
        if info.decode != self._told:
            self._told = info.decode
            self._changed(info)
        return frame

    @override
    def seek(self, pts_s: float) -> None:
        self._jump_by(lambda: self._source.seek(pts_s))  # of whichever source is open then

    @override
    def seek_before(self, pts_s: float) -> None:
        self._jump_by(lambda: self._source.seek_before(pts_s))

    @override
    def interrupt(self) -> None:
        self._interrupted = True
        super().interrupt()

    def _jump_by(self, jump: Callable[[], None]) -> None:
        jump()
        self._jump = jump

    def _open_again(self) -> None:
        self._chosen = self._wanted()
        if self._source.info.decode is None:
            return  # nothing is decoded here
        self._source.close()
        self._source = self._open_source()
        if self._interrupted:
            self._source.interrupt()
        if self._jump is not None:
            self._jump()
        elif self._last_s is not None:
            self._source.seek(self._last_s)
            self._source.read()


def reopening(
    open_source: SourceFactory, wanted: Callable[[], Decode], changed: Callable[[SourceInfo], None]
) -> SourceFactory:
    """Return `open_source` with sources that follow `wanted` and report to `changed`."""
    return lambda uri: ReopeningSource(lambda: open_source(uri), wanted, changed)


def gave_up(before: DecodeState | None, now: DecodeState | None) -> bool:
    """Tell whether the CPU decodes now against what the user could expect."""
    if now is None or now.effective is Decode.GPU:
        return False
    if now.requested is Decode.GPU or before is None:
        return now.requested is Decode.GPU
    return before.effective is Decode.GPU and before.requested is now.requested
