"""The last seconds of a live source as it sent them, so that they can be saved afterwards.

Encoded packets are small, and saving them costs no second encoding. A history always begins with a
key frame: nothing before one can be decoded.
"""

import io
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import av

from rfviewer import log

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

HISTORY_S = 60.0
"""How far back a history reaches at most, but for the group of pictures that is needed anyway."""
HISTORY_BYTES = 64 << 20
"""A minute of 8 Mbit/s."""
_FRAMES = 36_000
"""Frames whose packets are known: a minute at 600 frames a second."""


class EncodedPacket(NamedTuple):
    """One packet, free of the container that it came from. Times in units of the stream."""

    data: bytes
    pts: int | None
    dts: int | None
    duration: int
    key: bool


@dataclass(frozen=True, slots=True, eq=False)
class EncodedStretch:
    """Consecutive packets of one stream, the first a key frame."""

    header: bytes
    """A NUT file with one packet: it says what the stream is."""
    time_base: Fraction
    """Seconds per unit of time."""
    packets: Sequence[EncodedPacket]
    """In decoding order."""
    stamps: dict[int, int]
    """`Frame.capture_time_ns` to the time stamp of the frame."""


@runtime_checkable
class KeepsPackets(Protocol):
    """A source that can say what it received last."""

    @property
    def packets(self) -> "PacketHistory | None":
        """The encoded packets; None where they are still in a file."""


class PacketHistory:
    """A bounded ring of packets. Written by the source's thread, read by any."""

    def __init__(self, seconds: float = HISTORY_S, limit_bytes: int = HISTORY_BYTES) -> None:
        self._lock = threading.Lock()
        self._seconds = seconds
        self._limit_bytes = limit_bytes
        self._packets: deque[EncodedPacket] = deque()
        self._stamps: deque[tuple[int, int]] = deque(maxlen=_FRAMES)
        self._bytes = 0
        self._header = b""
        self._usable = True
        self._time_base = Fraction(1)

    def restart(self) -> None:
        """Forget everything: another opening or position follows."""
        with self._lock:
            self._clear()
            self._header, self._usable = b"", True

    def add(self, packet: "Packet[VideoStream]") -> None:
        """Keep a packet that goes to the decoder next."""
        last = self._packets[-1].dts if self._packets else None
        if last is not None and packet.dts is not None and packet.dts < last:
            with self._lock:
                self._clear()  # the clock of the stream has broken; times would be ambiguous
        if not self._usable or (not self._packets and not packet.is_keyframe):
            return
        if not self._header:
            header, time_base = _header(packet), packet.time_base
            with self._lock:
                self._header, self._usable = header, bool(header)
                self._time_base = Fraction(time_base.numerator, time_base.denominator)
            if not header:
                return
        kept = EncodedPacket(
            bytes(packet), packet.pts, packet.dts, packet.duration or 0, packet.is_keyframe
        )
        with self._lock:
            self._packets.append(kept)
            self._bytes += len(kept.data)
            self._forget_old()

    def shown(self, capture_time_ns: int, stamp: int | None) -> None:
        """Note the time stamp of a frame that left the source."""
        if stamp is not None:
            with self._lock:
                self._stamps.append((capture_time_ns, stamp))

    def stretch(self) -> EncodedStretch | None:
        """Return what is kept; None while there is no key frame."""
        with self._lock:
            if not self._packets or not self._header:
                return None
            return EncodedStretch(
                self._header, self._time_base, tuple(self._packets), dict(self._stamps)
            )

    def _forget_old(self) -> None:
        """Drop whole groups of pictures from the front; with the lock held."""
        while self._bytes > self._limit_bytes or self._length_s() > self._seconds:
            following = next((i for i, p in enumerate(self._packets) if i and p.key), None)
            if following is None:
                if self._bytes > self._limit_bytes:
                    self._clear()  # one group is larger than all that may be kept
                return
            rest = self._packets[following]
            if self._bytes <= self._limit_bytes and self._between_s(rest) < self._seconds:
                return  # what would be left is shorter than what was promised
            for _ in range(following):
                self._bytes -= len(self._packets.popleft().data)

    def _length_s(self) -> float:
        return self._between_s(self._packets[0]) if self._packets else 0.0

    def _between_s(self, first: EncodedPacket) -> float:
        """Return the time from `first` to the newest packet."""
        last = self._packets[-1]
        start, end = first.dts or first.pts, last.dts or last.pts
        return 0.0 if start is None or end is None else float((end - start) * self._time_base)

    def _clear(self) -> None:
        self._packets.clear()
        self._stamps.clear()
        self._bytes = 0


def _header(packet: "Packet[VideoStream]") -> bytes:
    """Return a file that holds the parameters of the packet's stream; empty when there is none."""
    file = io.BytesIO()
    copy = av.Packet(bytes(packet))
    copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
    copy.is_keyframe = True
    try:
        with av.open(file, "w", format="nut") as container:
            copy.stream = container.add_stream_from_template(packet.stream)
            container.mux(copy)
    except (av.FFmpegError, ValueError) as error:
        log.source.info("packets of %s cannot be kept: %s", packet.stream.codec.name, error)
        return b""
    return file.getvalue()
