"""Makes small real media files whose frames carry their number, so that tests can read it back."""

import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from rfviewer.interfaces import FrameSource
from rfviewer.sources.synthetic import SyntheticSource, read_frame_index


def numbered_images(count, width=160, height=96):
    """Return `count` images of the test pattern."""
    source = SyntheticSource(f"synthetic:{width}x{height}@25,frames={count}")
    return [source.read().image for _ in range(count)]


def make_clip(
    path: Path,
    count: int = 30,
    size: tuple[int, int] = (160, 96),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    pts_ms: Sequence[int] | None = None,
    fps: int = 25,
    rotation: tuple[float, bool, bool] | None = None,
    aspect: Fraction | None = None,
) -> Path:
    """Encode `count` numbered frames. `pts_ms` gives each its own time in milliseconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation is not None:
            degrees, hflip, vflip = rotation
            stream.set_display_rotation(degrees, hflip=hflip, vflip=vflip)
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for number, image in enumerate(numbered_images(count, *size)):
            frame = av.VideoFrame.from_ndarray(image, "bgr24")
            frame.time_base = Fraction(1, 1000)
            frame.pts = pts_ms[number] if pts_ms else number * 1000 // fps
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def ffmpeg(*arguments: object) -> bytes:
    """Run the ffmpeg program and return what it wrote to its standard output."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def ffmpeg_rgb(path: Path, width: int, height: int, *arguments: object):
    """Return what ffmpeg decodes as RGB, (N, height, width, 3)."""
    raw = ffmpeg("-i", path, *arguments, "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def read_all(source: FrameSource, limit: int = 10_000):
    """Return all frames that are left."""
    frames = []
    while len(frames) < limit and (frame := source.read()) is not None:
        frames.append(frame)
    return frames


def numbers(frames) -> list[int | None]:
    """Return the numbers drawn into the frames."""
    return [read_frame_index(frame.image) for frame in frames]
