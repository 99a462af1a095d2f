"""RF-DETR through PyTorch on an NVIDIA GPU: traced, frozen, and capturable as a graph.

Tracing removes what depends on the host (Python control flow, tensors made from host values), which
is what makes the network capturable; freezing folds constants and weights together.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch

from rfviewer.config import EngineConfig
from rfviewer.engine.backends.torch_module import build_module
from rfviewer.engine.cuda.network import BoundNetwork, DeviceOutputs
from rfviewer.errors import EngineError, ModelError
from rfviewer.models.spec import ModelSpec

type Forward = Callable[[torch.Tensor], tuple[torch.Tensor, ...]]
"""Maps the network input to (boxes, class logits[, mask logits])."""

_SETTLING_RUNS = 4
"""Runs after which the profiling executor has chosen its kernels."""


@dataclass(frozen=True, slots=True)
class Precision:
    """How the network computes."""

    dtype: torch.dtype
    """Type of weights, input and outputs."""
    tf32: bool = False
    """Whether fp32 products may round their operands to tf32."""


PRECISIONS = {
    "fp16": Precision(torch.float16),
    "fp32": Precision(torch.float32),
    "tf32": Precision(torch.float32, tf32=True),
}
"""By the names of `EngineConfig.precision`."""
_AUTO = "fp16"


class TorchNetwork:
    """Implements `DeviceNetwork`. Engine thread."""

    name = "torch"

    def __init__(
        self, spec: ModelSpec, config: EngineConfig, progress: Callable[[str], None]
    ) -> None:
        """Build, trace and run the network once.

        Raises:
            EngineError: there is no GPU, or rfdetr or the weights are missing.
            ModelError: the checkpoint is damaged, or not what the model says.
        """
        self.precision = _AUTO if config.precision == "auto" else config.precision
        self._kind = PRECISIONS[self.precision]
        self.form = f"PyTorch {torch.__version__.split('+')[0]}, traced"
        width, height = spec.input_wh
        self.input_hw = (height, width)
        progress("Building the network")
        module = build_module(spec)
        progress("Tracing the network")
        self._allow_tf32()
        try:
            device = torch.device("cuda", torch.cuda.current_device())
            module = module.to(device=device, dtype=self._kind.dtype)
            example = torch.randn(1, 3, height, width, device=device, dtype=self._kind.dtype)
            self._forward: Forward | None = _traced(module, example)
            outputs = _outputs(self._forward(example), spec)
        except torch.cuda.OutOfMemoryError as error:
            raise EngineError(
                f"The GPU's memory does not suffice for {spec.name}; close other programs on it."
            ) from error
        self._example = example
        self.num_queries, self.num_classes = outputs.logits.shape[1:]
        self.mask_hw: tuple[int, int] | None = None
        if outputs.masks is not None:
            self.mask_hw = (int(outputs.masks.shape[2]), int(outputs.masks.shape[3]))

    def bind(self) -> BoundNetwork:
        """Allocate the input of one more slot."""
        if self._forward is None:
            raise RuntimeError("bind() of a closed network")
        return _BoundTorch(self._forward, torch.zeros_like(self._example))

    def close(self) -> None:
        """Free the weights. Idempotent."""
        self._forward = None

    def _allow_tf32(self) -> None:
        # Process-wide; one engine computes at a time.
        torch.backends.cuda.matmul.allow_tf32 = self._kind.tf32
        torch.backends.cudnn.allow_tf32 = self._kind.tf32


class _BoundTorch:
    """The network with one slot's input; outputs are where the last run or the graph put them."""

    def __init__(self, forward: Forward, network_input: torch.Tensor) -> None:
        self._forward = forward
        self.network_input = network_input

    def enqueue(self, stream: torch.cuda.Stream) -> DeviceOutputs:
        """Put one pass on `stream`, which is the current one."""
        with torch.no_grad():
            found = self._forward(self.network_input)
        return DeviceOutputs(found[0], found[1], found[2] if len(found) > 2 else None)


def _traced(module: torch.nn.Module, example: torch.Tensor) -> Forward:
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer tells every Python value it turns constant
        script = torch.jit.trace(module, example, check_trace=False, strict=False)
        frozen: Forward = torch.jit.freeze(script.eval())
        for _ in range(_SETTLING_RUNS):
            frozen(example)
    return frozen


def _outputs(found: tuple[torch.Tensor, ...], spec: ModelSpec) -> DeviceOutputs:
    """Return the raw outputs, checked against what the model says of itself."""
    masks = found[2] if spec.has_masks and len(found) > 2 else None
    outputs = DeviceOutputs(found[0], found[1], masks)
    classes = outputs.logits.shape[2]
    if classes != len(spec.class_names) or (spec.has_masks and masks is None):
        raise ModelError(
            f"The checkpoint of {spec.name} has {classes} classes and"
            f" {'no ' if masks is None else ''}masks, expected {len(spec.class_names)} classes"
            f" {'with' if spec.has_masks else 'without'} masks; export or download it again."
        )
    return outputs
