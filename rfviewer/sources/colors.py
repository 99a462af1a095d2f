"""Decoded frame to upright BGR with square pixels, in the colours that its tags ask for."""

from fractions import Fraction

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter

from rfviewer.frame import U8Array
from rfviewer.sources.orientation import UPRIGHT, Orientation, orientation_of

_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
"""AVColorSpace (ITU-T H.273 matrix coefficients) to swscale's table."""
ON_DEVICE = "cuda"
"""FFmpeg's name for the format of a picture that lies on a GPU."""
_UNTAGGED = 2
_RGB = 0
_FULL_RANGE = 2
_MAX_ASPECT = 8
"""Pixels more than eight times as wide as high, or the reverse, are taken for a broken tag."""
_MIN_PIXELS_FOR_THREADS = 1280 * 720
"""Below it, threads in swscale cost more than they save."""


class FrameConverter:
    """Turns decoded frames into BGR images. One thread uses it.

    An untagged picture of any size is read as BT.601 limited range, as FFmpeg and OpenCV do:
    what networks were trained on was mostly decoded by one of them.
    """

    def __init__(self, sample_aspect: Fraction | None = None) -> None:
        """Remember the shape of a pixel, width by height; None or 1 when square."""
        usable = sample_aspect and Fraction(1, _MAX_ASPECT) <= sample_aspect <= _MAX_ASPECT
        self._aspect = sample_aspect if usable and sample_aspect else Fraction(1)
        self._reformatter, self._planes = VideoReformatter(), VideoReformatter()

    def convert(self, frame: VideoFrame, orientation: Orientation = UPRIGHT) -> U8Array:
        """Return (H, W, 3) BGR, C-contiguous, turned as `orientation` says.

        Raises:
            av.FFmpegError: when swscale does not know the pixel format.
        """
        if frame.format.name in (ON_DEVICE, "nv12"):
            # Bytes are only moved; NV12 itself swscale converts another way, unlike these planes.
            frame = self._planes.reformat(frame, format="yuv420p", threads=1)
        width = max(1, round(frame.width * self._aspect))
        matrix = None if frame.colorspace == _RGB else matrix_of(frame.colorspace)
        picture = self._reformatter.reformat(
            frame,
            width=width,
            format="bgr24",
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=_source_range(frame),
            dst_color_range=ColorRange.JPEG,
            interpolation=Interpolation.BICUBIC,
            threads=0 if frame.width * frame.height >= _MIN_PIXELS_FOR_THREADS else 1,
        )
        plane = picture.planes[0]
        rows: U8Array = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        image = rows[: picture.height, : width * 3].reshape(picture.height, width, 3)
        return orientation.apply(np.ascontiguousarray(image))


def matrix_of(colorspace: int) -> int:
    """Return swscale's table for a tag, that of BT.601 where there is none or nobody knows it."""
    return _MATRICES.get(colorspace, Colorspace.ITU601)


def is_full_range(frame: VideoFrame) -> bool:
    """Tell whether the numbers of a picture take all of 0..255."""
    tagged = frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")
    return bool(tagged or frame.format.is_rgb)


def _source_range(frame: VideoFrame) -> int:
    return ColorRange.JPEG if is_full_range(frame) else ColorRange.MPEG


def color_notices(frame: VideoFrame) -> list[str]:
    """Return what a user should know about the colours of the source, as parts of a sentence."""
    notices = []
    if frame.color_trc == ColorTrc.SMPTE2084:
        notices.append("HDR (PQ) is shown without tone mapping, so it looks dull")
    elif frame.color_trc == ColorTrc.ARIB_STD_B67:
        notices.append("HDR (HLG) is shown without tone mapping, so it looks dull")
    bits = max((component.bits for component in frame.format.components), default=8)
    if bits > 8:
        notices.append(f"{bits}-bit colours are shown with 8 bits")
    if frame.colorspace not in _MATRICES and frame.colorspace not in (_RGB, _UNTAGGED):
        notices.append("its colour matrix is not known here, so colours may be wrong")
    if frame.interlaced_frame:
        notices.append("it is interlaced, and both fields are shown as one frame")
    if _is_transparent(frame):
        notices.append("its transparency is ignored")
    if orientation_of(frame) is None:
        notices.append("its rotation is no multiple of 90 degrees and is ignored")
    return notices


def _is_transparent(frame: VideoFrame) -> bool:
    """Tell whether anything can be seen through: GIFs are decoded with alpha in any case."""
    if not any(component.is_alpha for component in frame.format.components):
        return False
    plane = frame.reformat(format="bgra").planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return bool((rows[: frame.height, 3 : frame.width * 4 : 4] < 255).any())
