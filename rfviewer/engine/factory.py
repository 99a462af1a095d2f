"""Builds the engine that was asked for, or says why it cannot. Called on the engine thread."""

from collections.abc import Callable

from rfviewer import log
from rfviewer.config import EngineConfig
from rfviewer.engine.host_engine import HostEngine
from rfviewer.engine.passthrough import PassthroughEngine
from rfviewer.engine.streams import StartThread
from rfviewer.errors import EngineError
from rfviewer.interfaces import Engine, Progress
from rfviewer.models.spec import ModelSpec
from rfviewer.optimizations import Optimizations

type ResolveModel = Callable[[str, Progress], ModelSpec]
"""Turns `EngineConfig.model` into a network; raises ModelError with one sentence."""

_GPU_BACKENDS = {
    "torch": "PyTorch",
    "tensorrt": "TensorRT",
    "tensorrt-rtx": "TensorRT for RTX",
}
"""Backends of `config.BACKEND_NAMES` that this version does not have yet, and what they need."""

_STEPS = ("Reading the model", "Loading the network", "Warming up")


def make_engine(
    config: EngineConfig,
    optimizations: Optimizations,
    progress: Progress,
    *,
    resolve_model: ResolveModel,
    start_thread: StartThread,
) -> Engine:
    """Return an engine that is ready for frames.

    A backend asked for by name runs or fails; only `auto` chooses, and `info.backend_reason` says
    what and why.

    Raises:
        ModelError: the model is unknown, broken or not supported.
        EngineError: the backend cannot run here.
    """
    if config.backend in _GPU_BACKENDS:
        raise EngineError(
            f"The backend {config.backend} needs an NVIDIA GPU and {_GPU_BACKENDS[config.backend]},"
            " and is not part of this version; choose auto or onnxruntime."
        )

    def step(name: str) -> None:
        progress(name, _STEPS.index(name) + 1, len(_STEPS))

    step(_STEPS[0])
    spec = resolve_model(config.model, progress)
    if spec.onnx_path is None and spec.checkpoint is None:
        return PassthroughEngine(spec, config, optimizations)
    # Here, so that model "none" starts without the runtime.
    from rfviewer.engine.backends.onnxruntime import OrtBackend

    backend = OrtBackend(spec, config, step)
    reason = (
        "asked for by name"
        if config.backend != "auto"
        else "auto: ONNX Runtime on the CPU is the only backend of this version"
    )
    log.engine.info("%s on %s, %s, %s", spec.name, backend.device, backend.precision, reason)
    return HostEngine(
        backend,
        spec,
        config,
        optimizations,
        backend_reason=reason,
        start_thread=start_thread,
    )
