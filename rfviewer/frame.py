"""One picture with its place in the source: what crosses from a source to everything else."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, override

import numpy as np
from numpy.typing import NDArray

from rfviewer.decode import DecodeState

type U8Array = NDArray[np.uint8]
"""An array of bytes; the docstring of each use gives the shape and the channel order."""


class PixelFormat(StrEnum):
    """Memory layout of `Frame.image`."""

    BGR24 = "bgr24"
    """(H, W, 3), one byte per channel, blue first: what OpenCV and the CPU path use."""
    NV12 = "nv12"
    """(H * 3 / 2, W): a luma plane, then interleaved chroma at half size; limited range."""


def image_shape(width: int, height: int, pixel_format: PixelFormat) -> tuple[int, ...]:
    """Return the shape of the uint8 image of a frame."""
    if pixel_format is PixelFormat.NV12:
        return height * 3 // 2, width
    return height, width, 3


class YuvStandard(StrEnum):
    """Which luma weights a YUV picture was made with: those that the kernels know."""

    BT601 = "bt601"
    BT709 = "bt709"


@dataclass(frozen=True, slots=True)
class YuvColors:
    """What the numbers of a YUV picture mean."""

    standard: YuvStandard
    full_range: bool
    """Whether luma takes 0..255 and not 16..235."""


class DevicePicture(Protocol):
    """A decoded picture that stays in the memory of a GPU until somebody on the host looks at it.

    It is NV12 of even sizes, upright, with square pixels, complete, and never written to again.
    """

    @property
    def colors(self) -> YuvColors:
        """What its numbers mean."""

    def to_host(self) -> U8Array:
        """Return (H, W, 3) BGR, the bytes that decoding on the host gives; not to be written to.

        Copied and converted at the first call, on the calling thread, whichever that is.

        Raises:
            EngineError: the GPU has failed.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A decoded frame. Frozen, and the image must not be written to: it is shared."""

    picture: U8Array | DevicePicture
    """Pixels in `pixel_format`, C-contiguous, upright (rotation applied), square pixels; or on a
    GPU, with `pixel_format` telling what they become on the host."""
    width: int
    """Width in pixels."""
    height: int
    """Height in pixels."""
    frame_index: int
    """Position from 0 in presentation order; live sources count what they captured."""
    pts_s: float
    """Presentation time in seconds from the first frame of the source."""
    capture_time_ns: int
    """`time.monotonic_ns()` at which the decoder or camera handed the frame over."""
    duration_s: float = 0.0
    """Seconds until the next frame as far as the source says; 0 when it does not."""
    epoch: int = 0
    """Counts opens and seeks: results of an older epoch are stale and never shown."""
    pixel_format: PixelFormat = PixelFormat.BGR24
    """Layout of `image`."""
    name: str = ""
    """File the frame came from, for image folders; empty otherwise."""

    def __post_init__(self) -> None:
        """Reject an image whose shape contradicts the stated size."""
        image, expected = self.picture, self.image_shape
        if isinstance(image, np.ndarray) and (image.shape != expected or image.dtype != np.uint8):
            raise ValueError(
                f"frame image must be uint8 {expected}, got {image.dtype} {image.shape}"
            )

    @property
    def image(self) -> U8Array:
        """Pixels in `pixel_format` on the host; of a picture on a GPU, copied when first asked for.

        Raises:
            EngineError: the GPU that has the picture failed.
        """
        picture = self.picture
        return picture if isinstance(picture, np.ndarray) else picture.to_host()

    @property
    def on_device(self) -> bool:
        """Whether the picture lies on a GPU; `image` then waits for it to be copied."""
        return not isinstance(self.picture, np.ndarray)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of `image`, without looking at it."""
        return image_shape(self.width, self.height, self.pixel_format)

    @property
    def nbytes(self) -> int:
        """Bytes of `image`, without looking at it."""
        return math.prod(self.image_shape)

    @override
    def __repr__(self) -> str:
        return (
            f"Frame({self.frame_index}, {self.pts_s:.3f} s, {self.width}x{self.height} "
            f"{self.pixel_format}, epoch {self.epoch})"
        )


class SourceKind(StrEnum):
    """What a source is; decides the default playback policy."""

    FILE = "file"
    STREAM = "stream"
    CAMERA = "camera"
    IMAGES = "images"
    SYNTHETIC = "synthetic"


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known about an open source. Sizes come from a decoded frame, never from a header."""

    uri: str
    """What was asked for, with any password removed."""
    name: str
    """Short name for titles and file names, e.g. "traffic.mp4" or "Integrated Camera"."""
    kind: SourceKind
    """Kind of the source."""
    width: int
    """Width of the first frame in pixels; later frames may differ."""
    height: int
    """Height of the first frame in pixels."""
    fps: float | None
    """Nominal frames per second; None when the source does not say."""
    duration_s: float | None = None
    """Length in seconds; None when unknown or endless."""
    frame_count: int | None = None
    """Number of frames; None when unknown or endless."""
    seekable: bool = False
    """Whether `seek` and stepping backwards work."""
    live: bool = False
    """Live sources drop frames (newest wins); the others wait for the consumer."""
    media_path: str = ""
    """The local file that is played, e.g. to copy its audio; empty when there is none."""
    media_start_s: float | None = None
    """Time stamp of the first frame on the clock of `media_path`, whose sound has the same clock;
    None when it is not known. A file cut in the middle may begin with frames that nobody sees."""
    codec: str = ""
    """Codec and pixel format, e.g. "h264 yuv420p"; empty when it means nothing."""
    notice: str = ""
    """One sentence the user should know, e.g. that a stream without timestamps plays at 25 fps."""
    decode: DecodeState | None = None
    """What decodes it; None for what is no compressed video."""
