"""Pictures that were decoded on the GPU, in memory of ours there: no pixel crosses the bus.

FFmpeg hands a picture over by DLPack, as two planes whose rows may lie apart. It is copied once, on
the GPU, into one block that the slots read like page-locked memory, by its address; the decoder's
own memory is not needed from there on. Blocks are lent, and come back when the last view of a frame
is gone.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import torch

from rfviewer.engine.cuda.faults import engine_error
from rfviewer.frame import Frame, U8Array, YuvColors
from rfviewer.picture_memory import ExportsDlpack

_ALIGNMENT = 16
"""Slots read up to the next multiple of it (`rfviewer_kernels.fetch`)."""

type ToImage = Callable[[U8Array], U8Array]


class _Blocks:
    """Free blocks of one size."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.free: deque[torch.Tensor] = deque()


class HeldPicture:
    """A picture in a block; a `frame.DevicePicture`. Any thread."""

    def __init__(
        self, blocks: _Blocks, shape: tuple[int, int], colors: YuvColors, to_image: ToImage
    ) -> None:
        self._blocks = blocks
        self._block = blocks.free.pop()
        self.pixels = self._block[: shape[0] * shape[1]].view(shape)
        """(H * 3 / 2, W) uint8 on the device: luma, then chroma; complete, not to be written to."""
        self.address = int(self._block.data_ptr())
        """Where it lies, a multiple of 16; readable up to the next one behind its end."""
        self.colors = colors
        """What its numbers mean."""
        self._to_image = to_image
        self._lock = threading.Lock()
        self._image: U8Array | None = None
        self._moved = False

    def __del__(self) -> None:
        """Give the block back."""
        self._blocks.free.append(self._block)

    def to_host(self) -> U8Array:
        """Return (H, W, 3) BGR; copied and converted at the first call.

        Raises:
            EngineError: the GPU has failed.
        """
        with self._lock:
            if self._image is None:
                try:
                    pixels: U8Array = self.pixels.cpu().numpy()
                except RuntimeError as error:
                    raise engine_error("A picture cannot be copied from the GPU", error) from error
                self._image = self._to_image(pixels)
            return self._image

    def move_image(self, move: Callable[[U8Array], U8Array | None]) -> None:
        """Let `to_host` return what `move` makes of its image, once; None leaves it as it is.

        Raises:
            EngineError: the GPU has failed.
        """
        image = self.to_host()
        with self._lock:
            if not self._moved and (moved := move(image)) is not None:
                self._image, self._moved = moved, True


def homed(frame: Frame, move: Callable[[U8Array], U8Array | None], *, stays: bool) -> Frame:
    """Return `frame` where the GPU can read it, or as it is where `move` has no place.

    Args:
        frame: on the host or the GPU.
        move: returns a copy in memory that the GPU reads; None where there is no place.
        stays: whether a picture on the GPU is read there, and not its image.

    Raises:
        EngineError: a picture could not be copied from the GPU.
    """
    if isinstance(frame.picture, HeldPicture):
        if not stays:
            frame.picture.move_image(move)
        return frame
    image = move(frame.image)
    return frame if image is None else replace(frame, picture=image)


class PictureMemory:
    """Takes pictures over from a decoder (`picture_memory.PictureMemory`). One thread at a time."""

    def __init__(self, device: torch.device) -> None:
        """Keep pictures on `device`."""
        self._device = device
        self._blocks = _Blocks(0)

    def enter(self) -> None:
        """Make the context that PyTorch uses the current one of this thread.

        Raises:
            EngineError: there is none.
        """
        try:
            torch.cuda.set_device(self._device)
            torch.zeros(1, device=self._device)
        except RuntimeError as error:
            raise engine_error("PyTorch finds no GPU", error) from error

    def keep(
        self,
        luma: ExportsDlpack,
        chroma: ExportsDlpack,
        colors: YuvColors,
        to_image: ToImage,
    ) -> HeldPicture:
        """Return a copy of an NV12 picture; waits until it is there.

        Raises:
            EngineError: the GPU has no memory left, or failed.
        """
        try:
            return self._keep(luma, chroma, colors, to_image)
        except RuntimeError as error:
            raise engine_error("The GPU cannot keep a picture", error) from error

    def _keep(
        self, luma: ExportsDlpack, chroma: ExportsDlpack, colors: YuvColors, to_image: ToImage
    ) -> HeldPicture:
        # The capsule itself: PyAV takes no stream, which PyTorch would name when it asks.
        upper = torch.utils.dlpack.from_dlpack(luma.__dlpack__())
        lower = torch.utils.dlpack.from_dlpack(chroma.__dlpack__())
        height, width = upper.shape
        size = -(-height * 3 // 2 * width // _ALIGNMENT) * _ALIGNMENT
        if self._blocks.size != size:
            self._blocks = _Blocks(size)
        if not self._blocks.free:
            self._blocks.free.append(torch.empty(size, dtype=torch.uint8, device=self._device))
        picture = HeldPicture(self._blocks, (height * 3 // 2, width), colors, to_image)
        # On the default stream of the context, where FFmpeg has put what fills its planes.
        picture.pixels[:height].copy_(upper)
        picture.pixels[height:].copy_(lower.flatten(1))
        if self._device.type == "cuda":
            # Slots run on other streams, and the planes go back to the decoder.
            torch.cuda.default_stream(self._device).synchronize()
        return picture


def current_pictures() -> PictureMemory:
    """Return memory on the GPU that PyTorch uses on this thread."""
    return PictureMemory(torch.device("cuda", torch.cuda.current_device()))
