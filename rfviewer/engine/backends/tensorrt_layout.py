"""Inputs and outputs of an RF-DETR engine: found by name, checked against the model."""

from collections.abc import Sequence
from dataclasses import dataclass

from rfviewer.engine.backends.tensorrt_module import TensorRt
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


def dtype_word(tensorrt: TensorRt, dtype: object) -> str:
    """Return TensorRT's data type as our word; its own for those that we do not read."""
    types = tensorrt.module.DataType
    return {types.FLOAT: "fp32", types.HALF: "fp16", types.BF16: "bf16"}.get(dtype, str(dtype))


def match_layout(
    inputs: Sequence[TensorLayout], outputs: Sequence[TensorLayout], spec: ModelSpec
) -> EngineLayout:
    """Return which tensor is which.

    Raises:
        EngineError: this is not the network of `spec`, or has types that we do not read.
    """
    by_role = {_ROLES.get(tensor.name, tensor.name): tensor for tensor in outputs}
    wanted = {"boxes", "logits", *(("masks",) if spec.has_masks else ())}
    if len(inputs) == 1 and set(by_role) == wanted:
        layout = EngineLayout(inputs[0], by_role["boxes"], by_role["logits"], by_role.get("masks"))
        if _fits(layout, spec):
            return layout
    raise _unlike(spec, [*inputs, *outputs])


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
        " fp16; export the model again, or choose backend onnxruntime."
    )
