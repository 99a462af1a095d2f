"""Packets to frames without giving up: damage is counted, and decoding goes on behind it."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import TYPE_CHECKING

import av
import av.container
import av.error
from av.codec.context import Flags as CodecFlags
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rfviewer.sources.hardware import DECODE_ERRORS, SwitchingDecoder

if TYPE_CHECKING:
    from av.packet import Packet

    from rfviewer.sources.packet_history import PacketHistory

_MAX_READ_ERRORS = 64
"""Errors of the demuxer in a row after which the rest of the file counts as unreadable."""
_MAX_FLUSH_ERRORS = 64
_MAX_SPOTS = 100_000
"""Damaged places remembered, so that reading them again after a seek does not count twice."""


class Damage:
    """Counts damaged frames; the same place counts once however often it is read."""

    def __init__(self) -> None:
        self._spots: set[tuple[int, int]] = set()
        self._unplaced = 0
        self.part = 0
        """Number of the part of the file that is read: time stamps may begin again in each."""

    @property
    def count(self) -> int:
        """Number of damaged frames so far."""
        return len(self._spots) + self._unplaced

    def add(self, place: int | None) -> None:
        """Count the frame at `place`, any number that is the same when it is read again."""
        if place is None:
            self._unplaced += 1
        elif len(self._spots) >= _MAX_SPOTS:
            self._unplaced += (self.part, place) not in self._spots
        else:
            self._spots.add((self.part, place))


class PacketDecoder:
    """Decodes one stream of one container. One thread uses it."""

    def __init__(
        self,
        container: av.container.InputContainer,
        stream: VideoStream,
        damage: Damage,
        interrupted: Callable[[], bool],
        history: "PacketHistory | None" = None,
        switching: SwitchingDecoder | None = None,
    ) -> None:
        """Decode `stream`, telling `damage`; stop early once `interrupted()`.

        `history` keeps what is decoded; `switching` decodes instead of the stream's own decoder.
        """
        self._history = history
        if history is not None:
            history.restart()
        self._container = container
        self._stream = stream
        self._switching = switching
        self._context = stream.codec_context if switching is None else switching
        self._damage = damage
        self._interrupted = interrupted
        self._packets: Iterator[Packet[VideoStream]] | None = None
        timeout_s = container.read_timeout
        self._timeout_s = None if timeout_s is None else float(timeout_s)
        self._silent = False
        self._ready: deque[VideoFrame] = deque()
        self._ended = False
        self._clean = False
        self._gives_all = bool(stream.codec_context.flags & CodecFlags.output_corrupt)
        self._reorder_depth = 0
        self._from_pts: int | None = None
        self.packets_since_frame = 0
        """Packets decoded since the last frame came out."""

    def next_frame(self) -> VideoFrame | None:
        """Return the next frame in presentation order; None at the end or when interrupted.

        Raises:
            av.FFmpegError: when a network stream breaks.
        """
        while not self._ready:
            if self._ended or self._interrupted():
                return None
            packet = self.next_packet()
            if packet is None:
                self._flush()
                self._ended = True
            else:
                self._decode(packet)
        self.packets_since_frame = 0
        return self._ready.popleft()

    def _accept(self, frames: Iterable[VideoFrame]) -> None:
        """Count what is damaged, and keep what can be shown.

        A decoder that is told to hold nothing back gives grey pictures before its first key frame.
        """
        for frame in frames:
            if frame.is_corrupt and not self._leading(frame.pts):
                self._damage.add(frame.pts)
            self._clean |= not frame.is_corrupt
            if self._clean or not self._gives_all:
                self._ready.append(frame)

    def seek(self, pts: int) -> int | None:
        """Go to a key frame, if possible at or before `pts` (units of the stream).

        Returns the time stamp of the key frame where decoding starts, or None when there is none.
        """
        try:
            self._container.seek(pts, stream=self._stream, backward=True)
        except (av.FFmpegError, OSError):
            return None
        if self._switching is not None:
            self._switching.restart()
        # Decoders forget how far they reorder when they are flushed, and then drop B-frames.
        self._context.reorder_depth = max(self._reorder_depth, self._context.reorder_depth)
        self._packets = None
        self._ready.clear()
        self._ended = self._clean = False
        if self._history is not None:
            self._history.restart()
        while not self._interrupted():
            packet = self.next_packet()
            if packet is None:
                return None
            if packet.is_keyframe and packet.pts is not None:
                self._from_pts = packet.pts
                self._decode(packet)
                return packet.pts
        return None

    def _leading(self, pts: int | None) -> bool:
        """Tell whether a frame lies before the key frame of the last seek: it lacks references."""
        return self._from_pts is not None and pts is not None and pts < self._from_pts

    def next_packet(self) -> "Packet[VideoStream] | None":
        """Return the next packet with data; None at the end.

        Raises:
            av.FFmpegError, OSError: when a network stream breaks.
        """
        for errors in count(1):
            try:
                packet = self._read_packet()
            except (av.FFmpegError, OSError) as error:
                self._packets = None
                if self._timeout_s is not None:
                    raise
                self._damage.add(_place(error, errors))
                if errors >= _MAX_READ_ERRORS or self._interrupted():
                    return None
                continue
            if packet is None or (not packet.size and packet.dts is None):
                return None
            if packet.size:
                return packet
        return None

    def _read_packet(self) -> "Packet[VideoStream] | None":
        """Return what the demuxer gives; None when its generator has ended.

        When a read times out FFmpeg first hands over what its parser holds, and the next read
        would wait as long again.
        """
        if self._silent:
            raise TimeoutError
        if self._packets is None:
            self._packets = self._container.demux(self._stream)
        if self._timeout_s is None:
            return next(self._packets, None)
        started_s = time.monotonic()
        packet = next(self._packets, None)
        self._silent = time.monotonic() - started_s >= self._timeout_s
        return packet

    def _decode(self, packet: "Packet[VideoStream]") -> None:
        self.packets_since_frame += 1
        if self._history is not None:
            self._history.add(packet)
        try:
            frames = self._pictures(packet)
        except DECODE_ERRORS:
            self._damaged(packet)
            return
        self._accept(frames)
        if frames:
            self._reorder_depth = max(self._reorder_depth, self._context.reorder_depth)

    def _pictures(self, packet: "Packet[VideoStream] | None") -> list[VideoFrame]:
        if self._switching is not None:
            return self._switching.decode(packet, self._damaged)
        return self._stream.codec_context.decode(packet)

    def _damaged(self, packet: "Packet[VideoStream]") -> None:
        if not self._leading(packet.pts):
            self._damage.add(packet.pts if packet.pts is not None else packet.pos)

    def _flush(self) -> None:
        """Take the frames that the decoder still holds."""
        for _ in range(_MAX_FLUSH_ERRORS):
            try:
                self._accept(self._pictures(None))
            except av.error.EOFError:
                return
            except DECODE_ERRORS:
                self._damage.add(None)
            else:
                return


def _place(error: Exception, errors: int) -> int:
    """Return a place for an error of the demuxer, below every time stamp in use."""
    return -(1 << 62) - hash(type(error).__name__) % 1000 * _MAX_READ_ERRORS - errors
