"""Make resources/demo_clip.mp4 and demo_clip_720p.mp4, and say how true they are.

    python packaging/make_clips.py

`demo_clip.mp4`: all 538 frames of the demo clip, drawn at 624x352, area-averaged to 312x176.
`demo_clip_720p.mp4`: the first 250 of them (10 s), the same traffic drawn at 1280x720.
Both: H.264 High, yuv420p, BT.709 limited range, tagged so; 25 fps; a key frame every 12 frames.
Each is decoded again and compared with what was drawn.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from scene import DEMO_FPS, DEMO_HEIGHT, DEMO_WIDTH, Clip, demo_frames
from scene_objects import Array, View

RESOURCES = Path(__file__).resolve().parent.parent / "resources"
LARGE_WIDTH, LARGE_HEIGHT, LARGE_FRAME_COUNT = 1280, 720, 250
_KEYFRAME_INTERVAL = 12
_BT709 = 1
"""The code point of BT.709 for primaries, transfer and matrix alike (ITU-T H.273)."""
_TO_YUV = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP
_TO_RGB = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
"""Without FULL_CHR_H_INT, swscale's RGB comes out 0.6 to 2 levels too dark."""


def small_frames() -> Iterator[Array]:
    """Yield the images of demo_clip.mp4."""
    return (frame.image for frame in demo_frames())


def large_frames() -> Iterator[Array]:
    """Yield the images of demo_clip_720p.mp4."""
    clip = Clip(view=View.covering(LARGE_WIDTH, LARGE_HEIGHT))
    return (clip.frame(index)[0] for index in range(LARGE_FRAME_COUNT))


def encode(path: Path, images: Iterator[Array], size_wh: tuple[int, int], crf: int) -> None:
    """Write RGB images as H.264."""
    with av.open(path, "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=DEMO_FPS)
        stream.width, stream.height = size_wh
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(crf), "preset": "slow", "profile": "high"}
        context = stream.codec_context
        context.gop_size = _KEYFRAME_INTERVAL
        context.time_base = Fraction(1, DEMO_FPS)
        context.color_range = ColorRange.MPEG
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        for index, image in enumerate(images):
            rgb = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame = rgb.reformat(
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
                interpolation=_TO_YUV,
            )
            frame.pts, frame.time_base = index, Fraction(1, DEMO_FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def decoded(path: Path) -> Iterator[Array]:
    """Yield the images of a clip as RGB, by its own colour tags."""
    with av.open(path) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(
                format="rgb24",
                src_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.MPEG,
                interpolation=_TO_RGB,
            )


def report(path: Path, images: Iterator[Array]) -> None:
    """Print the clip's size and how far its frames are from what was drawn."""
    worst, absolute, squared, signed, count = 0, 0.0, 0.0, np.zeros(3), 0
    for image, drawn in zip(decoded(path), images, strict=True):
        difference = image.astype(np.int16) - drawn
        worst = max(worst, int(np.abs(difference).max()))
        absolute += np.abs(difference).mean()
        squared += np.square(difference, dtype=np.int32).mean()
        signed += difference.mean((0, 1))
        count += 1
    psnr = 10 * np.log10(255**2 / (squared / count))
    print(
        f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, {count} frames;"
        f" RGB error mean {absolute / count:.2f}, max {worst}, PSNR {psnr:.1f} dB,"
        f" mean shift of R, G, B {np.round(signed / count, 2).tolist()} levels"
    )


def main() -> None:
    """Make both clips."""
    small, large = RESOURCES / "demo_clip.mp4", RESOURCES / "demo_clip_720p.mp4"
    encode(small, small_frames(), (DEMO_WIDTH, DEMO_HEIGHT), crf=14)
    report(small, small_frames())
    encode(large, large_frames(), (LARGE_WIDTH, LARGE_HEIGHT), crf=20)
    report(large, large_frames())


if __name__ == "__main__":
    main()
