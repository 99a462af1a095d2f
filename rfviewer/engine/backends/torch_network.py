"""RF-DETR through PyTorch on an NVIDIA GPU, capturable as a graph."""

from collections.abc import Callable

import torch
from triton import TritonError

from rfviewer import log
from rfviewer.config import EngineConfig
from rfviewer.engine.backends.fused.network import Beside, FusedNetwork
from rfviewer.engine.backends.fused.support import Unsupported
from rfviewer.engine.backends.torch_forms import PRECISIONS, Forward, traced
from rfviewer.engine.backends.torch_module import build_module
from rfviewer.engine.cuda.faults import engine_error, first_line, memory_error
from rfviewer.engine.cuda.network import BoundNetwork, DeviceOutputs
from rfviewer.errors import ModelError
from rfviewer.models.spec import ModelSpec
from rfviewer_kernels.network.dependent import dependent_launches, dependent_obstacle

_AUTO = "fp16"


class TorchNetwork:
    """Implements `DeviceNetwork` and `FusableNetwork`. Engine thread."""

    name = "torch"

    def __init__(
        self, spec: ModelSpec, config: EngineConfig, progress: Callable[[str], None]
    ) -> None:
        """Build the network and run it once.

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
        self._traced: dict[int, Forward] = {}
        """By frames a pass: a trace takes one number of frames only."""
        self._fused: Forward | None = None
        self._use_fused = False
        self.fused_obstacle = ""
        self.dependent_obstacle = dependent_obstacle(self._device)
        self._dependent = not self.dependent_obstacle
        progress("Building the network")
        module = build_module(spec)
        try:
            self._module: torch.nn.Module | None = module.to(self._device, self._kind.dtype)
            outputs = self._first_fused_run(self._module)
            if outputs is None:
                log.engine.info("%s runs traced: %s", spec.name, self.fused_obstacle)
                outputs = self.bind().enqueue(torch.cuda.current_stream())
            # Other streams read the weights from now on.
            torch.cuda.current_stream().synchronize()
        except torch.cuda.OutOfMemoryError as error:
            raise memory_error(spec.name, "close other programs on it", error) from error
        except RuntimeError as error:
            raise engine_error(f"PyTorch cannot run {spec.name} on this GPU", error) from error
        _check(outputs, spec)
        self.num_queries, self.num_classes = outputs.logits.shape[1:]
        self.mask_hw: tuple[int, int] | None = None
        if outputs.masks is not None:
            self.mask_hw = (int(outputs.masks.shape[2]), int(outputs.masks.shape[3]))

    @property
    def form(self) -> str:
        """How the network runs."""
        word = "fused network" if self._use_fused else "traced network"
        return f"PyTorch {torch.__version__.split('+')[0]}, {word}"

    @property
    def batch_obstacle(self) -> str:
        """Nothing: any number of frames fits a pass."""
        return ""

    @property
    def runs_fused(self) -> bool:
        """Whether `forward` is the fused form now."""
        return self._use_fused

    @property
    def launches_dependently(self) -> bool:
        """Whether the kernels of `forward` are put in place while the ones before them end."""
        return self._use_fused and self._dependent

    def forward(self, batch: int) -> Forward:
        """Return what bound networks of `batch` frames a pass run now, set to its precision."""
        form = self._fused if self._use_fused else self._traced.get(batch)
        if form is None:
            raise RuntimeError(f"there is no form for {batch} frames, or the network is closed")
        self._kind.allow_tf32()
        return form

    def bind(self, batch: int = 1) -> BoundNetwork:
        """Allocate the input of one more slot; tracing for another `batch` takes seconds.

        Raises:
            EngineError: it cannot be traced.
        """
        if not self._use_fused:
            self._trace(batch)
        return _BoundTorch(self, torch.zeros_like(self._example(batch)))

    def use_form(self, *, fused: bool, dependent: bool, batch: int) -> bool:
        """Let every later `enqueue` run the fused form, or the traced one; return if that changed.

        Graphs captured before keep their form. Tracing takes seconds, once per number of frames.

        Raises:
            EngineError: it cannot be traced; the form before stays in use.
        """
        before = self._use_fused, self.launches_dependently
        fused = fused and not self.fused_obstacle
        if not fused:
            self._trace(batch)
        self._use_fused = fused
        self._dependent = dependent and not self.dependent_obstacle
        return before != (self._use_fused, self.launches_dependently)

    def close(self) -> None:
        """Free the weights. Idempotent."""
        self._traced.clear()
        self._fused = self._module = None

    def _first_fused_run(self, module: torch.nn.Module) -> DeviceOutputs | None:
        """Return what the fused form gives, which is in use from then on.

        None, with the obstacle told, where it cannot be had: the module differs from what it was
        written for, or a kernel needs more of the GPU than there is, e.g. of shared memory.
        """
        try:
            self._fused = self._kind.cast(FusedNetwork(module, self.input_hw))
            self._use_fused = True
            return self.bind().enqueue(torch.cuda.current_stream())
        except Unsupported as found:
            self.fused_obstacle = f"not written for {found}"
        except TritonError as error:
            self.fused_obstacle = f"its kernels do not run on this GPU ({first_line(error)})"
        self._fused, self._use_fused = None, False
        return None

    def _trace(self, batch: int) -> None:
        """Have the traced form for `batch` frames a pass."""
        if batch in self._traced or self._module is None:
            return
        self._kind.allow_tf32()
        what = f"{self._spec.name} with {batch} frames a pass"
        inside = self._example(batch).to(self._kind.dtype)
        try:
            self._traced[batch] = self._kind.cast(traced(self._module, inside))
            # Other streams read the weights from now on.
            torch.cuda.current_stream().synchronize()
        except torch.cuda.OutOfMemoryError as error:
            raise memory_error(what, "set micro_batch to 1", error) from error
        except RuntimeError as error:
            raise engine_error(f"PyTorch cannot run {what} on this GPU", error) from error

    def _example(self, batch: int) -> torch.Tensor:
        dtype = self._kind.outside or self._kind.dtype
        return torch.randn(batch, 3, *self.input_hw, device=self._device, dtype=dtype)


class _BoundTorch:
    """The network with one slot's input; outputs are where the last run or the graph put them."""

    def __init__(self, network: TorchNetwork, network_input: torch.Tensor) -> None:
        self._network = network
        self.network_input = network_input
        # The slot's own: two slots on one second stream would wait for each other.
        self._side = torch.cuda.Stream(network_input.device)

    @property
    def tells_nearly_done(self) -> bool:
        """Whether the fused form runs now."""
        return self._network.runs_fused

    def enqueue(
        self, stream: torch.cuda.Stream, nearly_done: torch.cuda.Event | None = None
    ) -> DeviceOutputs:
        """Put one pass on `stream`, which is the current one."""
        forward = self._network.forward(len(self.network_input))
        dependent = self._network.launches_dependently
        with torch.no_grad(), dependent_launches(wanted=dependent):
            found = forward(self.network_input, Beside(self._side, nearly_done))
        return DeviceOutputs(found[0], found[1], found[2] if len(found) > 2 else None)


def _check(outputs: DeviceOutputs, spec: ModelSpec) -> None:
    """Raise unless the raw outputs are what the model says of itself."""
    classes = outputs.logits.shape[2]
    if classes != len(spec.class_names) or (spec.has_masks and outputs.masks is None):
        raise ModelError(
            f"The checkpoint of {spec.name} has {classes} classes and"
            f" {'no ' if outputs.masks is None else ''}masks, expected {len(spec.class_names)}"
            f" classes {'with' if spec.has_masks else 'without'} masks; export or download it"
            " again."
        )
