"""What a decoder on the GPU and an engine there agree on: who keeps the decoder's pictures."""

from collections.abc import Callable
from typing import Any, Protocol

from rfviewer.frame import DevicePicture, U8Array, YuvColors


class ExportsDlpack(Protocol):
    """A plane of a picture, (H, W) luma or (H / 2, W / 2, 2) chroma, uint8, rows maybe apart."""

    def __dlpack__(self) -> Any:  # noqa: ANN401 - a capsule, which has no type of its own
        """Return it as a DLPack capsule, which holds its memory."""


class PictureMemory(Protocol):
    """Takes pictures over from a decoder on the GPU, where they stay. One thread at a time."""

    def enter(self) -> None:
        """Make the GPU's context current on this thread, for who makes a decoder in it.

        Raises:
            EngineError: there is none.
        """

    def keep(
        self,
        luma: ExportsDlpack,
        chroma: ExportsDlpack,
        colors: YuvColors,
        to_image: Callable[[U8Array], U8Array],
    ) -> DevicePicture:
        """Return a copy of an NV12 picture; waits until it is there, so the planes may go.

        `to_image` makes (H, W, 3) BGR of (H * 3 / 2, W) NV12 on the host, on any thread, for those
        who look at it.

        Raises:
            EngineError: the GPU has no memory left, or failed.
        """
