"""A plan loaded with TensorRT: its inputs and outputs checked, contexts that run on a stream.

Knows addresses and stream handles as numbers, and no torch: `tensorrt_network` owns the memory.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rfviewer.engine.backends.tensorrt_api import ICudaEngine, IExecutionContext
from rfviewer.engine.backends.tensorrt_module import TensorRt, make_logger
from rfviewer.errors import EngineError
from rfviewer.models.spec import ModelSpec

_ROLES = {
    "dets": "boxes",
    "labels": "logits",
    "masks": "masks",
    "pred_boxes": "boxes",
    "pred_logits": "logits",
    "pred_masks": "masks",
}
"""Outputs of RF-DETR's export, and as they are called inside; renamed here, at the edge."""


@dataclass(frozen=True, slots=True)
class TensorLayout:
    """One input or output of an engine."""

    name: str
    """Its name in the graph."""
    shape: tuple[int, ...]
    dtype: str
    """"fp32" or "fp16"."""


@dataclass(frozen=True, slots=True)
class EngineLayout:
    """The tensors of an RF-DETR engine by what they mean."""

    network_input: TensorLayout
    """1x3xHxW."""
    boxes: TensorLayout
    """1xQx4."""
    logits: TensorLayout
    """1xQxC."""
    masks: TensorLayout | None
    """1xQxhxw; None for detection-only models."""

    def tensors(self) -> tuple[TensorLayout, ...]:
        """Return all of them, the input first."""
        masks = () if self.masks is None else (self.masks,)
        return self.network_input, self.boxes, self.logits, *masks


class LoadedEngine:
    """An engine on the GPU. Made, used and freed on the engine thread."""

    def __init__(self, tensorrt: TensorRt, plan: bytes, spec: ModelSpec) -> None:
        """Load the plan, which must have come from `plans.store.find_plan` just now.

        Raises:
            EngineError: TensorRT refuses it here, or it is not the network of `spec`.
        """
        self._title = f"{tensorrt.title} {tensorrt.version}"
        logger, self._errors = make_logger(tensorrt)
        # The runtime must outlive its engines.
        self._runtime = tensorrt.module.Runtime(logger)
        engine = self._runtime.deserialize_cuda_engine(plan)
        if engine is None:  # TensorRT reports this by None and a log line, not by an exception
            raise EngineError(
                f"{self._title} cannot load the engine of {spec.name} on this GPU"
                f" ({self._last_error()}); update the driver, remove the engine with `rfviewer"
                " engine clear`, or choose backend torch."
            )
        self._engine: ICudaEngine | None = engine
        self.layout = read_layout(tensorrt, engine, spec)
        self.context_bytes = int(engine.device_memory_size_v2)
        """Scratch memory that each context takes."""

    def bind(self, addresses: Mapping[str, int]) -> Callable[[int], None]:
        """Return what puts one pass on a stream, given its handle; it does not wait.

        Each call makes a context with scratch memory of its own, so that passes may overlap.

        Args:
            addresses: device address of every tensor of the layout, by name; must stay valid.

        Raises:
            EngineError: there is no memory for a context, or TensorRT refuses an address.
        """
        if self._engine is None:
            raise RuntimeError("bind() of a closed engine")
        context = self._engine.create_execution_context()
        if context is None:
            raise EngineError(
                f"{self._title} cannot get {self.context_bytes / 1e6:.0f} MB of GPU memory for one"
                f" more frame in flight ({self._last_error()}); lower depth or close other"
                " programs on the GPU."
            )
        for tensor in self.layout.tensors():
            if not context.set_tensor_address(tensor.name, addresses[tensor.name]):
                raise EngineError(
                    f"{self._title} refuses the memory of {tensor.name} ({self._last_error()});"
                    " start again, or choose backend torch."
                )
        missing = context.infer_shapes()
        if missing:
            raise EngineError(
                f"{self._title} wants more inputs than an image ({', '.join(missing)});"
                " export the model again with a fixed size."
            )
        return self._runner(context)

    def close(self) -> None:
        """Free the engine; no pass may be under way. Idempotent."""
        self._engine = None

    def _runner(self, context: IExecutionContext) -> Callable[[int], None]:
        def enqueue(stream_handle: int) -> None:
            if not context.execute_async_v3(stream_handle):
                raise EngineError(
                    f"{self._title} could not start the network ({self._last_error()});"
                    " start the engine again."
                )

        return enqueue

    def _last_error(self) -> str:
        return self._errors[-1].strip().splitlines()[0][:300] if self._errors else "no reason given"


def read_layout(tensorrt: TensorRt, engine: ICudaEngine, spec: ModelSpec) -> EngineLayout:
    """Return the engine's inputs and outputs, found by name and checked against the model.

    Raises:
        EngineError: it is not the network of `spec`, or has types that we do not read.
    """
    types, modes = tensorrt.module.DataType, tensorrt.module.TensorIOMode
    words = {types.FLOAT: "fp32", types.HALF: "fp16"}
    inputs: list[TensorLayout] = []
    outputs: dict[str, TensorLayout] = {}
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        dtype = engine.get_tensor_dtype(name)
        shape = tuple(int(size) for size in engine.get_tensor_shape(name))
        tensor = TensorLayout(name, shape, words.get(dtype, str(dtype)))
        if engine.get_tensor_mode(name) == modes.INPUT:
            inputs.append(tensor)
        else:
            outputs[_ROLES.get(name, name)] = tensor
    masks = outputs.get("masks") if spec.has_masks else None
    wanted = {"boxes", "logits", *(("masks",) if spec.has_masks else ())}
    if len(inputs) != 1 or not wanted <= outputs.keys():
        raise _unlike(spec, [*inputs, *outputs.values()])
    layout = EngineLayout(inputs[0], outputs["boxes"], outputs["logits"], masks)
    if set(outputs) - wanted or not _fits(layout, spec):
        raise _unlike(spec, [*inputs, *outputs.values()])
    return layout


def _fits(layout: EngineLayout, spec: ModelSpec) -> bool:
    width, height = spec.input_wh
    queries = layout.boxes.shape[1] if len(layout.boxes.shape) == 3 else 0
    masks = layout.masks
    return (
        all(tensor.dtype in {"fp32", "fp16"} for tensor in layout.tensors())
        and layout.network_input.shape == (1, 3, height, width)
        and layout.boxes.shape == (1, queries, 4)
        and layout.logits.shape == (1, queries, len(spec.class_names))
        and (masks is None or (len(masks.shape) == 4 and masks.shape[:2] == (1, queries)))
        and all(size > 0 for tensor in layout.tensors() for size in tensor.shape)
    )


def _unlike(spec: ModelSpec, found: list[TensorLayout]) -> EngineError:
    width, height = spec.input_wh
    parts = [f"{t.name} {'x'.join(map(str, t.shape))} {t.dtype}" for t in found]
    wanted = f"an image 1x3x{height}x{width}, dets 1xQx4, labels 1xQx{len(spec.class_names)}"
    wanted += " and masks 1xQxhxw" if spec.has_masks else ""
    return EngineError(
        f"The engine of {spec.name} has {', '.join(parts)}, but needed are {wanted}, in fp32 or"
        " fp16; remove it with `rfviewer engine clear`."
    )
