"""Short clips for replays: packets copied out of a file or a history, or frames without loss."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
from av.video.stream import VideoStream

from rfviewer import log
from rfviewer.frame import Frame
from rfviewer.sources.index import build_index
from rfviewer.sources.media import Target
from rfviewer.sources.packet_history import EncodedPacket, EncodedStretch
from rfviewer.sources.reader import MediaReader

MEDIA_ERRORS = (av.FFmpegError, OSError, ValueError, MemoryError)
"""What writing or reading media may raise."""
MAX_CLIP_BYTES = 1 << 30
"""A clip is cut off there; ten minutes of 12 Mbit/s, or some seconds of 4K without loss."""
_INDEX_S = 10.0
_FORMAT = "matroska"
_LOSSLESS_STEP_S = Fraction(1, 25)


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A clip on disk and the frames of it that are to be played."""

    clip_times_s: tuple[float, ...]
    """When each frame is shown in the clip, from the clip's first frame."""
    pts_s: tuple[float, ...]
    """When each was shown where it comes from: seconds from the first frame of a file, or on the
    clock of a stream."""


def cut_file(target: Target, start_s: float, end_s: float, output: Path) -> Clip | None:
    """Copy the packets of the frames from `start_s` to `end_s`, both included, into `output`.

    None where the time stamps of the file are no good for that: then frames must be encoded.

    Raises:
        SourceError: the file cannot be read any more.
        MEDIA_ERRORS: the clip cannot be written.
    """
    reader = MediaReader(target, lambda: False)
    try:
        if reader.next() is None or reader.timeline.base is None or reader.timeline.by_count:
            return None
        if len(reader.parts) > 1:
            return None
        index = build_index(target, _INDEX_S, lambda: False)
        if index is None or not index.exact or not index.contains(reader.timeline.base):
            return None
        half_tick_s = reader.timeline.ticks_s(1) / 2
        first = bisect_left(index.pts, reader.timeline.stamp_at(start_s - half_tick_s))
        end = bisect_right(index.pts, reader.timeline.stamp_at(end_s + half_tick_s))
        stamps = tuple(int(stamp) for stamp in index.pts[first:end])
        if not stamps:
            return None
        key = index.keys_back_from(stamps[0])[0]
        media = reader.media
        time_base = Fraction(media.stream.time_base.numerator, media.stream.time_base.denominator)
        media.container.seek(key, stream=media.stream, backward=True)
        packets = _from(key, stamps[-1], _demuxed(reader))
        _copy(media.stream, packets, time_base, output)
        return Clip(
            tuple(float((stamp - key) * time_base) for stamp in stamps),
            tuple(reader.timeline.direct_s(stamp) for stamp in stamps),
        )
    finally:
        reader.close()


def cut_history(stretch: EncodedStretch, first: int, last: int, output: Path) -> Clip | None:
    """Copy the packets of the frames stamped `first` to `last`, both included, into `output`.

    None when no key frame lies before them any more.

    Raises:
        MEDIA_ERRORS: the clip cannot be written.
    """
    shown = [p for p in stretch.packets if p.pts is not None]
    keys = [p.pts for p in shown if p.key and p.pts is not None and p.pts <= first]
    stamps = tuple(sorted({p.pts for p in shown if p.pts is not None and first <= p.pts <= last}))
    if not keys or not stamps:
        return None
    key = max(keys)
    with av.open(BytesIO(stretch.header), format="nut") as header:
        packets = _from(key, last, iter(stretch.packets))
        _copy(header.streams.video[0], packets, stretch.time_base, output)
    return Clip(
        tuple(float((stamp - key) * stretch.time_base) for stamp in stamps),
        tuple(float(stamp * stretch.time_base) for stamp in stamps),
    )


def encode_lossless(frames: Iterable[Frame], output: Path) -> Clip:
    """Encode frames so that each decodes to the same bytes (FFV1 of RGB) into `output`.

    Frames of another size than the first are left out, and so is what exceeds the largest clip.

    Raises:
        MEDIA_ERRORS: the clip cannot be written.
    """
    pts_s: list[float] = []
    with av.open(f"file:{output}", "w", format=_FORMAT) as container:
        stream = container.add_stream("ffv1", rate=1 / _LOSSLESS_STEP_S)
        stream.pix_fmt = "bgr0"
        stream.time_base = stream.codec_context.time_base = _LOSSLESS_STEP_S
        for frame in frames:
            if not pts_s:
                stream.width, stream.height = frame.width, frame.height
            elif (frame.width, frame.height) != (stream.width, stream.height):
                continue
            picture = av.VideoFrame.from_ndarray(frame.image, "bgr24").reformat(format="bgr0")
            picture.pts, picture.time_base = len(pts_s), _LOSSLESS_STEP_S
            container.mux(stream.encode(picture))
            pts_s.append(frame.pts_s)
            if output.stat().st_size > MAX_CLIP_BYTES:
                log.source.info("the clip %s ends after %d frames", output.name, len(pts_s))
                break
        container.mux(stream.encode(None))
    return Clip(tuple(float(i * _LOSSLESS_STEP_S) for i in range(len(pts_s))), tuple(pts_s))


def _demuxed(reader: MediaReader) -> Iterator[EncodedPacket]:
    media = reader.media
    for packet in media.container.demux(media.stream):
        if packet.size:
            yield EncodedPacket(
                bytes(packet), packet.pts, packet.dts, packet.duration or 0, packet.is_keyframe
            )


def _from(key: int, last: int, packets: Iterator[EncodedPacket]) -> Iterator[EncodedPacket]:
    """Yield what is needed to decode from the key frame stamped `key` to the frame at `last`.

    Frames that are decoded after a key frame but shown before it need the pictures before it.
    """
    started, size = False, 0
    for packet in packets:
        started = started or (packet.key and packet.pts == key)
        stamp = packet.dts if packet.dts is not None else packet.pts
        if started and stamp is not None and stamp > last:
            return
        if started and (packet.pts is None or packet.pts >= key):
            size += len(packet.data)
            if size > MAX_CLIP_BYTES:
                log.source.info("a clip was cut off at %d bytes", size)
                return
            yield packet


def _copy(
    template: VideoStream, packets: Iterator[EncodedPacket], time_base: Fraction, output: Path
) -> None:
    with av.open(f"file:{output}", "w", format=_FORMAT) as container:
        stream = container.add_stream_from_template(template)
        for kept in packets:
            packet = av.Packet(kept.data)
            packet.pts, packet.dts, packet.duration = kept.pts, kept.dts, kept.duration
            packet.time_base, packet.is_keyframe, packet.stream = time_base, kept.key, stream
            container.mux(packet)
