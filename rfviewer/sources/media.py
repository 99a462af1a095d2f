"""Opening a container with FFmpeg: limits set, the best video stream chosen, its codec checked."""

import os
from dataclasses import dataclass, field
from fractions import Fraction

import av
import av.container
from av.codec.context import Flags as CodecFlags
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from rfviewer import log
from rfviewer.allowed_media import (
    FILE_FORMATS,
    FILE_PROTOCOLS,
    MAX_FRAME_PIXELS,
    VIDEO_CODECS,
    decoder_options,
)
from rfviewer.errors import SourceError, UnreachableError
from rfviewer.frame import SourceKind
from rfviewer.sources.explain import is_silence, why_not_opened
from rfviewer.sources.programs import WHOLE, Part

_NO_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails
_MIN_PIXELS_FOR_THREADS = 1280 * 720
"""Below it one decoder thread is cheapest: several use more CPU, for no more speed on few cores."""
_SMALL_THREADS, _CORES_EACH = 4, 4
"""Most threads for smaller pictures, and cores for each: one thread decodes 974 pictures of 312x176
a second (docs/OPTIMIZATION_LOG.md, D1), and a large GPU infers twice as many."""

_THREADS_BYTES = 512 << 20
"""Each decoder thread holds a frame; very large ones get fewer threads."""


@dataclass(frozen=True, slots=True)
class Target:
    """What to open with FFmpeg, and how to speak of it."""

    location: str
    """What FFmpeg gets: a `file:` path or a URL, perhaps with a password. Never shown."""
    uri: str
    """What was asked for, without passwords."""
    name: str
    """Short name for titles."""
    kind: SourceKind
    formats: tuple[str, ...] = FILE_FORMATS
    """Demuxers that may be used."""
    protocols: tuple[str, ...] = FILE_PROTOCOLS
    """Protocols that may be used."""
    options: dict[str, str] = field(default_factory=dict)
    """Further options for the demuxer."""
    timeouts_s: tuple[float, float] | None = None
    """Seconds to wait while opening (each of its two phases) and for each packet."""

    @property
    def subject(self) -> str:
        """How to call it in a sentence."""
        return self.uri if self.remote else self.name

    @property
    def remote(self) -> bool:
        """Whether it comes over the network."""
        return self.kind is SourceKind.STREAM


@dataclass(frozen=True, slots=True, eq=False)
class OpenMedia:
    """An open container and the stream that is shown."""

    container: av.container.InputContainer
    stream: VideoStream
    codec: str
    """Name of the decoder. WORKAROUND: once a decoder could not be opened, asking its context for
    the name crashes the process (PyAV 19.0.2 reads AVCodecContext.codec, which is then NULL)."""
    other_videos: int
    """Number of video streams that are not shown."""
    stated_aspect: Fraction | None = None
    """Width by height of one pixel as the container says against the codec; None when it agrees."""


class NoVideoError(SourceError):
    """There is nothing that could be shown."""


class RefusedError(SourceError):
    """The video is of a kind or size that is not decoded here."""


def open_media(target: Target, part: Part = WHOLE) -> OpenMedia:
    """Open `part` of `target`, choose its stream and set its decoder up, without decoding anything.

    Raises:
        NoVideoError: it holds no video.
        RefusedError: its codec or size is not on the list.
        SourceError: one sentence.
    """
    location, protocols = target.location, target.protocols
    if part != WHOLE:
        location = f"subfile,,start,{part.start},end,{part.end or 0},,:{location}"
        protocols = ("subfile", *protocols)
    limits = {
        "format_whitelist": ",".join(target.formats),
        "protocol_whitelist": ",".join(protocols),
    }
    try:
        container = av.open(
            location,
            options=decoder_options(),
            container_options={**decoder_options(), **limits, **target.options},
            timeout=target.timeouts_s,
        )
    except (av.FFmpegError, OSError, ValueError, MemoryError) as error:
        # Not "from error": its text holds the address, and that may hold a password.
        kind = UnreachableError if target.remote and is_silence(error) else SourceError
        raise kind(why_not_opened(error, target.subject, remote=target.remote)) from None
    try:
        stream, others = _choose_stream(container, target.subject)
        codec = _check(stream, target.subject)
    except SourceError:
        container.close()
        raise
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    _set_up_decoder(stream, live=target.remote)
    stated, coded = stream.sample_aspect_ratio, stream.codec_context.sample_aspect_ratio
    differs = bool(stated) and stated != coded
    aspect = Fraction(stated.numerator, stated.denominator) if differs else None
    return OpenMedia(container, stream, codec, others, aspect)


def sample_aspect_of(media: OpenMedia) -> Fraction | None:
    """Return width by height of one pixel as container or codec say; None when they do not.

    What the codec says may change with each key frame, as between programmes in 4:3 and 16:9.
    """
    if media.stated_aspect is not None:
        return media.stated_aspect
    aspect = media.stream.codec_context.sample_aspect_ratio or media.stream.sample_aspect_ratio
    return Fraction(aspect.numerator, aspect.denominator) if aspect else None


def _choose_stream(container: av.container.InputContainer, name: str) -> tuple[VideoStream, int]:
    """Return the stream FFmpeg calls the best, or the largest that is no cover picture."""
    videos = [s for s in container.streams.video if not s.disposition & _NO_VIDEO]
    if not videos:
        if container.streams.video:
            raise NoVideoError(f"{name} is sound with a cover picture; choose a file with video.")
        if container.streams.audio:
            raise NoVideoError(f"{name} holds only sound; choose a file with video.")
        raise NoVideoError(f"{name} holds no video; choose another file.")
    playable = [s for s in videos if _codec_name(s) in VIDEO_CODECS]
    best = container.streams.best("video")
    chosen = next(
        (s for s in playable if best is not None and s.index == best.index),
        max(playable or videos, key=_declared_pixels),
    )
    return chosen, len(videos) - 1


def _codec_name(stream: VideoStream) -> str | None:
    """Return the decoder's name; None when FFmpeg has none (the stubs say there always is one)."""
    return getattr(stream.codec_context, "name", None)


def _declared_pixels(stream: VideoStream) -> int:
    return stream.width * stream.height if _codec_name(stream) else 0


def _check(stream: VideoStream, name: str) -> str:
    """Return the decoder's name if it may be used on pictures of this size."""
    codec = _codec_name(stream)
    if codec is None:
        raise RefusedError(f"{name} uses a video codec that cannot be decoded here; convert it.")
    context = stream.codec_context
    if codec not in VIDEO_CODECS:
        raise RefusedError(
            f"{name} uses the codec {codec}, which is not decoded here for safety; "
            "convert it to H.264 with a tool you trust."
        )
    if context.width * context.height > MAX_FRAME_PIXELS:
        raise RefusedError(
            f"{name} says its pictures are {context.width}x{context.height}, more than "
            f"{MAX_FRAME_PIXELS // 1_000_000} megapixels; scale it down first."
        )
    return codec


def _set_up_decoder(stream: VideoStream, *, live: bool) -> None:
    context = stream.codec_context
    context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}
    large = context.width * context.height >= _MIN_PIXELS_FOR_THREADS
    if context.name == "hevc" and not live:
        # Otherwise one lost picture takes all that refer to it with it, up to the next key frame.
        context.flags |= CodecFlags.output_corrupt
    if live:
        # Frame threads hold back one frame each; a live picture must not be late.
        context.flags |= CodecFlags.low_delay
        context.thread_type = "SLICE"
    elif large:
        context.thread_type = "AUTO"
        held_bytes = context.width * context.height * 2
        context.thread_count = max(1, min(os.cpu_count() or 1, _THREADS_BYTES // held_bytes))
    else:
        threads = min(_SMALL_THREADS, (os.cpu_count() or 1) // _CORES_EACH)
        context.thread_type = "AUTO"
        context.thread_count = max(1, threads)
    log.source.debug(
        "stream %d: %s %dx%d", stream.index, context.name, context.width, context.height
    )
