"""What a user's ONNX file is: its sizes, read by ONNX Runtime after the external data check.

Must not import torch or the `onnx` package. No state: callable from any thread.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rfviewer.errors import ModelError
from rfviewer.models.onnx_external import check_external_data

_MAX_SIDE_PX = 4096
"""RF-DETR's largest input is 880 px; a far larger one is a damaged or hostile file."""
_MAX_COUNT = 20_000
"""Bound on queries, classes and mask sides, for the same reason."""
_CODES = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")
_WANTED = "dets 1xQx4, labels 1xQxC and, for segmentation, masks 1xQxhxw"


@dataclass(frozen=True, slots=True)
class OnnxLayout:
    """Sizes of an RF-DETR graph."""

    input_wh: tuple[int, int]
    """Network input width and height in pixels."""
    queries: int
    """Q, the number of object queries."""
    classes: int
    """C, the number of class logits."""
    has_masks: bool
    """Whether there is a mask output."""
    metadata: Mapping[str, str]
    """The file's metadata_props."""


def inspect_onnx(path: Path) -> OnnxLayout:
    """Return the layout of an RF-DETR ONNX file; loads it once, and runs it if it must, 0.1 to 2 s.

    Raises:
        ModelError: it is broken, reads foreign files, or is no RF-DETR network; one sentence.
    """
    check_external_data(path)
    session = _load(path)
    inputs = {item.name: item for item in session.get_inputs()}
    outputs = {item.name: item for item in session.get_outputs()}
    width, height = _input_size(path, inputs)
    if set(outputs) not in ({"dets", "labels"}, {"dets", "labels", "masks"}):
        raise ModelError(
            f"{path} is no RF-DETR network: its outputs are {_describe(outputs)}, needed are"
            f" {_WANTED}."
        )
    shapes = _output_shapes(path, session, outputs, (width, height))
    if not _consistent(shapes):
        raise ModelError(
            f"{path} is no RF-DETR network: its outputs are {_describe(outputs)}, needed are"
            f" {_WANTED}."
        )
    _, queries, classes = shapes["labels"]
    metadata = dict(session.get_modelmeta().custom_metadata_map)
    return OnnxLayout((width, height), queries, classes, "masks" in shapes, metadata)


def _load(path: Path) -> Any:  # noqa: ANN401 - onnxruntime has no types
    from rfviewer.onnx_runtime import onnxruntime  # here, so that listing models does not load it

    options = onnxruntime.SessionOptions()
    # Only shapes are wanted: no graph rewriting, one thread, and errors as exceptions, not as log.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(
            f"{path} cannot be loaded as an ONNX model ({_reason(error)});"
            " export or download it again."
        ) from error


def _reason(error: Exception) -> str:
    """Return the first line of what ONNX Runtime says, without its codes."""
    lines = str(error).strip().splitlines()
    return _CODES.sub("", lines[0])[:200] if lines else type(error).__name__


def _input_size(path: Path, inputs: Mapping[str, Any]) -> tuple[int, int]:
    """Return (width, height) of the one image input."""
    items = list(inputs.values())
    shape = list(items[0].shape) if len(items) == 1 else []
    fixed = len(shape) == 4 and shape[1] == 3 and all(isinstance(s, int) for s in shape[2:])
    if not fixed or not _is_one(shape[0]) or items[0].type != "tensor(float)":
        raise ModelError(
            f"{path} is no RF-DETR network: its inputs are {_describe(inputs)}, needed is one"
            " float32 image 1x3xHxW of fixed size."
        )
    height, width = int(shape[2]), int(shape[3])
    if not (0 < height <= _MAX_SIDE_PX and 0 < width <= _MAX_SIDE_PX):
        raise ModelError(
            f"{path} wants an input of {width}x{height} pixels; at most"
            f" {_MAX_SIDE_PX}x{_MAX_SIDE_PX} is supported."
        )
    return width, height


def _output_shapes(
    path: Path,
    session: Any,  # noqa: ANN401 - onnxruntime has no types
    outputs: Mapping[str, Any],
    input_wh: tuple[int, int],
) -> dict[str, tuple[int, ...]]:
    """Return the shapes with the batch taken as 1; () for one that is not float32.

    Exports with an open batch leave sizes open that do not depend on it: one run tells them.
    """
    shapes = {
        name: (1, *item.shape[1:]) if item.shape and _is_one(item.shape[0]) else tuple(item.shape)
        for name, item in outputs.items()
    }
    if any(not isinstance(size, int) for shape in shapes.values() for size in shape):
        (image,) = session.get_inputs()
        zeros = np.zeros((1, 3, input_wh[1], input_wh[0]), np.float32)
        try:
            results = session.run(list(outputs), {image.name: zeros})
        except Exception as error:
            raise ModelError(
                f"{path} cannot be run ({_reason(error)}); export it again."
            ) from error
        shapes = {name: array.shape for name, array in zip(outputs, results, strict=True)}
    return {
        name: shape if outputs[name].type == "tensor(float)" else ()
        for name, shape in shapes.items()
    }


def _consistent(shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Return whether the outputs have RF-DETR's ranks and agree on the number of queries."""
    ranks = {"dets": 3, "labels": 3, "masks": 4}
    if any(len(shape) != ranks[name] for name, shape in shapes.items()):
        return False
    sizes = [size for shape in shapes.values() for size in shape]
    queries = {shape[1] for shape in shapes.values()}
    batches = {shape[0] for shape in shapes.values()}
    sound = all(0 < size <= _MAX_COUNT for size in sizes) and shapes["dets"][2] == 4
    return sound and len(queries) == 1 and batches == {1}


def _is_one(size: int | str | None) -> bool:
    """Return whether a batch dimension is 1 or left open."""
    return size == 1 or not isinstance(size, int)


def _describe(items: Mapping[str, Any]) -> str:
    """Return "dets 1x100x4, labels 1x100x91" for a message, at most six entries."""
    parts = [
        f"{name} {'x'.join(str(size) for size in item.shape)} {item.type[7:-1]}"
        for name, item in list(items.items())[:6]
    ]
    return ", ".join(parts) + (", and more" if len(items) > 6 else "") if parts else "none"
