"""What an open file or stream is: size, rate, length and what the user should know."""

from dataclasses import replace
from fractions import Fraction

from av.video.frame import VideoFrame

from rfviewer.frame import Frame, SourceInfo
from rfviewer.sources.colors import color_notices
from rfviewer.sources.media import Target
from rfviewer.sources.reader import DEFAULT_FPS, MediaReader

_PLAUSIBLE_LENGTH_S = 10 * 24 * 3600.0
"""Ten days; headers that say more are wrong or the source has no end."""
_SAME_RATE = 0.01
"""A measured rate this near the stated one is the stated one: time stamps are rounded."""


def sample_aspect_of(reader: MediaReader) -> Fraction | None:
    """Return width by height of one pixel as container or codec say; None when they do not."""
    stream = reader.media.stream
    aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    return Fraction(aspect.numerator, aspect.denominator) if aspect else None


def describe(target: Target, reader: MediaReader, decoded: VideoFrame, first: Frame) -> SourceInfo:
    """Return the description of a source whose first frame is `first`, made from `decoded`."""
    info = SourceInfo(
        uri=target.uri,
        name=target.name,
        kind=target.kind,
        width=first.width,
        height=first.height,
        fps=reader.fps,
        codec=f"{reader.media.stream.codec_context.name} {decoded.format.name}",
        notice=_notice(target, reader, decoded),
    )
    length_s = _stated_length_s(reader)
    if target.remote and length_s is None:
        return replace(info, live=True)
    if reader.index is None:
        return replace(info, duration_s=length_s, seekable=True)
    count = len(reader.index.pts) - reader.first_place()
    fps = reader.fps or DEFAULT_FPS
    if reader.index.exact:
        first_s = reader.timeline.direct_s(int(reader.index.pts[reader.first_place()]))
        length_s = reader.timeline.direct_s(reader.index.end_pts) - first_s
        span_s = reader.timeline.direct_s(int(reader.index.pts[-1])) - first_s
        measured = (count - 1) / span_s if span_s > 0 else fps
        if abs(measured / fps - 1) > _SAME_RATE:
            fps = measured
    else:
        length_s = count / fps
    return replace(info, fps=fps, duration_s=length_s, frame_count=count, seekable=True)


def _stated_length_s(reader: MediaReader) -> float | None:
    stream, container = reader.media.stream, reader.media.container
    length_s = 0.0
    if stream.duration:
        length_s = float(stream.duration * stream.time_base)
    elif container.duration:
        length_s = container.duration / 1e6
    return length_s if 0 < length_s <= _PLAUSIBLE_LENGTH_S else None


def _notice(target: Target, reader: MediaReader, decoded: VideoFrame) -> str:
    parts = color_notices(decoded)
    aspect = sample_aspect_of(reader)
    if aspect and aspect != 1:
        parts.append(f"its pixels are {aspect.numerator}:{aspect.denominator} and are shown square")
    if reader.timeline.missing or (reader.index is not None and not len(reader.index.key_pts)):
        parts.append(f"it has no time stamps and plays at {reader.fps or DEFAULT_FPS:g} fps")
    others = reader.media.other_videos
    if others:
        parts.append(f"{others} further video stream{'s' if others > 1 else ''} are not shown")
    return f"{target.name}: {'; '.join(parts)}." if parts else ""
