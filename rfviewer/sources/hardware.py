"""A decoder on the GPU with the CPU's decoder behind it, ready to go on at any packet."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import av
import av.error
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from rfviewer import log
from rfviewer.decode import Decode

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

_MAX_KEPT_BYTES = 256 << 20
"""Packets kept for the CPU; without a key frame for so long it starts at a later one."""
DECODE_ERRORS = (av.FFmpegError, OSError, MemoryError, ValueError)
"""What a decoder may raise for one packet."""


class HardwareRefusedError(Exception):
    """Says in a few words why the GPU cannot decode this."""


class PictureDecoder(Protocol):
    """The part of a codec context that is used. One thread uses it."""

    reorder_depth: int
    """How many pictures are held back for their order."""

    def decode(self, packet: "Packet[VideoStream] | None") -> list[VideoFrame]:
        """Return what comes out for `packet`; None takes what is left."""
        ...

    def flush_buffers(self) -> None:
        """Forget everything, for a seek."""
        ...


type OpenHardware = Callable[[VideoCodecContext, bool], PictureDecoder]
"""From the CPU's context, and whether the source is live, to a decoder on the GPU.

Raises HardwareRefusedError.
"""


@dataclass(frozen=True, slots=True)
class Decoding:
    """What is asked of the decoder of a source."""

    requested: Decode
    """What the user chose."""
    open_hardware: OpenHardware | None
    """Opens a decoder on the GPU, or says why not; None where nobody asks for one."""


ON_CPU = Decoding(Decode.CPU, None)


class OneDecoder:
    """Opens a decoder once and hands it out again while the stream is the same (`OpenHardware`).

    Starting over opens the container again; a decoder on the GPU takes longer, and memory twice.
    """

    def __init__(self, open_hardware: OpenHardware) -> None:
        self._open = open_hardware
        self._decoder: PictureDecoder | None = None
        self._stream: tuple[object, ...] = ()

    def __call__(self, software: VideoCodecContext, live: bool) -> PictureDecoder:  # noqa: FBT001
        """Return a decoder that has seen nothing.

        Raises:
            HardwareRefusedError: as the one behind it.
        """
        stream = (software.name, software.extradata, software.width, software.height)
        kept, self._decoder = self._decoder, None
        if kept is not None and stream == self._stream:
            try:
                kept.flush_buffers()
                kept.reorder_depth = max(kept.reorder_depth, software.reorder_depth)
            except DECODE_ERRORS as error:
                log.source.warning("the GPU's decoder is opened anew (%r)", error)
            else:
                self._decoder = kept
                return kept
        del kept  # before there is another one
        self._decoder, self._stream = self._open(software, live), stream
        return self._decoder

    def release(self) -> None:
        """Let go of it: the source is being closed, or the decoder has failed."""
        self._decoder = None


class SwitchingDecoder:
    """Decodes on the GPU until something fails there, then on the CPU from the same frame on.

    The packets of the last two groups of pictures are kept: two, since frames of the older one
    may come out after the newer one began. The CPU decodes them again, and what was handed out
    already is left out.
    """

    def __init__(
        self,
        software: VideoCodecContext,
        hardware: PictureDecoder,
        refused: Callable[[str], None],
    ) -> None:
        """Decode with `hardware`; `refused` is told once why it is given up."""
        self._software = software
        self._hardware: PictureDecoder | None = hardware
        self._refused = refused
        self._groups: list[list[Packet[VideoStream]]] = [[]]
        self._bytes = 0
        self._handed_out: Counter[int | None] = Counter()

    @property
    def reorder_depth(self) -> int:
        """How many pictures are held back for their order."""
        return (self._hardware or self._software).reorder_depth

    @reorder_depth.setter
    def reorder_depth(self, depth: int) -> None:
        for decoder in (self._hardware, self._software):
            if decoder is not None:
                decoder.reorder_depth = depth

    def restart(self) -> None:
        """Forget everything, after a seek of the container, which flushed the CPU's decoder."""
        self._forget()
        if self._hardware is not None:
            try:
                self._hardware.flush_buffers()
            except DECODE_ERRORS as error:
                self._give_up(error)

    def release(self) -> None:
        """Let go of the GPU's decoder: the source is being closed."""
        self._forget()
        self._hardware = None

    def decode(
        self, packet: "Packet[VideoStream] | None", damaged: Callable[["Packet[VideoStream]"], None]
    ) -> list[VideoFrame]:
        """Return the frames that come out for `packet`; None takes what is left.

        Args:
            packet: the next one.
            damaged: told packets before this one that the CPU cannot decode either.

        Raises:
            DECODE_ERRORS: of the CPU, for `packet` or, at the end, for what is left.
        """
        if self._hardware is None:
            return self._fresh(self._software.decode(packet))
        if packet is not None:
            self._keep(packet)
        try:
            frames = _stamped(self._hardware, packet)
        except av.error.EOFError:
            raise
        except (*DECODE_ERRORS, HardwareRefusedError) as error:
            self._give_up(error)
            return self._decode_again(packet, damaged)
        self._handed_out.update(frame.pts for frame in frames)
        return frames

    def _decode_again(
        self, last: "Packet[VideoStream] | None", damaged: Callable[["Packet[VideoStream]"], None]
    ) -> list[VideoFrame]:
        """Return what the CPU makes of the kept packets, without what was handed out."""
        frames: list[VideoFrame] = []
        packets = [packet for group in self._groups for packet in group]
        for packet in packets:
            try:
                frames += self._software.decode(packet)
            except DECODE_ERRORS:
                if packet is last or not self._handed_out[packet.pts]:
                    damaged(packet)
        if last is None:
            frames += self._software.decode(None)
        self._groups, self._bytes = [[]], 0
        return self._fresh(frames)

    def _fresh(self, frames: list[VideoFrame]) -> list[VideoFrame]:
        """Leave out what the GPU handed out already.

        A CPU decoder of several threads gives its last frames packets later, when nothing is
        decoded again any more.
        """
        fresh = []
        for frame in frames:
            if self._handed_out[frame.pts] > 0:
                self._handed_out[frame.pts] -= 1
            else:
                fresh.append(frame)
        return fresh

    def _keep(self, packet: "Packet[VideoStream]") -> None:
        if packet.is_keyframe and self._groups[-1]:
            self._groups = [self._groups[-1], []]
            stamps = {kept.pts for kept in self._groups[0]}
            self._handed_out = Counter(
                {pts: n for pts, n in self._handed_out.items() if pts in stamps}
            )
            self._bytes = sum(kept.size for kept in self._groups[0])
        elif self._bytes > _MAX_KEPT_BYTES:
            self._forget()
        self._groups[-1].append(packet)
        self._bytes += packet.size

    def _forget(self) -> None:
        self._groups, self._bytes = [[]], 0
        self._handed_out.clear()

    def _give_up(self, error: Exception) -> None:
        reason = str(error)
        if not isinstance(error, HardwareRefusedError):
            cause = getattr(error, "strerror", None) or type(error).__name__
            reason = f"NVDEC failed ({cause})"
        log.source.warning("decoding goes on on the CPU: %s (%r)", reason, error)
        self._hardware = None
        self._refused(reason)


def _stamped(decoder: PictureDecoder, packet: "Packet[VideoStream] | None") -> list[VideoFrame]:
    """Decode `packet`, which needs a time stamp: frames handed out are known by theirs."""
    if packet is not None and packet.pts is None:
        raise HardwareRefusedError("packets without time stamps are decoded on the CPU")
    return decoder.decode(packet)
