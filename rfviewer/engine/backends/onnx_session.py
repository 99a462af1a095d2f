"""An ONNX Runtime session: on an NVIDIA GPU where the package can and may, else on the CPU."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rfviewer.onnx_runtime import onnxruntime

_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_CUDA_OPTIONS = {"use_tf32": "0"}
"""The provider rounds products of fp32 to TF32 unless told not to; the graph asks for fp32."""


@dataclass(frozen=True, slots=True, eq=False)
class OrtSession:
    """A session, and where it runs."""

    session: Any
    """The `onnxruntime.InferenceSession`."""
    on_gpu: bool
    place: str
    """Where it runs and why, as half a sentence that follows "it runs"."""


def open_session(path: Path, options: Any, *, cuda: bool) -> OrtSession:  # noqa: ANN401 - untyped
    """Load the graph at `path`.

    Args:
        path: the graph.
        options: `onnxruntime.SessionOptions`.
        cuda: whether the CUDA provider may be used, where the package has it.

    Raises:
        Exception: ONNX Runtime's errors share no other base class.
    """
    if not cuda or _CUDA not in onnxruntime.get_available_providers():
        session = onnxruntime.InferenceSession(str(path), options, providers=[_CPU])
        return OrtSession(session, on_gpu=False, place="on the CPU")
    providers = [(_CUDA, _CUDA_OPTIONS), _CPU]
    session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    if _CUDA not in session.get_providers():
        # Left out in silence where the driver, CUDA's libraries or a free GPU are missing.
        place = "on the CPU, since ONNX Runtime's CUDA provider does not start here"
        return OrtSession(session, on_gpu=False, place=place)
    session.disable_fallback()  # a failure is told, and not repeated on the CPU unseen
    return OrtSession(session, on_gpu=True, place="on the NVIDIA GPU by its CUDA provider")
