"""Builds the engine that was asked for, or says why it cannot. Called on the engine thread."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from rfviewer import log
from rfviewer.config import EngineConfig, keep_compiled_kernels
from rfviewer.engine.choice import (
    Choice,
    choose_backend,
    gpu_obstacle,
    tensorrt_obstacle,
    torch_obstacle,
)
from rfviewer.engine.cuda.faults import first_line
from rfviewer.engine.host_engine import HostEngine
from rfviewer.engine.passthrough import PassthroughEngine
from rfviewer.engine.streams import StartThread
from rfviewer.errors import EngineError
from rfviewer.interfaces import Engine, Progress
from rfviewer.models.export_store import store_folder
from rfviewer.models.spec import ModelSpec
from rfviewer.optimizations import Optimizations
from rfviewer.picture_memory import PictureMemory

if TYPE_CHECKING:
    from rfviewer.engine.cuda.network import DeviceNetwork

type ResolveModel = Callable[[str, Progress], ModelSpec]
"""Turns `EngineConfig.model` into a network; raises ModelError with one sentence."""

_HOST_STEPS = ("Reading the model", "Loading the network", "Warming up")
_TITLES = {"torch": "PyTorch", "tensorrt": "TensorRT", "tensorrt-rtx": "TensorRT for RTX"}
_TORCH_STEPS = ("Reading the model", "Building the network", "Warming up")


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
    step = _stepper(progress, _HOST_STEPS)
    step(_HOST_STEPS[0])
    spec = resolve_model(config.model, progress)
    if spec.onnx_path is None and spec.checkpoint is None:
        return PassthroughEngine(spec, config, optimizations)
    choice = choose_backend(config, spec)
    if choice.backend != "onnxruntime":
        try:
            return _cuda_engine(choice, spec, config, optimizations, progress, start_thread)
        except EngineError as error:
            if config.backend != "auto":
                raise
            log.engine.warning("auto: %s could not start: %s", choice.backend, error)
            choice = Choice("onnxruntime", f"auto: ONNX Runtime, because PyTorch failed: {error}")
    # Here, so that model "none" and a GPU start without the runtime.
    from rfviewer.engine.backends.onnxruntime import OrtBackend

    backend = OrtBackend(spec, config, step)
    reason = f"{choice.reason}; it runs {backend.place}"
    log.engine.info("%s on %s, %s, %s", spec.name, backend.device, backend.precision, reason)
    return HostEngine(
        backend,
        spec,
        config,
        optimizations,
        backend_reason=reason,
        start_thread=start_thread,
    )


def picture_memory(config: EngineConfig) -> PictureMemory | None:
    """Return where decoded pictures may stay on the GPU; None where the engine reads the host's.

    Called on the thread that opens a source, and only where NVDEC is to decode it: imports torch.
    """
    try:
        obstacle = gpu_obstacle(config)
        if not obstacle:
            from rfviewer.engine.cuda.pictures import current_pictures

            return current_pictures()
    except (ImportError, OSError, RuntimeError) as error:
        obstacle = f"PyTorch does not start ({first_line(error)})"
    log.source.info("decoded pictures come to the host: %s", obstacle)
    return None


def _cuda_engine(
    choice: Choice,
    spec: ModelSpec,
    config: EngineConfig,
    optimizations: Optimizations,
    progress: Progress,
    start_thread: StartThread,
) -> Engine:
    """Return an engine on the GPU. Here torch is imported, and only here.

    Raises:
        ModelError: the weights are broken.
        EngineError: the backend cannot run here.
    """
    # Before Triton is imported: what it compiles is loaded as code, so it lies where we look.
    keep_compiled_kernels(store_folder("triton", EngineError))
    network = _device_network(choice.backend, spec, config, progress)
    from rfviewer.engine.cuda.engine import CudaEngine

    progress("Warming up", len(_TORCH_STEPS), len(_TORCH_STEPS))
    try:
        engine = CudaEngine(
            network,
            spec,
            config,
            optimizations,
            backend_reason=choice.reason,
            start_thread=start_thread,
        )
    except BaseException:
        network.close()
        raise
    info = engine.info
    log.engine.info("%s on %s, %s, %s", spec.name, info.device, info.precision, choice.reason)
    return engine


def _device_network(
    backend: str, spec: ModelSpec, config: EngineConfig, progress: Progress
) -> "DeviceNetwork":
    torch_wanted = backend == "torch"
    obstacle = torch_obstacle(spec) if torch_wanted else tensorrt_obstacle()
    if obstacle:
        raise EngineError(
            f"The backend {backend} needs an NVIDIA GPU and {_TITLES[backend]}, but {obstacle};"
            " choose auto or onnxruntime."
        )
    if torch_wanted:
        from rfviewer.engine.backends.torch_network import TorchNetwork

        return TorchNetwork(spec, config, _stepper(progress, _TORCH_STEPS))
    from rfviewer.engine.backends.tensorrt_network import TensorRtNetwork

    name: Literal["tensorrt", "tensorrt-rtx"]
    name = "tensorrt-rtx" if backend == "tensorrt-rtx" else "tensorrt"
    return TensorRtNetwork(name, spec, config, progress)


def _stepper(progress: Progress, steps: Sequence[str]) -> Callable[[str], None]:
    """Return what tells `progress` one of `steps` by its name."""
    return lambda name: progress(name, steps.index(name) + 1, len(steps))
