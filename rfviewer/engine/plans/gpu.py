"""Which GPU is here, asked from the driver: no CUDA context, no torch."""

import pynvml

from rfviewer.engine.plans.key import GpuIdentity
from rfviewer.errors import EngineError


def find_gpu(uuid: str = "") -> GpuIdentity:
    """Return the identity of a GPU of this machine.

    Args:
        uuid: which one, as "GPU-..."; empty for the first. CUDA's own order may differ from the
            driver's, so an engine names its device by this.

    Raises:
        EngineError: there is no NVIDIA GPU, or its driver does not answer.
    """
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise EngineError(
            f"TensorRT needs an NVIDIA GPU and its driver, and none answers ({error}); choose"
            " backend onnxruntime, or name a GPU generation, as in --target sm89."
        ) from error
    try:
        if uuid:
            handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
        else:
            handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
        return GpuIdentity(
            name=str(pynvml.nvmlDeviceGetName(handle)),
            sm=f"sm{major}{minor}",
            driver=str(pynvml.nvmlSystemGetDriverVersion()),
        )
    except pynvml.NVMLError as error:
        raise EngineError(
            f"The NVIDIA driver does not tell what GPU this is ({error}); restart the machine."
        ) from error
    finally:
        pynvml.nvmlShutdown()
