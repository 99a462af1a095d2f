"""What a slot is built for: size and memory layout of the frames."""

import math
from dataclasses import dataclass
from typing import Self

from rfviewer.errors import EngineError
from rfviewer.frame import Frame, PixelFormat
from rfviewer_kernels.pixels import Layout

_LAYOUTS = {PixelFormat.BGR24: Layout.BGR, PixelFormat.NV12: Layout.NV12}


@dataclass(frozen=True, slots=True)
class FrameFormat:
    """Frames of one size and layout share buffers, tables and graphs."""

    width: int
    height: int
    pixel_format: PixelFormat = PixelFormat.BGR24

    @classmethod
    def of(cls, frame: Frame) -> Self:
        """Return the format of `frame`.

        Raises:
            EngineError: NV12 with an odd side, which has no whole chroma plane.
        """
        if frame.pixel_format is PixelFormat.NV12 and (frame.width % 2 or frame.height % 2):
            raise EngineError(
                f"Frames in nv12 need even sizes, got {frame.width}x{frame.height};"
                " decode to bgr24 instead."
            )
        return cls(frame.width, frame.height, frame.pixel_format)

    def fits(self, frame: Frame) -> bool:
        """Whether `frame` is of this format."""
        return (
            frame.width == self.width
            and frame.height == self.height
            and frame.pixel_format is self.pixel_format
        )

    @property
    def wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.width, self.height

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the uint8 image."""
        if self.pixel_format is PixelFormat.NV12:
            return self.height * 3 // 2, self.width
        return self.height, self.width, 3

    @property
    def nbytes(self) -> int:
        """Bytes of the image."""
        return math.prod(self.shape)

    @property
    def layout(self) -> Layout:
        """The kernels' word for `pixel_format`."""
        return _LAYOUTS[self.pixel_format]
