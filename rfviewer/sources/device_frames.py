"""Pictures that stay on the GPU: which ones can, and what they become where the host looks."""

import threading
from typing import cast

import av
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from rfviewer.frame import DevicePicture, U8Array, YuvColors, YuvStandard
from rfviewer.picture_memory import PictureMemory
from rfviewer.sources.colors import FrameConverter, is_full_range, matrix_of

_STANDARDS: dict[int, YuvStandard] = {
    Colorspace.ITU601: YuvStandard.BT601,
    Colorspace.ITU709: YuvStandard.BT709,
}
_TAGS = {YuvStandard.BT601: 5, YuvStandard.BT709: 1}
"""To AVColorSpace (ITU-T H.273 matrix coefficients)."""


def colors_of(frame: VideoFrame) -> YuvColors | None:
    """Return what the numbers of a picture mean; None if no kernel knows it."""
    standard = _STANDARDS.get(matrix_of(frame.colorspace))
    return None if standard is None else YuvColors(standard, is_full_range(frame))


class DeviceFrames:
    """Keeps the pictures of one decoder on the GPU. One thread uses it."""

    def __init__(self, memory: PictureMemory) -> None:
        self._memory = memory
        self._converter = HostConverter()

    def can_keep(self, frame: VideoFrame) -> bool:
        """Tell whether the kernels make of `frame` what the host makes of it.

        Of interlaced pictures swscale takes the chroma of each field for itself. Of odd sizes
        DLPack as PyAV exports it leaves the last chroma out.
        """
        even = frame.width % 2 == 0 and frame.height % 2 == 0
        return even and not frame.interlaced_frame and colors_of(frame) is not None

    def keep(self, frame: VideoFrame) -> None:
        """Put the picture of `frame`, which can be kept, where it stays; see `picture_of`.

        Raises:
            EngineError: the GPU has no memory for it, or failed.
        """
        colors = colors_of(frame)
        if colors is None:
            raise AssertionError("can_keep() was not asked")
        luma, chroma = frame.planes
        frame.opaque = self._memory.keep(
            luma, chroma, colors, lambda nv12: self._converter.image_of(nv12, colors)
        )


def let_go(frame: VideoFrame) -> None:
    """Let `frame` come to the host after all."""
    frame.opaque = None


def picture_of(frame: VideoFrame) -> DevicePicture | None:
    """Return the picture that was kept on the GPU; None for a frame on the host."""
    return cast("DevicePicture | None", frame.opaque)


class HostConverter:
    """Makes BGR of NV12 as the sources do when the CPU decodes: the same bytes. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._converter = FrameConverter()
        self._planes = VideoReformatter()

    def image_of(self, nv12: U8Array, colors: YuvColors) -> U8Array:
        """Return (H, W, 3) BGR of (H * 3 / 2, W) NV12."""
        frame = av.VideoFrame.from_ndarray(nv12, format="nv12")
        frame.colorspace = _TAGS[colors.standard]
        frame.color_range = ColorRange.JPEG if colors.full_range else ColorRange.MPEG
        with self._lock:
            # Bytes are only moved; swscale takes NV12 another way, up to 38 levels off.
            planar = self._planes.reformat(frame, format="yuv420p", threads=1)
            return self._converter.convert(planar)
