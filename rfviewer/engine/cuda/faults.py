"""What PyTorch and Triton raise, as errors of ours: a bad frame, too little memory, a lost device.

After some CUDA errors every later call of the process fails the same way; the context is dead and
only a new process helps. Source of the codes: CUDA runtime API, cudaError. Needs no torch.
"""

import re

from rfviewer.errors import DeviceLostError, EngineError

_DEAD_CONTEXT = {
    46: "devices unavailable",
    214: "ecc",
    220: "nvlink",
    700: "illegal memory access",
    702: "launch timed out",
    709: "context is destroyed",
    710: "device-side assert",
    714: "hardware stack error",
    715: "illegal instruction",
    716: "misaligned address",
    717: "not supported on the global",
    718: "invalid program counter",
    719: "unspecified launch failure",
    999: "unknown error",
}
"""Codes after which the context is unusable, each with words of its message."""
_CUDA_WORDS = re.compile(r"cuda|cudnn|cublas|triton|accelerator", re.IGNORECASE)
_NEEDED = re.compile(r"Tried to allocate ([\d.]+ [KMGT]iB)")
_FREE = re.compile(r"of which ([\d.]+ [KMGT]iB) is free")


def is_device_lost(error: BaseException) -> bool:
    """Return whether the process cannot use the GPU any more after `error`."""
    code = getattr(error, "error_code", None)
    if isinstance(code, int):
        return code in _DEAD_CONTEXT
    text = str(error)
    if not _CUDA_WORDS.search(text):
        return False
    return any(words in text.lower() for words in _DEAD_CONTEXT.values())


def engine_error(doing: str, error: BaseException) -> EngineError:
    """Return what to raise for `error`, as one sentence.

    Args:
        doing: what failed, as the beginning of the sentence, e.g. "Frame 12 failed on the GPU".
        error: what PyTorch or Triton raised.
    """
    if isinstance(error, EngineError):
        return error
    if is_device_lost(error):
        return DeviceLostError(
            f"{doing} and the GPU is lost to this process ({first_line(error)});"
            " restart the engine process."
        )
    return EngineError(f"{doing} ({first_line(error)}).")


def memory_error(what: str, instead: str, error: BaseException) -> EngineError:
    """Return the sentence for too little GPU memory, with figures where PyTorch gives them.

    Args:
        what: what did not fit, e.g. "4 frames of 3840x2160 in flight".
        instead: the smaller setting to try, e.g. "lower depth to 3".
        error: torch's own error.
    """
    needed, free = _NEEDED.search(str(error)), _FREE.search(str(error))
    figures = f" ({needed[1]} more needed, {free[1]} free)" if needed and free else ""
    return EngineError(f"The GPU's memory does not suffice for {what}{figures}; {instead}.")


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, without its full stop; its type if it has none."""
    return str(error).strip().split("\n", 1)[0].rstrip(".") or type(error).__name__
