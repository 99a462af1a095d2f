"""RF-DETR through TensorRT or TensorRT for RTX: one engine, one execution context per slot."""

import torch

from rfviewer.config import EngineConfig
from rfviewer.engine.backends.tensorrt_engine import LoadedEngine
from rfviewer.engine.backends.tensorrt_layout import TensorLayout
from rfviewer.engine.backends.tensorrt_module import TensorRtName, load_tensorrt
from rfviewer.engine.cuda.network import BoundNetwork, DeviceOutputs
from rfviewer.engine.plans.build import PlanRequest, ensure_plan
from rfviewer.engine.plans.gpu import find_gpu
from rfviewer.errors import EngineError
from rfviewer.interfaces import Progress
from rfviewer.models.spec import ModelSpec

_TYPES = {"fp32": torch.float32, "fp16": torch.float16}


class TensorRtNetwork:
    """Implements `DeviceNetwork`. Engine thread."""

    def __init__(
        self, name: TensorRtName, spec: ModelSpec, config: EngineConfig, progress: Progress
    ) -> None:
        """Load the engine for this GPU, building it first unless it is stored.

        Args:
            name: which flavour of TensorRT.
            spec: the network.
            config: says the precision.
            progress: told every step; may raise to give up a build.

        Raises:
            ModelError: the model cannot be read.
            EngineError: TensorRT is missing, has nothing for this GPU, or cannot build or load it.
        """
        self.name: str = name
        tensorrt = load_tensorrt(name)
        self._device = torch.device("cuda", torch.cuda.current_device())
        gpu = find_gpu(f"GPU-{torch.cuda.get_device_properties(self._device).uuid}")
        request = PlanRequest(spec=spec, tensorrt=tensorrt, precision=config.precision, gpu=gpu)
        ready = ensure_plan(request, progress)
        manifest = ready.plan.manifest
        progress("Loading the engine", 4, 4)
        self._engine = LoadedEngine(tensorrt, ready.plan.data, spec)
        layout = self._engine.layout
        self.precision = manifest.precision
        self.form = f"{tensorrt.title} {tensorrt.version}, engine built {manifest.created[:10]}"
        height, width = layout.network_input.shape[2:]
        self.input_hw = (height, width)
        self.num_queries, self.num_classes = layout.logits.shape[1:]
        self.mask_hw: tuple[int, int] | None = None
        if layout.masks is not None:
            self.mask_hw = (layout.masks.shape[2], layout.masks.shape[3])

    @property
    def batch_obstacle(self) -> str:
        """Why one pass cannot take several frames."""
        return "the engine is built for one frame a pass"

    def bind(self, batch: int = 1) -> BoundNetwork:
        """Allocate input, outputs and an execution context of one more slot.

        Raises:
            EngineError: the memory does not suffice, or `batch` is not 1.
        """
        if batch != 1:
            raise EngineError(f"{self.form} takes one frame a pass; set micro_batch to 1.")
        return _BoundTensorRt(self._engine, self._device)

    def close(self) -> None:
        """Free the engine. Idempotent."""
        self._engine.close()


class _BoundTensorRt:
    """One execution context with buffers that never move, as a captured graph needs them."""

    tells_nearly_done = False

    def __init__(self, engine: LoadedEngine, device: torch.device) -> None:
        layout = engine.layout
        tensors = {tensor.name: _allocate(tensor, device) for tensor in layout.tensors()}
        self.network_input = tensors[layout.network_input.name]
        self._outputs = DeviceOutputs(
            tensors[layout.boxes.name],
            tensors[layout.logits.name],
            None if layout.masks is None else tensors[layout.masks.name],
        )
        self._run = engine.bind({name: tensor.data_ptr() for name, tensor in tensors.items()})

    def enqueue(
        self, stream: torch.cuda.Stream, nearly_done: torch.cuda.Event | None = None
    ) -> DeviceOutputs:
        """Put one pass on `stream`; its outputs are always the same tensors."""
        self._run(int(stream.cuda_stream))
        return self._outputs


def _allocate(tensor: TensorLayout, device: torch.device) -> torch.Tensor:
    return torch.zeros(tensor.shape, dtype=_TYPES[tensor.dtype], device=device)
