"""Video files and network streams, decoded by FFmpeg through PyAV."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, override

import av

from rfviewer import log
from rfviewer.allowed_media import MAX_FRAME_PIXELS
from rfviewer.errors import SourceError
from rfviewer.frame import DevicePicture, Frame, SourceInfo, U8Array
from rfviewer.interfaces import FrameSource
from rfviewer.sources.colors import FrameConverter
from rfviewer.sources.describe import describe, with_decoder
from rfviewer.sources.device_frames import keeper_of
from rfviewer.sources.explain import why_not_opened
from rfviewer.sources.hardware import ON_CPU, Decoding
from rfviewer.sources.index import build_index
from rfviewer.sources.media import Target
from rfviewer.sources.opening import Stop, first_frame
from rfviewer.sources.packet_history import PacketHistory
from rfviewer.sources.reader import MediaReader, StampedFrame
from rfviewer.sources.window import SAME_TIME_S, Window

if TYPE_CHECKING:
    from fractions import Fraction

_INDEX_AT_OPEN_BYTES = 64 << 20
"""Files up to this size are indexed when opened (tens of ms), so that their length is exact."""
_INDEX_AT_OPEN_S = 0.5
_INDEX_AT_SEEK_S = 4.0
_STEPPING_BYTES = 64 << 20
"""Decoded frames kept while stepping backwards."""
_STEPPING_ENDS_AFTER = 60
"""Frames decoded in a row after which stepping is over and the kept frames are freed."""
_SEARCH_STEPS_S = (0.0, 2.0, 10.0, 30.0)
"""How far before the wanted time to look for a key frame when there is no index."""
_NEAR_S = 1.0
"""Without an index, a wanted time this near ahead is reached by decoding on."""
_FROM_BEGINNING = None


class PyAvSource(FrameSource):
    """A file or a stream. `seek` and `seek_before` are exact to the frame.

    How it finds a frame: files with an exact index start at the key frame before it and decode
    forward. Files whose time stamps are missing, repeated or broken are decoded again from the
    beginning: slower, but as exact. Files too large to index, and videos on web servers, are
    searched by time; only `frame_index` is an estimate there.
    """

    def __init__(self, target: Target, decoding: Decoding = ON_CPU) -> None:
        """Open `target` and decode its first frame; blocks up to some seconds.

        Raises:
            SourceError: one sentence.
        """
        self._target = target
        self._stop = Stop()
        self._closed = False
        self._window = Window()
        self._stepping = 0
        self._indexed = False
        self._shape: tuple[int, int, Fraction | None] | None = None
        self._converter = FrameConverter()
        self._packets = PacketHistory() if target.remote else None
        self._reader = MediaReader(target, self._stop, self._packets, decoding)
        try:
            self._info = self._described = self._start()
        except BaseException:
            self._reader.close()
            raise

    @property
    @override
    def info(self) -> SourceInfo:
        if self._described.decode is not self._reader.decode:
            self._described = with_decoder(self._info, self._reader)
        return self._described

    @property
    def packets(self) -> PacketHistory | None:
        """The last seconds as they were received; None for a file, which still has them."""
        return self._packets

    @property
    @override
    def damaged(self) -> int:
        return self._reader.damaged + self._unconverted

    @override
    def read(self) -> Frame | None:
        while not self._stop.requested() and (stamped := self._take()) is not None:
            try:
                frame = self._convert(stamped)
            except av.FFmpegError as error:
                self._unconverted += 1
                log.source.warning("%s: frame not converted: %s", self._target.subject, error)
            else:
                if self._packets is not None:
                    self._packets.shown(frame.capture_time_ns, stamped.frame.pts)
                return frame
        return None

    @override
    def seek(self, pts_s: float) -> None:
        self._stepping = 0
        self._go_to(pts_s, before=False)

    @override
    def seek_before(self, pts_s: float) -> None:
        self._stepping = _STEPPING_ENDS_AFTER
        self._go_to(pts_s, before=True)

    @override
    def interrupt(self) -> None:
        """Stop decoding soon; a wait for the network ends with its time-out of some seconds."""
        self._stop.request()

    @override
    def close(self) -> None:
        self._closed = True
        self._window.clear()
        self._reader.close()

    def _start(self) -> SourceInfo:
        """Decode the first frame, index small files, and say what the source is."""
        self._unconverted = 0
        first = first_frame(self._reader, self._stop, self._decode, live=self._target.remote)
        if first is None:
            raise SourceError(self._undecodable())
        try:
            frame = self._convert(first)
        except av.FFmpegError as error:
            raise SourceError(self._undecodable()) from error
        self._window.push(first, 0)
        self._window.mark_first()
        if not self._target.remote and self._file_size() <= _INDEX_AT_OPEN_BYTES:
            self._make_index(_INDEX_AT_OPEN_S)
        return describe(self._target, self._reader, first.frame, frame)

    def _undecodable(self) -> str:
        return (
            f"{self._target.subject} opens, but FFmpeg cannot decode its "
            f"{self._reader.media.codec} pictures here: they are damaged, of an unknown kind or "
            f"larger than {MAX_FRAME_PIXELS // 1_000_000} megapixels; choose another file."
        )

    def _file_size(self) -> int:
        return Path(self._target.location.removeprefix("file:")).stat().st_size

    def _make_index(self, budget_s: float) -> None:
        self._reader.check_same_file()
        index = build_index(self._target, budget_s, self._stop.requested, self._reader.parts)
        base = self._reader.timeline.base
        if index is not None and (base is None or not index.contains(base)):
            index = replace(index, exact=False)
        self._reader.index = index
        self._indexed = index is not None

    def _decode(self) -> StampedFrame | None:
        if self._closed:
            raise SourceError(f"{self._target.subject} is closed; open it again.")
        try:
            return self._reader.next()
        except (av.FFmpegError, OSError) as error:
            raise SourceError(why_not_opened(error, self._target.subject, remote=True)) from None

    def _take(self) -> StampedFrame | None:
        """Return the next frame, from the window or freshly decoded."""
        stamped = self._window.take()
        if stamped is not None:
            return stamped
        stamped = self._decode()
        if stamped is not None and self._stepping:
            self._stepping -= 1
            self._window.push(stamped, _STEPPING_BYTES)
        elif len(self._window):
            self._window.clear()
        return stamped

    def _convert(self, stamped: StampedFrame) -> Frame:
        decoded = stamped.frame
        keeper = keeper_of(decoded)
        picture: U8Array | DevicePicture | None = None if keeper is None else keeper.keep(decoded)
        self._reader.delivered(on_device=picture is not None)
        width, height = decoded.width, decoded.height
        if picture is None:
            shape = (width, height, stamped.aspect)
            if shape != self._shape:
                self._shape, self._converter = shape, FrameConverter(shape[2])
            image = self._converter.convert(decoded, stamped.orientation)
            height, width = image.shape[:2]
            picture = image
        duration_s = self._reader.timeline.ticks_s(decoded.duration or 0)
        return Frame(
            picture,
            width,
            height,
            stamped.frame_index,
            stamped.pts_s,
            time.monotonic_ns(),
            max(0.0, duration_s),
        )

    def _go_to(self, pts_s: float, *, before: bool) -> None:
        """Mark the wanted frame as the next to be read."""
        if not self._info.seekable:
            raise SourceError(f"{self._target.subject} is live and has no other position.")
        if self._window.mark(pts_s, before=before):
            return
        if not self._indexed and not self._target.remote:
            self._make_index(_INDEX_AT_SEEK_S)
            self._indexed = True
        limit_bytes = _STEPPING_BYTES if before else 0
        last = self._reader.last
        if last is not None and last.pts_s < pts_s - SAME_TIME_S and self._near(last, pts_s):
            self._window.clear()
            self._window.push(last, limit_bytes)
            self._decode_to(pts_s, limit_bytes)
            if self._settle(pts_s, before=before, from_beginning=False):
                return
        for start in self._starts(pts_s, before=before):
            self._window.clear()
            if start is _FROM_BEGINNING:
                self._reader.start_over()
            elif not self._reader.start_at_key(start):
                continue
            self._decode_to(pts_s, limit_bytes)
            if self._settle(pts_s, before=before, from_beginning=start is _FROM_BEGINNING):
                return

    def _near(self, last: StampedFrame, pts_s: float) -> bool:
        """Tell whether decoding on from `last` is the best way to `pts_s`."""
        index = self._reader.index
        if len(self._reader.parts) > 1:
            return True  # otherwise decoding would begin anew
        if index is None:
            return pts_s - last.pts_s <= _NEAR_S
        if not index.exact or last.frame.pts is None:
            return True
        return not index.has_key_between(last.frame.pts, self._reader.timeline.stamp_at(pts_s))

    def _starts(self, pts_s: float, *, before: bool) -> Iterator[int | None]:
        """Yield places to decode from, ever earlier; the beginning comes last."""
        index, timeline = self._reader.index, self._reader.timeline
        wanted_s = pts_s - SAME_TIME_S if before else pts_s + SAME_TIME_S
        if wanted_s > 0 and not timeline.by_count:
            if index is None:
                for step_s in _SEARCH_STEPS_S:
                    if wanted_s - step_s > 0:
                        yield timeline.stamp_at(wanted_s - step_s)
            elif index.exact:
                yield from index.keys_back_from(timeline.stamp_at(wanted_s))
        yield _FROM_BEGINNING

    def _decode_to(self, pts_s: float, limit_bytes: int) -> None:
        """Decode into the window until a frame at or after `pts_s`, or the end."""
        while (stamped := self._decode()) is not None:
            self._window.push(stamped, limit_bytes)
            if stamped.pts_s >= pts_s - SAME_TIME_S:
                return

    def _settle(self, pts_s: float, *, before: bool, from_beginning: bool) -> bool:
        """Mark the wanted frame in the window; False when decoding began too late for it."""
        if self._stop.requested():
            return True
        if self._window.mark(pts_s, before=before):
            # A key frame may be one from which the picture is complete only some frames later.
            return from_beginning or not self._window.marked_is_corrupt()
        last = self._reader.last
        if last is not None and last.pts_s < pts_s - SAME_TIME_S:
            self._window.mark_last()  # the wanted time lies behind the end
            return True
        if from_beginning or (not before and self._window.starts_at(pts_s)):
            self._window.mark_first()
            return True
        return False
