"""ONNX bytes to an engine with TensorRT, telling the progress. Runs in the worker."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from rfviewer.engine.backends.tensorrt_api import (
    IHostMemory,
    INetworkDefinition,
    ITensor,
    RtxBuilderConfig,
)
from rfviewer.engine.backends.tensorrt_layout import TensorLayout, dtype_word
from rfviewer.engine.backends.tensorrt_module import TensorRt, make_logger
from rfviewer.errors import EngineError

type Report = Callable[[str], bool]
"""Called with what is being done and how far it is; returns False to give up."""

_REPORT_EVERY_S = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class BuiltPlan:
    """What a build made."""

    plan: IHostMemory
    precision: str
    """Of most of its matrix products."""
    inputs: tuple[TensorLayout, ...]
    outputs: tuple[TensorLayout, ...]


@dataclass(slots=True)
class _Phase:
    """One running phase of the builder."""

    parent: str | None
    steps: int
    done: int = 0


@dataclass(slots=True)
class BuildProgress:
    """Turns the builder's nested phases into one percentage. Called from the builder's threads."""

    report: Report
    phases: dict[str, _Phase] = field(default_factory=dict)
    percent: int = 0
    """Never falls, whatever phases come and go."""
    next_report_s: float = 0.0

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """Note that a phase begins."""
        self.phases[name] = _Phase(parent, max(1, steps))

    def finish(self, name: str) -> None:
        """Note that a phase has ended."""
        self.phases.pop(name, None)

    def step(self, name: str, index: int) -> bool:
        """Note that step `index` of a phase is done; return whether to go on."""
        if name in self.phases:
            self.phases[name].done = index + 1
        roots = [key for key, phase in self.phases.items() if phase.parent not in self.phases]
        share = max((self._share(root) for root in roots), default=0.0)
        self.percent = max(self.percent, int(100 * min(share, 0.99)))
        if time.monotonic() < self.next_report_s:
            return True
        self.next_report_s = time.monotonic() + _REPORT_EVERY_S
        return self.report(f"Building the engine: {self.percent} %")

    def _share(self, name: str) -> float:
        """Return how much of a phase is done, its running inner phases included, 0..1."""
        phase = self.phases[name]
        inner = [self._share(key) for key, other in self.phases.items() if other.parent == name]
        return min(1.0, (phase.done + max(inner, default=0.0)) / phase.steps)


def build_plan(
    tensorrt: TensorRt, onnx_bytes: bytes, precision: str, target: str, report: Report
) -> BuiltPlan:
    """Build a plan.

    Args:
        tensorrt: which flavour.
        onnx_bytes: a model that holds its own weights, already in its precision.
        precision: "fp32" forbids products in tf32, which TensorRT takes otherwise.
        target: RTX only: GPU generation to build for, e.g. "SM89"; empty for the GPU of this
            machine.
        report: told about ten times a second.

    Raises:
        EngineError: one sentence with TensorRT's own reason.
    """
    module = tensorrt.module
    logger, errors = make_logger(tensorrt)
    builder = module.Builder(logger)
    # RTX and TensorRT 11 know nothing else; TensorRT 10 must be told.
    strongly_typed = 1 << int(module.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(strongly_typed)
    parser = module.OnnxParser(network, logger)
    if not parser.parse(onnx_bytes):
        told = [parser.get_error(index).desc() for index in range(parser.num_errors)]
        raise EngineError(
            f"{tensorrt.title} {tensorrt.version} cannot read this model ({_reason(told)});"
            " choose another backend."
        )
    products = product_precision(tensorrt, network)
    config = builder.create_builder_config()
    if precision == "fp32":
        config.clear_flag(module.BuilderFlag.TF32)
    if products == "fp32" and config.get_flag(module.BuilderFlag.TF32):
        products = "tf32"
    config.progress_monitor = _monitor(tensorrt, BuildProgress(report))
    if target:
        _set_target(tensorrt, cast("RtxBuilderConfig", config), target)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineError(
            f"{tensorrt.title} {tensorrt.version} cannot build an engine of this model"
            f" ({_reason(errors)}); choose another backend or precision."
        )
    inputs = [network.get_input(index) for index in range(network.num_inputs)]
    outputs = [network.get_output(index) for index in range(network.num_outputs)]
    return BuiltPlan(plan, products, _layouts(tensorrt, inputs), _layouts(tensorrt, outputs))


def _layouts(tensorrt: TensorRt, tensors: Sequence[ITensor]) -> tuple[TensorLayout, ...]:
    return tuple(
        TensorLayout(t.name, tuple(int(size) for size in t.shape), dtype_word(tensorrt, t.dtype))
        for t in tensors
    )


def product_precision(tensorrt: TensorRt, network: INetworkDefinition) -> str:
    """Return the precision of most matrix products and convolutions: where the time goes.

    The network is strongly typed, so the engine computes in just these types.
    """
    products = (tensorrt.module.LayerType.MATRIX_MULTIPLY, tensorrt.module.LayerType.CONVOLUTION)
    counts: Counter[str] = Counter()
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        if layer.type in products:
            counts[dtype_word(tensorrt, layer.get_output(0).dtype)] += 1
    if not counts:
        raise EngineError("The model has no matrix product, so it is no RF-DETR network.")
    return counts.most_common(1)[0][0]


def check_target(tensorrt: TensorRt, target: str) -> None:
    """Check that an engine can be built ahead of time for `target`, e.g. "SM89".

    Raises:
        EngineError: it cannot.
    """
    if not tensorrt.is_rtx:
        raise EngineError(
            f"{tensorrt.title} builds only for the GPU of this machine; leave --target out, or"
            " choose backend tensorrt-rtx."
        )
    if target not in tensorrt.targets():
        known = ", ".join(name.lower() for name in tensorrt.targets())
        raise EngineError(
            f"{tensorrt.title} {tensorrt.version} has no engines for {target.lower()} GPUs, only"
            f" for {known}; choose backend torch or tensorrt there."
        )


def _set_target(tensorrt: TensorRt, config: RtxBuilderConfig, target: str) -> None:
    check_target(tensorrt, target)
    config.num_compute_capabilities = 1
    capability = getattr(tensorrt.module.ComputeCapability, target)
    if not config.set_compute_capability(capability, 0):
        raise EngineError(f"{tensorrt.title} refuses to build for {target.lower()} GPUs.")


def _monitor(tensorrt: TensorRt, progress: BuildProgress) -> object:
    base: Any = tensorrt.module.IProgressMonitor

    class Monitor(base):  # type: ignore[misc]
        """Passes the builder's progress on."""

        def __init__(self) -> None:
            base.__init__(self)  # pybind11 wants the very class

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            progress.start(phase_name, parent_phase, num_steps)

        def phase_finish(self, phase_name: str) -> None:
            progress.finish(phase_name)

        def step_complete(self, phase_name: str, step: int) -> bool:
            return progress.step(phase_name, step)

    return Monitor()


def _reason(messages: list[str]) -> str:
    """Return the first complaint, short enough for a sentence."""
    return messages[0].strip().splitlines()[0][:300] if messages else "it gave no reason"
