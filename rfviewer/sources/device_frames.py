"""Pictures that stay on the GPU: which ones can, and what they become where the host looks."""

import threading
from typing import cast

import av
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from rfviewer import log
from rfviewer.errors import DeviceLostError, EngineError, SourceError
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
    """Keeps pictures of one decoder on the GPU, where they are asked for. One thread uses it."""

    def __init__(self, memory: PictureMemory) -> None:
        self._memory = memory
        self._converter = HostConverter()
        self._told = self._is_full = False

    def offer(self, frame: VideoFrame) -> bool:
        """Offer to keep `frame` (`keeper_of`) if the kernels make of it what the host does.

        Of interlaced pictures swscale takes the chroma of each field for itself. Of odd sizes
        DLPack as PyAV exports it leaves the last chroma out.
        """
        self._is_full &= not frame.key_frame
        even = frame.width % 2 == 0 and frame.height % 2 == 0
        fits = even and not frame.interlaced_frame and not self._is_full
        if fits and colors_of(frame) is not None:
            frame.opaque = self
            return True
        return False

    def keep(self, frame: VideoFrame) -> DevicePicture | None:
        """Return the picture of `frame`, kept in the GPU's memory; None where that has no room.

        Such a frame comes to the host like any other, and so do all up to the next key frame: an
        engine that is short of memory is not to be asked for it, nor for other slots, every time.
        The first one is told to the log.

        Raises:
            SourceError: the GPU is lost to this process.
        """
        colors = colors_of(frame)
        if colors is None:
            raise AssertionError("a frame that was not offered")
        if self._is_full:
            return None
        luma, chroma = frame.planes
        try:
            return self._memory.keep(
                luma, chroma, colors, lambda nv12: self._converter.image_of(nv12, colors)
            )
        except DeviceLostError as error:
            raise SourceError(str(error)) from error
        except EngineError as error:
            if not self._told:
                log.source.warning("frames come to the host: %s", error)
            self._told = self._is_full = True
            return None


def let_go(frame: VideoFrame) -> None:
    """Let `frame` come to the host, though it could stay."""
    frame.opaque = None


def keeper_of(frame: VideoFrame) -> DeviceFrames | None:
    """Return who can keep the picture of `frame` on the GPU; None for one that is not there."""
    return cast("DeviceFrames | None", frame.opaque)


class HostConverter:
    """Makes BGR of NV12 as the sources do when the CPU decodes: the same bytes. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._converter = FrameConverter()

    def image_of(self, nv12: U8Array, colors: YuvColors) -> U8Array:
        """Return (H, W, 3) BGR of (H * 3 / 2, W) NV12."""
        frame = av.VideoFrame.from_ndarray(nv12, format="nv12")
        frame.colorspace = _TAGS[colors.standard]
        frame.color_range = ColorRange.JPEG if colors.full_range else ColorRange.MPEG
        with self._lock:
            return self._converter.convert(frame)
