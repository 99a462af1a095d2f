"""Turning a fragmented MP4 into an ordinary one that plays everywhere, with the source's audio."""

import heapq
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from rfviewer import log
from rfviewer.allowed_media import AUDIO_CODECS, sound_options
from rfviewer.sinks.encoder import TIME_BASE
from rfviewer.sinks.faults import MEDIA_ERRORS

type _Packet = Packet[Any]

_LOOK_EVERY = 64
"""Packets between two questions whether there is time."""


@dataclass(frozen=True, slots=True)
class AudioRange:
    """Which part of a source's audio belongs to a recording."""

    source: Path
    """The video file."""
    start_s: float
    """Time of the recording's first frame, counted from the source's first frame."""
    end_s: float
    """End of the recording's last frame on the same clock."""
    first_frame_s: float | None = None
    """Time stamp of the source's first frame; None takes what its container says."""


@dataclass(slots=True)
class Copied:
    """What was copied."""

    notice: str = ""
    """One sentence if there is audio that could not be copied, or not to its end; else ""."""
    duration_s: float = 0.0
    """End of the last picture."""


class TooLateError(Exception):
    """There is no time to make the copy."""


def remux(
    fragments: Path,
    output: Path,
    audio: AudioRange | None,
    is_late: Callable[[float], bool] = lambda _: False,
) -> Copied:
    """Copy the video of `fragments`, and the audio, into an MP4 with its index in front.

    Nothing is encoded again. `is_late` is asked now and then, with the share that is copied.

    Raises:
        TooLateError: `is_late` said so.
        MEDIA_ERRORS: when the fragments cannot be read or the output cannot be written.
    """
    options = {
        "movflags": "faststart+use_metadata_tags",
        "video_track_timescale": str(TIME_BASE.denominator),
    }
    with ExitStack() as stack:
        video = stack.enter_context(av.open(f"file:{fragments}"))
        source, sound, notice = _open_audio(audio)
        copied = Copied(notice)
        result = stack.enter_context(av.open(f"file:{output}", "w", format="mp4", options=options))
        result.metadata.update(video.metadata)
        picture = result.add_stream_from_template(video.streams.video[0])
        parts = [_with_stream(_video_packets(video, copied), picture)]
        if source is not None and sound is not None and audio is not None:
            stack.enter_context(source)
            track = result.add_stream_from_template(sound)
            parts.append(_with_stream(_audio_packets(source, sound, audio, copied), track))
        # By time: the muxer would otherwise keep one whole stream in memory.
        total_bytes, done_bytes = max(1, fragments.stat().st_size), 0
        for number, packet in enumerate(heapq.merge(*parts, key=_time)):
            done_bytes += packet.size
            if number % _LOOK_EVERY == 0 and is_late(min(1.0, done_bytes / total_bytes)):
                raise TooLateError
            result.mux(packet)
    return copied


def has_sound(source: Path) -> bool:
    """Return whether a file has audio, whatever its codec; False when it cannot be read."""
    try:
        with _open_source(source) as container:
            return bool(container.streams.audio)
    except MEDIA_ERRORS:
        return False


def _open_audio(
    audio: AudioRange | None,
) -> tuple[InputContainer | None, AudioStream | None, str]:
    """Return the open source and the stream to copy, or one sentence if sound must be left out."""
    if audio is None:
        return None, None, ""
    try:
        source = _open_source(audio.source)
    except MEDIA_ERRORS:
        why = f"The recording has no sound: {audio.source.name} cannot be read any more."
        return None, None, why
    codecs = [_codec_of(stream) for stream in source.streams.audio]
    for stream, codec in zip(source.streams.audio, codecs, strict=True):
        if codec in AUDIO_CODECS:
            return source, stream, ""
    source.close()
    if not codecs:
        return None, None, ""
    why = f"The recording has no sound: {codecs[0]} audio cannot be copied into an MP4."
    return None, None, why


def _codec_of(stream: AudioStream) -> str:
    """Return the codec's name; "unknown" when FFmpeg has no decoder, and PyAV then no context."""
    context = getattr(stream, "codec_context", None)
    return "unknown" if context is None else str(context.codec.canonical_name)


def _open_source(path: Path) -> InputContainer:
    return av.open(f"file:{path}", options=sound_options(), container_options=sound_options())


def _video_packets(video: InputContainer, copied: Copied) -> Iterator[_Packet]:
    for packet in video.demux(video.streams.video[0]):
        if packet.dts is not None and packet.pts is not None:
            end_s = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            copied.duration_s = max(copied.duration_s, end_s)
            yield packet


def _audio_packets(
    source: InputContainer, sound: AudioStream, audio: AudioRange, copied: Copied
) -> Iterator[_Packet]:
    """Yield the packets that begin within the range, on the clock of the recording."""
    first_frame_s = _first_frame_s(source, audio)
    start_s = audio.start_s + first_frame_s
    end_s = audio.end_s + first_frame_s
    shift = round(start_s / sound.time_base)
    reached_s = 0.0
    last_dts: int | None = None
    try:
        if audio.start_s > 0:
            source.seek(shift, stream=sound, backward=True)
        for packet in _demux(source, sound):
            if packet.pts is None or packet.dts is None:
                continue
            begin_s = float(packet.pts * sound.time_base)
            if begin_s >= end_s:
                return
            if last_dts is not None and packet.dts <= last_dts:
                copied.notice = (
                    f"The sound of the recording ends at {reached_s:.1f} s: the clock of"
                    f" {audio.source.name} goes back there, as where videos were joined."
                )
                return
            if begin_s >= start_s:
                reached_s = begin_s - start_s
                last_dts = packet.dts
                packet.pts -= shift
                packet.dts -= shift
                yield packet
    except MEDIA_ERRORS as error:
        # The sound before the damage is good, and the video must not suffer.
        log.sink.warning("audio of %s: %s", audio.source.name, error)
        copied.notice = (
            f"The sound of the recording ends at {reached_s:.1f} s: {audio.source.name} is damaged"
            " there."
        )


def _first_frame_s(source: InputContainer, audio: AudioRange) -> float:
    if audio.first_frame_s is not None:
        return audio.first_frame_s
    for picture in source.streams.video[:1]:
        if picture.start_time is not None and picture.time_base is not None:
            return float(picture.start_time * picture.time_base)
    return 0.0


def _demux(source: InputContainer, stream: Stream) -> Iterator[_Packet]:
    yield from source.demux(stream)


def _with_stream(packets: Iterator[_Packet], stream: Stream) -> Iterator[_Packet]:
    for packet in packets:
        packet.stream = stream
        yield packet


def _time(packet: _Packet) -> float:
    return float((packet.dts or 0) * packet.time_base)
