"""An ONNX graph computed in fp16, with islands of fp32 where rounding would show.

TensorRT for RTX and TensorRT 11 are strongly typed: the graph says in which precision every node
runs. What stays fp32, and why:

* arithmetic on sizes and constants, before any matrix product: the builder folds it, once;
* layer normalisation: its sums of squares overflow or vanish in fp16
  (https://github.com/NVIDIA/TensorRT/issues/4748);
* the way from the last matrix product to a choice or a position, that is to TopK, to sampling
  points, to sines of positions and to the boxes and logits: fp16 near 1.0 is half a pixel of a
  1080p frame. These are elementwise operations on a few hundred values.

Inputs and outputs keep their types. Needs the `onnx` package; the graph must hold its own weights.
"""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rfviewer.errors import ModelError

ISLAND_OPS = frozenset({"LayerNormalization", "TopK", "GridSample", "Sin", "Cos", "Exp", "Range"})
"""Operations that always stay fp32."""
ROOT_OPS = frozenset({"TopK", "GridSample", "Sin", "Cos"})
"""Operations whose inputs are computed in fp32 back to the last matrix product."""
ROOT_OUTPUTS = frozenset({"dets", "labels", "pred_boxes", "pred_logits"})
"""Graph outputs that are computed in fp32 back to the last matrix product; masks are not."""
PRODUCT_OPS = frozenset({"MatMul", "Gemm", "Conv", "ConvTranspose", "Einsum"})
"""Where an island ends: products take their time from the tensor cores and accumulate in fp32."""
_KEPT_INPUTS = {"Resize": (1, 2)}
"""Inputs that ONNX wants in fp32 whatever the data is: region and scales."""

_FLOAT, _HALF = TensorProto.FLOAT, TensorProto.FLOAT16
_MAX_HALF = float(np.finfo(np.float16).max)


def to_half(model: Any) -> Any:  # noqa: ANN401 - onnx has no types
    """Return a new model that computes in fp16 outside the islands.

    Raises:
        ModelError: the graph has subgraphs or functions, which are not supported.
    """
    if model.functions or any(
        a.HasField("g") or a.graphs for n in model.graph.node for a in n.attribute
    ):
        raise ModelError(
            "The model branches or loops inside (If, Loop, functions), so it cannot be cast to"
            " fp16; choose precision fp32 or export it without them."
        )
    typed = onnx.shape_inference.infer_shapes(model)
    return _HalfGraph(typed).convert()


class _HalfGraph:
    """One conversion: which values are fp32 now, and which nodes change."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - onnx has no types
        self._model = model
        self._graph = model.graph
        self._constants = {tensor.name: tensor for tensor in self._graph.initializer}
        for node in self._graph.node:
            if node.op_type == "Constant" and node.attribute[0].name == "value":
                self._constants[node.output[0]] = node.attribute[0].t
        self._floats = {name for name, t in self._constants.items() if t.data_type == _FLOAT}
        infos = (*self._graph.input, *self._graph.output, *self._graph.value_info)
        self._floats |= {i.name for i in infos if i.type.tensor_type.elem_type == _FLOAT}
        self._producer = {name: node for node in self._graph.node for name in node.output}
        self._live = self._computed_values()
        self._islands = self._find_islands()
        self._halves: set[str] = set()
        self._made: dict[tuple[str, int], str] = {}
        self._nodes: list[Any] = []
        self._tensors: dict[str, Any] = {}

    def convert(self) -> Any:  # noqa: ANN401 - onnx has no types
        """Return the model with casts where fp16 and fp32 meet."""
        outputs = {item.name for item in self._graph.output}
        for node in self._graph.node:
            self._convert_node(node, outputs)
        graph = helper.make_graph(
            self._nodes,
            self._graph.name,
            list(self._graph.input),
            list(self._graph.output),
            list(self._tensors.values()),
        )
        converted = helper.make_model(graph, opset_imports=list(self._model.opset_import))
        converted.ir_version = self._model.ir_version
        return converted

    def _convert_node(self, node: Any, outputs: set[str]) -> None:  # noqa: ANN401 - onnx has no types
        half = id(node) not in self._islands and bool(self._live & set(node.output))
        changed = onnx.NodeProto()
        changed.CopyFrom(node)
        free = node.op_type in {"Cast", "Shape"}  # they take any type
        kept = _KEPT_INPUTS.get(node.op_type, ())
        for index, name in enumerate(node.input):
            wanted = _HALF if half and index not in kept else _FLOAT
            changed.input[index] = self._as_is(name) if free else self._value(name, wanted)
        if half and node.op_type == "Cast":
            for attribute in changed.attribute:
                if attribute.name == "to" and attribute.i == _FLOAT:
                    attribute.i = _HALF
        if half and node.op_type == "ConstantOfShape":
            _halve_fill(changed)
        self._nodes.append(changed)
        for index, name in enumerate(node.output):
            if not half or name not in self._floats:
                continue
            if name in outputs:
                changed.output[index] = f"{name}_half"
                self._cast(f"{name}_half", name, _FLOAT)
                self._made[name, _HALF] = f"{name}_half"
            else:
                self._halves.add(name)

    def _as_is(self, name: str) -> str:
        if name in self._constants and name not in self._producer:
            self._tensors.setdefault(name, self._constants[name])
        return name

    def _value(self, name: str, wanted: int) -> str:
        """Return the name under which value `name` exists in the type `wanted`, making it so."""
        if name not in self._floats:
            return self._as_is(name)
        has = _HALF if name in self._halves else _FLOAT
        if has == wanted:
            return self._as_is(name)
        made = self._made.get((name, wanted))
        if made is None:
            made = f"{name}_{'half' if wanted == _HALF else 'float'}"
            if name in self._constants:
                self._tensors[made] = _half_tensor(self._constants[name], made)
            else:
                self._cast(name, made, wanted)
            self._made[name, wanted] = made
        return made

    def _cast(self, source: str, target: str, to: int) -> None:
        self._nodes.append(
            helper.make_node("Cast", [source], [target], name=f"cast/{target}", to=to)
        )

    def _computed_values(self) -> set[str]:
        """Return every value that depends on the image's pixels or on a matrix product.

        The first decoder layer has products of weights only. TensorRT does not fold them, and for
        SM75 it has no fp32 products.
        """
        live = {item.name for item in self._graph.input}
        for node in self._graph.node:  # in topological order, as ONNX demands
            of_values = node.op_type not in {"Shape", "Size"} and live & set(node.input)
            if of_values or node.op_type in PRODUCT_OPS:
                live |= set(node.output)
        return live

    def _find_islands(self) -> set[int]:
        """Return the ids of the nodes that stay fp32."""
        islands = {id(node) for node in self._graph.node if node.op_type in ISLAND_OPS}
        pending = [
            name for node in self._graph.node if node.op_type in ROOT_OPS for name in node.input
        ]
        pending += [item.name for item in self._graph.output if item.name in ROOT_OUTPUTS]
        seen: set[str] = set()
        while pending:
            name = pending.pop()
            node = self._producer.get(name)
            if name in seen or name not in self._floats or node is None:
                continue
            seen.add(name)
            if node.op_type not in PRODUCT_OPS:
                islands.add(id(node))
                pending += node.input
        return islands


def _half_tensor(tensor: Any, name: str) -> Any:  # noqa: ANN401 - onnx has no types
    """Return the tensor in fp16; what is too large for it becomes its largest number."""
    values = numpy_helper.to_array(tensor)
    return numpy_helper.from_array(_halve(values), name)


def _halve(values: Any) -> Any:  # noqa: ANN401 - a numpy array
    finite = np.isfinite(values)
    return np.where(finite, np.clip(values, -_MAX_HALF, _MAX_HALF), values).astype(np.float16)


def _halve_fill(node: Any) -> None:  # noqa: ANN401 - onnx has no types
    """Change the fill value of a ConstantOfShape; its default is an fp32 zero."""
    fills = [a for a in node.attribute if a.name == "value"]
    for attribute in fills:
        if attribute.t.data_type == _FLOAT:
            attribute.t.CopyFrom(_half_tensor(attribute.t, attribute.t.name))
    if not fills:
        node.attribute.append(
            helper.make_attribute("value", helper.make_tensor("value", _HALF, [1], [0.0]))
        )
