"""NVDEC, the video decoder of NVIDIA GPUs, through FFmpeg: what it takes, and where frames go."""

import ctypes
import sys
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

import av
from av.codec.context import Flags as CodecFlags
from av.codec.hwaccel import HWAccel
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from rfviewer.errors import EngineError
from rfviewer.picture_memory import PictureMemory
from rfviewer.sources.colors import ON_DEVICE
from rfviewer.sources.device_frames import DeviceFrames
from rfviewer.sources.hardware import DECODE_ERRORS, HardwareRefusedError

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

_CODECS = {"h264": "h264", "hevc": "hevc", "vp9": "vp9", "libdav1d": "av1", "av1": "av1"}
"""FFmpeg's decoder on the CPU to the one that can use NVDEC."""
_HOST_FORMAT = "nv12"
_FORMATS = ("yuv420p", "yuvj420p")
"""What NVDEC hands over as NV12. More bits and other chroma are decoded on the CPU."""
_CUDA, _NVCUVID = (
    ("nvcuda.dll", "nvcuvid.dll")
    if sys.platform == "win32"
    else ("libcuda.so.1", "libnvcuvid.so.1")
)
"""What FFmpeg loads while it runs; both belong to the driver."""


class MissingPart(Enum):
    """What of the NVIDIA driver is not there."""

    DRIVER = "there is no NVIDIA driver here"
    VIDEO = (
        "the NVIDIA driver here has no video decoder; a container needs the driver capability video"
    )


def missing_part() -> MissingPart | None:
    """Return what FFmpeg would not find; takes no GPU memory."""
    for library, part in ((_CUDA, MissingPart.DRIVER), (_NVCUVID, MissingPart.VIDEO)):
        try:
            ctypes.CDLL(library)
        except OSError:
            return part
    return None


class NvdecDecoder:
    """NVDEC through FFmpeg.

    Frames come to host memory as the CPU's decoder lays them out, or stay on the GPU.
    """

    def __init__(
        self,
        software: VideoCodecContext,
        live: bool,  # noqa: FBT001 - `OpenHardware`
        pictures: Callable[[], PictureMemory | None] = lambda: None,
    ) -> None:
        """Open a decoder for the stream of `software`, which is left as it is.

        `pictures` returns where frames can stay on the GPU, None if nowhere; it may take seconds.
        Then it decodes in the context of the engine even what comes to the host: work of two
        contexts takes turns on a GPU.

        Raises:
            HardwareRefusedError: no GPU, or nothing that it decodes exactly.
        """
        name = _CODECS.get(software.name)
        if name is None:
            raise HardwareRefusedError(f"NVDEC is not used for {software.name}")
        if software.pix_fmt not in _FORMATS:
            raise HardwareRefusedError(f"{software.pix_fmt} pictures are decoded on the CPU")
        if "display_matrix" in software.coded_side_data:
            # Only the stream's own context puts the container's rotation on its frames.
            raise HardwareRefusedError("rotated video is decoded on the CPU")
        lacks = missing_part()
        if lacks is not None:
            raise HardwareRefusedError(lacks.value)
        memory = pictures()
        self._format = _HOST_FORMAT if memory is None else ON_DEVICE
        self._frames = None if memory is None else DeviceFrames(memory)
        try:
            accelerator = _accelerator(memory)
            context = av.CodecContext.create(av.Codec(name, "r"), "r", accelerator)
        except EngineError as error:
            raise HardwareRefusedError(str(error)) from error
        except (*DECODE_ERRORS, RuntimeError, NotImplementedError) as error:
            raise HardwareRefusedError("no GPU answers the NVIDIA driver here") from error
        if not isinstance(context, VideoCodecContext) or not context.is_hwaccel:
            raise HardwareRefusedError(f"this FFmpeg has no NVDEC for {name}")
        context.extradata = software.extradata
        context.width, context.height = software.width, software.height
        context.reorder_depth = software.reorder_depth
        context.options = dict(software.options)
        context.thread_count = 1
        if live:
            context.flags |= CodecFlags.low_delay
        self._context = context
        self._aspect = _aspect_of(software)
        self._reformatter = VideoReformatter()

    @property
    def reorder_depth(self) -> int:
        """How many pictures are held back for their order."""
        return self._context.reorder_depth

    @reorder_depth.setter
    def reorder_depth(self, depth: int) -> None:
        self._context.reorder_depth = depth

    def decode(self, packet: "Packet[VideoStream] | None") -> list[VideoFrame]:
        """Return the frames that come out for `packet`: planar on the host, or left on the GPU.

        Raises:
            HardwareRefusedError: for a picture that is not exactly what the CPU would give.
            av.FFmpegError: when the driver or the stream fails.
        """
        return [self._delivered(frame) for frame in self._context.decode(packet)]

    def flush_buffers(self) -> None:
        """Forget everything, for a seek."""
        if self._context.is_open:
            self._context.flush_buffers()

    def _delivered(self, frame: VideoFrame) -> VideoFrame:
        """Return `frame` as yuv420p, or as it lies on the GPU where it can stay.

        Either way bytes are moved and none changes, so colours come out equal.
        """
        if frame.format.name != self._format:
            raise HardwareRefusedError(f"{frame.format.name} pictures are decoded on the CPU")
        if (frame.width, frame.height) != (self._context.width, self._context.height):
            # FFmpeg crops a picture on the device at its right and bottom only.
            raise HardwareRefusedError("pictures cropped on the left or top stay on the CPU")
        if _aspect_of(self._context) != self._aspect:
            # Sources ask the stream's own context for the shape of a pixel.
            raise HardwareRefusedError("its pixels change their shape")
        if self._frames is not None and self._frames.offer(frame):
            return frame
        return self._reformatter.reformat(frame, format="yuv420p", threads=1)


def _accelerator(memory: PictureMemory | None) -> HWAccel:
    """Return what decodes in a context of its own, or in that of `memory`.

    Raises:
        EngineError: that one is not to be had.
    """
    if memory is None:
        # Not the primary context: FFmpeg wants other flags for it than PyTorch sets.
        return HWAccel("cuda", allow_software_fallback=False)
    memory.enter()
    options: dict[str, object] = {"primary_ctx": "0", "current_ctx": "1"}
    return HWAccel("cuda", allow_software_fallback=False, options=options, is_hw_owned=True)


def _aspect_of(context: VideoCodecContext) -> tuple[int, int]:
    """Return width and height of a pixel; equal where nothing is said."""
    aspect = context.sample_aspect_ratio
    return (aspect.numerator, aspect.denominator) if aspect else (1, 1)
