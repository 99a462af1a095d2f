"""What an open file or stream is: size, rate, length and what the user should know."""

from dataclasses import replace

import numpy as np
from av.video.frame import VideoFrame

from rfviewer.decode import Decode, DecodeState
from rfviewer.frame import Frame, SourceInfo
from rfviewer.sources.colors import color_notices
from rfviewer.sources.media import Target, sample_aspect_of
from rfviewer.sources.reader import DEFAULT_FPS, MediaReader

_PLAUSIBLE_LENGTH_S = 10 * 24 * 3600.0
"""Ten days; headers that say more are wrong or the source has no end."""
_STEADY_S = 0.0015
"""Matroska and Flash round time stamps to 1 ms."""
_STEADY_SHARE = 0.9
"""Share of frames at the stated distance from which on the stated rate is taken for true."""
_WHOLE_SHARE = 0.98
"""A header may count a frame or two at the ends that are not there."""


def describe(target: Target, reader: MediaReader, decoded: VideoFrame, first: Frame) -> SourceInfo:
    """Return the description of a source whose first frame is `first`, made from `decoded`."""
    info = SourceInfo(
        uri=target.uri,
        name=target.name,
        kind=target.kind,
        width=first.width,
        height=first.height,
        fps=reader.fps,
        media_path="" if target.remote else target.location.removeprefix("file:"),
        media_start_s=_first_frame_s(reader),
        codec=f"{reader.media.codec} {_format_name(reader, decoded)}",
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
        tick_s = float(reader.media.stream.time_base)
        stamps = reader.index.pts[reader.first_place() :]
        length_s = float(reader.index.end_pts - stamps[0]) * tick_s
        steps_s = np.diff(stamps) * tick_s
        steady = np.abs(steps_s - 1 / fps) <= _STEADY_S
        if len(steps_s) and steady.mean() < _STEADY_SHARE:
            fps = float(1 / steps_s.mean())
    else:
        length_s = count / fps
    return replace(info, fps=fps, duration_s=length_s, frame_count=count, seekable=True)


def with_decoder(info: SourceInfo, reader: MediaReader) -> SourceInfo:
    """Return `info` with what decodes now, and why the GPU does not if it was asked for by name."""
    state = reader.decode
    codec = info.codec
    if state.effective is Decode.GPU:
        codec += ", NVDEC, stays on the GPU" if state.on_device else ", NVDEC"
    notice = f"{info.notice} {decode_notice(info.name, state)}".strip()
    return replace(info, codec=codec, notice=notice, decode=state)


def decode_notice(name: str, state: DecodeState | None) -> str:
    """Return a sentence where the GPU was asked for by name and does not decode; else nothing."""
    if state is None or (state.requested, state.effective) != (Decode.GPU, Decode.CPU):
        return ""
    return f"{name} is decoded on the CPU: {state.reason}."


def _format_name(reader: MediaReader, decoded: VideoFrame) -> str:
    """Return the format of the pictures as they were encoded."""
    if reader.decode.effective is Decode.GPU:  # its frames have another, or tell a place
        return str(reader.media.stream.codec_context.pix_fmt)
    return decoded.format.name


def _first_frame_s(reader: MediaReader) -> float | None:
    timeline = reader.timeline
    if timeline.base is None or timeline.by_count:
        return None
    return timeline.ticks_s(timeline.base)


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
    aspect = sample_aspect_of(reader.media)
    if aspect and aspect != 1:
        parts.append(f"its pixels are {aspect.numerator}:{aspect.denominator} and are shown square")
    if reader.index is not None:
        there, stated = len(reader.index.pts), reader.media.stream.frames
        if there < stated * _WHOLE_SHARE:
            parts.append(f"it is cut off: {there} of the {stated} frames that it states are there")
    if reader.without_stamps:
        parts.append(f"it has no time stamps and plays at {reader.fps or DEFAULT_FPS:g} fps")
    if len(reader.parts) > 1:
        parts.append(f"it is joined from {len(reader.parts)} videos")
    others = reader.media.other_videos
    if others:
        verb = "streams are" if others > 1 else "stream is"
        parts.append(f"{others} further video {verb} not shown")
    return f"{target.subject}: {'; '.join(parts)}." if parts else ""
