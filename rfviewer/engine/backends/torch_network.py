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
        self._compiled: dict[int, Forward] = {}
        """By frames a pass, as all forms that are built when first asked for."""
        self._plain: dict[int, Forward] = {}
        self._compiled_wanted = False
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
            self._plain[1] = traced(module, self._example)
            outputs = _outputs(self._plain[1](self._example), spec)
            # Other streams read the weights from now on.
            torch.cuda.current_stream().synchronize()
        except torch.cuda.OutOfMemoryError as error:
            raise memory_error(spec.name, "close other programs on it", error) from error
        except RuntimeError as error:
            raise engine_error(f"PyTorch cannot run {spec.name} on this GPU", error) from error
        self.num_queries, self.num_classes = outputs.logits.shape[1:]
        self.mask_hw: tuple[int, int] | None = None
        if outputs.masks is not None:
            self.mask_hw = (int(outputs.masks.shape[2]), int(outputs.masks.shape[3]))

    @property
    def form(self) -> str:
        """How the network runs."""
        word = "compiled" if self._compiled_wanted else "traced"
        return f"PyTorch {torch.__version__.split('+')[0]}, {word}"

    @property
    def batch_obstacle(self) -> str:
        """Nothing: a form for another number of frames is built when first asked for."""
        return ""

    def is_compiled(self, batch: int) -> bool:
        """Whether the compiled form for `batch` frames a pass is there already."""
        return batch in self._compiled

    def forward(self, batch: int) -> Forward:
        """Return what bound networks of `batch` frames a pass run now."""
        form = self._compiled.get(batch) if self._compiled_wanted else self._plain.get(batch)
        if form is None:
            raise RuntimeError(f"there is no form for {batch} frames, or the network is closed")
        return form

    def bind(self, batch: int = 1) -> BoundNetwork:
        """Allocate the input of one more slot; the plain form for another `batch` takes seconds.

        Raises:
            EngineError: it cannot be built.
        """
        self._build_plain(batch)
        return _BoundTorch(self, torch.zeros_like(self._examples(batch)))

    def use_compiled(self, *, wanted: bool, batch: int) -> None:
        """Let every later `enqueue` of `batch` frames run the compiled form, or the traced one.

        The first time takes up to a minute. Graphs captured before keep their form.

        Raises:
            EngineError: the compiler failed; the traced form is in use.
        """
        self._compiled_wanted = False
        if wanted and batch not in self._compiled:
            try:
                keep_compiled_networks(store_folder("inductor", EngineError))
                module = self._placed(build_module(self._spec))
                self._compiled[batch] = compiled(module, self._examples(batch))
                torch.cuda.current_stream().synchronize()
            except Exception as error:  # the compiler's errors share no base class
                if is_device_lost(error):
                    raise engine_error("The network could not be compiled", error) from error
                raise EngineError(first_line(error)) from error
        self._compiled_wanted = wanted

    def _build_plain(self, batch: int) -> None:
        """Have the form that needs no compiler for `batch` frames a pass."""
        if batch in self._plain:
            return
        what = f"{self._spec.name} with {batch} frames a pass"
        try:
            module = self._placed(build_module(self._spec))
            self._plain[batch] = traced(module, self._examples(batch))
            # Other streams read the weights from now on.
            torch.cuda.current_stream().synchronize()
        except torch.cuda.OutOfMemoryError as error:
            raise memory_error(what, "set micro_batch to 1", error) from error
        except RuntimeError as error:
            raise engine_error(f"PyTorch cannot run {what} on this GPU", error) from error

    def _examples(self, batch: int) -> torch.Tensor:
        return self._example.expand(batch, -1, -1, -1).contiguous()

    def _placed(self, module: torch.nn.Module) -> torch.nn.Module:
        """Return `module` on the GPU, in this precision."""
        placed = module.to(device=self._device, dtype=self._kind.dtype)
        outside = self._kind.outside
        return placed if outside is None else _Cast(placed, self._kind.dtype, outside)

    def close(self) -> None:
        """Free the weights. Idempotent."""
        self._plain.clear()
        self._compiled.clear()

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
        forward = self._network.forward(len(self.network_input))
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
