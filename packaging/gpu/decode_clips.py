"""Clips for decode.py, encoded on the spot from the demo clip by the encoders inside PyAV."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from rfviewer.frame import SourceKind
from rfviewer.paths import resource
from rfviewer.sources.media import Target

_RATE = 30
_NOISE_LEVELS = 3.0
"""Deviation of the noise added to brightness: enlarged pictures alone are far too easy."""


@dataclass(frozen=True)
class ClipSpec:
    """What to encode."""

    name: str
    codec: str
    size_wh: tuple[int, int]
    count: int
    options: dict[str, str]
    full_range: bool = False
    aspect: tuple[int, int] = (1, 1)
    """Width and height of a pixel."""


_B_FRAMES = {"bf": "3", "g": "24", "preset": "fast"}
_X265 = {"preset": "ultrafast", "x265-params": "log-level=error:bframes=3:keyint=24"}

EXACT = (
    ClipSpec("h264-b", "libx264", (312, 176), 60, _B_FRAMES),
    ClipSpec("h264-open", "libx264", (640, 360), 60, _B_FRAMES | {"x264-params": "open-gop=1"}),
    ClipSpec("h264-crop", "libx264", (322, 182), 60, _B_FRAMES),
    ClipSpec("h264-full", "libx264", (312, 176), 60, _B_FRAMES, full_range=True),
    ClipSpec("h264-fields", "libx264", (640, 368), 60, _B_FRAMES | {"x264-params": "tff=1"}),
    ClipSpec("h264-wide", "libx264", (312, 176), 60, _B_FRAMES, aspect=(4, 3)),
    ClipSpec("h264-tiny", "libx264", (64, 64), 30, _B_FRAMES),
    ClipSpec("hevc-b", "libx265", (312, 176), 60, _X265),
    ClipSpec("hevc-crop", "libx265", (322, 182), 60, _X265),
    ClipSpec("hevc-full", "libx265", (312, 176), 60, _X265, full_range=True),
    ClipSpec("vp9", "libvpx-vp9", (312, 176), 60, {"deadline": "realtime", "cpu-used": "6"}),
    ClipSpec("vp9-odd", "libvpx-vp9", (321, 181), 60, {"deadline": "realtime", "cpu-used": "6"}),
    ClipSpec("av1", "libsvtav1", (312, 176), 60, {"preset": "10"}),
    ClipSpec("av1-crop", "libsvtav1", (322, 182), 60, {"preset": "10"}),
)
"""Every kind that NVDEC is used for: reordering, fields, cropped and odd sizes, full range."""

LARGE = (
    ClipSpec("h264-1080p", "libx264", (1920, 1080), 240, {"preset": "veryfast", "crf": "20"}),
    ClipSpec("h264-4k", "libx264", (3840, 2160), 120, {"preset": "ultrafast", "crf": "20"}),
    ClipSpec("hevc-1080p", "libx265", (1920, 1080), 120, _X265),
    ClipSpec("hevc-4k", "libx265", (3840, 2160), 60, _X265),
)
"""For rates, beside the two demo clips."""


def make(spec: ClipSpec, folder: Path) -> Path:
    """Return the clip of `spec` in `folder`, encoded unless it is there."""
    path = folder / f"{spec.name}.mp4"
    if path.exists():
        return path
    width, height = spec.size_wh
    # A larger field from which each frame takes another window: moving noise at little cost.
    field = np.random.default_rng(0).normal(0, _NOISE_LEVELS, (height + 64, width + 64))
    noise = np.round(field).astype(np.int16)
    partial = path.with_suffix(".partial.mp4")
    with av.open(str(partial), "w") as output:
        stream = output.add_stream(spec.codec, rate=_RATE, options=dict(spec.options))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(*spec.aspect)
        if spec.full_range:
            stream.codec_context.color_range = av.video.reformatter.ColorRange.JPEG
        stream.time_base = stream.codec_context.time_base = Fraction(1, _RATE)
        for number, frame in enumerate(_demo_frames(spec.count)):
            picture = frame.reformat(
                width=width,
                height=height,
                format="yuv420p",
                dst_color_range="JPEG" if spec.full_range else "MPEG",
            )
            _add(picture, noise[number % 64 :, number * 7 % 64 :])
            picture.pts, picture.time_base = number, Fraction(1, _RATE)
            picture.pict_type = 0
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
    return partial.rename(path)


def target_of(path: Path) -> Target:
    """Return `path` as what the sources open."""
    return Target(f"file:{path}", str(path), path.name, SourceKind.FILE)


def _demo_frames(count: int) -> list[av.VideoFrame]:
    with av.open(str(resource("demo_clip.mp4"))) as container:
        decoded = container.decode(video=0)
        return [frame for _, frame in zip(range(count), decoded, strict=False)]


def _add(picture: av.VideoFrame, noise: np.ndarray) -> None:
    plane = picture.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    luma = rows[: plane.height, : plane.width]
    noisy = luma.astype(np.int16) + noise[: plane.height, : plane.width]
    rows = rows.copy()
    rows[: plane.height, : plane.width] = np.clip(noisy, 0, 255)
    plane.update(rows.tobytes())
