"""What a slot is built for: size and memory layout of the frames."""

import math
from dataclasses import dataclass
from typing import Self

from rfviewer.engine.cuda.pictures import HeldPicture
from rfviewer.errors import EngineError
from rfviewer.frame import Frame, PixelFormat, U8Array, YuvColors, YuvStandard, image_shape
from rfviewer_kernels.pixels import BT601, BT601_FULL, BT709, BT709_FULL, Layout, YuvMatrix

_LAYOUTS = {PixelFormat.BGR24: Layout.BGR, PixelFormat.NV12: Layout.NV12}
_MATRICES = {
    YuvColors(YuvStandard.BT601, full_range=False): BT601,
    YuvColors(YuvStandard.BT601, full_range=True): BT601_FULL,
    YuvColors(YuvStandard.BT709, full_range=False): BT709,
    YuvColors(YuvStandard.BT709, full_range=True): BT709_FULL,
}


@dataclass(frozen=True, slots=True)
class FrameFormat:
    """Frames of one size, place and layout share buffers, tables and graphs."""

    width: int
    height: int
    pixel_format: PixelFormat = PixelFormat.BGR24
    colors: YuvColors | None = None
    """What the numbers of pictures on the GPU mean; None for frames on the host."""

    @classmethod
    def of(cls, frame: Frame, *, on_device: bool = True) -> Self:
        """Return the format of `frame`; on the host whatever it is unless `on_device`.

        Raises:
            EngineError: NV12 with an odd side, which has no whole chroma plane.
        """
        if frame.pixel_format is PixelFormat.NV12 and (frame.width % 2 or frame.height % 2):
            raise EngineError(
                f"Frames in nv12 need even sizes, got {frame.width}x{frame.height};"
                " decode to bgr24 instead."
            )
        picture = frame.picture
        if on_device and isinstance(picture, HeldPicture):
            return cls(frame.width, frame.height, PixelFormat.NV12, picture.colors)
        return cls(frame.width, frame.height, frame.pixel_format)

    def fits(self, frame: Frame, *, on_device: bool = True) -> bool:
        """Whether `frame` is of this format."""
        if frame.width != self.width or frame.height != self.height:
            return False
        picture = frame.picture
        if on_device and isinstance(picture, HeldPicture):
            return picture.colors == self.colors
        return self.colors is None and frame.pixel_format is self.pixel_format

    def where(self, *, on_device: bool) -> "FrameFormat":
        """Return this format, or that of the images where pictures are not read on the device."""
        if self.colors is None or on_device:
            return self
        return FrameFormat(self.width, self.height)

    def picture(self, frame: Frame) -> U8Array | HeldPicture:
        """Return of `frame`, which fits, what slots for this format read."""
        picture = frame.picture
        if self.colors is not None and isinstance(picture, HeldPicture):
            return picture
        return frame.image

    @property
    def wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.width, self.height

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the uint8 image."""
        return image_shape(self.width, self.height, self.pixel_format)

    @property
    def nbytes(self) -> int:
        """Bytes of the image."""
        return math.prod(self.shape)

    @property
    def matrix(self) -> YuvMatrix:
        """The kernels' word for `colors`; of NV12 on the host that of BT.601, limited range."""
        return BT601 if self.colors is None else _MATRICES[self.colors]

    @property
    def layout(self) -> Layout:
        """The kernels' word for `pixel_format`."""
        return _LAYOUTS[self.pixel_format]
