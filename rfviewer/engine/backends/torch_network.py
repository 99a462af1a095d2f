"""RF-DETR through PyTorch on an NVIDIA GPU, capturable as a graph."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from rfviewer.config import EngineConfig, keep_compiled_networks
from rfviewer.engine.backends.torch_forms import Forward, compiled, traced
from rfviewer.engine.backends.torch_module import build_module
from rfviewer.engine.cuda.faults import (
    engine_error,
    first_line,
    is_device_lost,
    memory_error,
)
from rfviewer.engine.cuda.network import BoundNetwork, DeviceOutputs
from rfviewer.errors import EngineError, ModelError
from rfviewer.models.export_store import store_folder
from rfviewer.models.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Precision:
    """How the network computes."""

    dtype: torch.dtype
    """Type of the weights, and of input and outputs unless `outside` says otherwise."""
    tf32: bool = False
    """Whether fp32 products may round their operands to tf32."""
    outside: torch.dtype | None = None
    """Type of input and outputs where the kernels around the network do not take `dtype`."""


PRECISIONS = {
    "fp16": Precision(torch.float16),
    "fp32": Precision(torch.float32),
    "tf32": Precision(torch.float32, tf32=True),
    "bf16": Precision(torch.bfloat16, outside=torch.float32),
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
        width, height = spec.input_wh
        self.input_hw = (height, width)
        self._spec = spec
        self._device = torch.device("cuda", torch.cuda.current_device())
        self._compiled: Forward | None = None
        progress("Building the network")
        module = build_module(spec)
        progress("Tracing the network")
        self._allow_tf32()
        try:
            module = self._placed(module)
            self._example = torch.randn(
                1,
                3,
                height,
                width,
                device=self._device,
                dtype=self._kind.outside or self._kind.dtype,
            )
            self._traced: Forward | None = traced(module, self._example)
            outputs = _outputs(self._traced(self._example), spec)
            # Other streams read the weights from now on.
            torch.cuda.current_stream().synchronize()
        except torch.cuda.OutOfMemoryError as error:
            raise memory_error(spec.name, "close other programs on it", error) from error
        except RuntimeError as error:
            raise engine_error(f"PyTorch cannot run {spec.name} on this GPU", error) from error
        self.forward: Forward | None = self._traced
        """What every bound network runs now."""
        self.num_queries, self.num_classes = outputs.logits.shape[1:]
        self.mask_hw: tuple[int, int] | None = None
        if outputs.masks is not None:
            self.mask_hw = (int(outputs.masks.shape[2]), int(outputs.masks.shape[3]))

    @property
    def form(self) -> str:
        """How the network runs."""
        word = "traced" if self.forward is self._traced else "compiled"
        return f"PyTorch {torch.__version__.split('+')[0]}, {word}"

    @property
    def is_compiled(self) -> bool:
        """Whether the compiled form is there already."""
        return self._compiled is not None

    def bind(self) -> BoundNetwork:
        """Allocate the input of one more slot."""
        return _BoundTorch(self, torch.zeros_like(self._example))

    def use_compiled(self, *, wanted: bool) -> None:
        """Let every later `enqueue` run the compiled form, or the traced one.

        The first time takes up to a minute. Graphs captured before keep their form.

        Raises:
            EngineError: the compiler failed; the traced form stays in use.
        """
        if wanted and self._compiled is None:
            try:
                keep_compiled_networks(store_folder("inductor", EngineError))
                module = self._placed(build_module(self._spec))
                self._compiled = compiled(module, self._example)
                torch.cuda.current_stream().synchronize()
            except Exception as error:  # the compiler's errors share no base class
                self.forward = self._traced
                if is_device_lost(error):
                    raise engine_error("The network could not be compiled", error) from error
                raise EngineError(first_line(error)) from error
        self.forward = self._compiled if wanted else self._traced

    def _placed(self, module: torch.nn.Module) -> torch.nn.Module:
        """Return `module` on the GPU, in this precision."""
        placed = module.to(device=self._device, dtype=self._kind.dtype)
        outside = self._kind.outside
        return placed if outside is None else _Cast(placed, self._kind.dtype, outside)

    def close(self) -> None:
        """Free the weights. Idempotent."""
        self.forward = self._traced = self._compiled = None

    def _allow_tf32(self) -> None:
        # Process-wide; one engine computes at a time.
        torch.backends.cuda.matmul.allow_tf32 = self._kind.tf32
        torch.backends.cudnn.allow_tf32 = self._kind.tf32


class _Cast(torch.nn.Module):  # type: ignore[misc]
    """A module that computes in one type and looks like another from outside."""

    def __init__(self, module: torch.nn.Module, inside: torch.dtype, outside: torch.dtype) -> None:
        super().__init__()
        self._module = module
        self._inside, self._outside = inside, outside

    def forward(self, network_input: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = self._module(network_input.to(self._inside))
        return tuple(output.to(self._outside) for output in found)


class _BoundTorch:
    """The network with one slot's input; outputs are where the last run or the graph put them."""

    def __init__(self, network: TorchNetwork, network_input: torch.Tensor) -> None:
        self._network = network
        self.network_input = network_input

    def enqueue(self, stream: torch.cuda.Stream) -> DeviceOutputs:
        """Put one pass on `stream`, which is the current one."""
        forward = self._network.forward
        if forward is None:
            raise RuntimeError("enqueue() on a closed network")
        with torch.no_grad():
            found = forward(self.network_input)
        return DeviceOutputs(found[0], found[1], found[2] if len(found) > 2 else None)


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
