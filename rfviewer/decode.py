"""What decodes a video: the choice, and what became of it."""

from dataclasses import dataclass
from enum import StrEnum


class Decode(StrEnum):
    """What decodes a video."""

    AUTO = "auto"
    """The GPU where that was measured to pay, else the CPU."""
    CPU = "cpu"
    """FFmpeg's decoders on the host."""
    GPU = "gpu"
    """NVDEC; where it cannot, the CPU goes on and the reason is shown."""

    @property
    def for_files(self) -> "Decode":
        """What stands for it where files are written or figures made: automatic is the CPU."""
        return Decode.CPU if self is Decode.AUTO else self


@dataclass(frozen=True, slots=True)
class DecodeState:
    """What decodes an open video."""

    requested: Decode
    """As asked for."""
    effective: Decode
    """CPU or GPU; while it plays it changes once at most, to the CPU."""
    reason: str = ""
    """Why it is not the GPU, in a few words; empty when it is, or when nobody asked for it."""
    on_device: bool = False
    """Whether the last picture stayed on the GPU: it comes to the host only for who looks."""
