"""From the user's choice of a decoder to one that is opened, or to the reason why it is not."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from rfviewer.decode import Decode
from rfviewer.picture_memory import PictureMemory
from rfviewer.sources.hardware import (
    ON_CPU,
    Decoding,
    HardwareRefusedError,
    PictureDecoder,
)
from rfviewer.sources.nvdec import NvdecDecoder

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

AUTO_FROM_PIXELS: int | None = None
"""Pictures of so many pixels or more are decoded on the GPU by the automatic choice.

None keeps it to the CPU: what pays depends on its cores (docs/OPTIMIZATION_LOG.md, D1 and D2).
"""


def decoding_for(
    decode: Decode, pictures: Callable[[], PictureMemory | None] = lambda: None
) -> Decoding:
    """Return what `decode` asks of a source that FFmpeg decodes.

    `pictures` returns where frames can stay on the GPU; only a decoder there asks for it.
    """
    if decode is Decode.CPU:
        return ON_CPU
    opens = NvdecDecoder if decode is Decode.GPU else open_where_it_pays
    return Decoding(decode, partial(opens, pictures=pictures))


def open_where_it_pays(
    software: "VideoCodecContext",
    live: bool,  # noqa: FBT001 - `OpenHardware`
    pictures: Callable[[], PictureMemory | None],
) -> PictureDecoder:
    """Open NVDEC for large pictures (`OpenHardware`).

    Raises:
        HardwareRefusedError: they are small, or NVDEC is not to be had.
    """
    if AUTO_FROM_PIXELS is None:
        raise HardwareRefusedError("the automatic choice keeps to it")
    if software.width * software.height < AUTO_FROM_PIXELS:
        raise HardwareRefusedError("pictures of this size are decoded as fast there")
    return NvdecDecoder(software, live, pictures=pictures)
