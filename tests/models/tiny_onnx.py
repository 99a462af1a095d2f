"""Writes tiny ONNX files without the onnx package: RF-DETR's interface, no network behind it.

Field numbers are those of onnx.proto. The outputs are constants plus the mean of the input, so
that the graph runs and depends on its input.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

FLOAT, FLOAT16 = 1, 10


def varint(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def blob(field: int, data: bytes | str) -> bytes:
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def value_info(name: str, shape: Sequence[int | str], kind: int = FLOAT) -> bytes:
    dims = b"".join(
        blob(1, number(1, size) if isinstance(size, int) else blob(2, size)) for size in shape
    )
    return blob(1, name) + blob(2, blob(1, number(1, kind) + blob(2, dims)))


def node(op: str, inputs: Sequence[str], output: str, *attributes: bytes) -> bytes:
    body = b"".join(blob(1, name) for name in inputs) + blob(2, output) + blob(4, op)
    return body + b"".join(blob(5, attribute) for attribute in attributes)


def tensor(name: str, array: np.ndarray) -> bytes:
    dims = b"".join(number(1, size) for size in array.shape)
    return dims + number(2, FLOAT) + blob(8, name) + blob(9, array.astype("<f4").tobytes())


def external_tensor(name: str, shape: Sequence[int], location: str) -> bytes:
    dims = b"".join(number(1, size) for size in shape)
    entry = blob(13, blob(1, "location") + blob(2, location))
    return dims + number(2, FLOAT) + blob(8, name) + entry + number(14, 1)


def model(graph: bytes, metadata: dict[str, str] | None = None) -> bytes:
    props = b"".join(
        blob(14, blob(1, key) + blob(2, value)) for key, value in (metadata or {}).items()
    )
    return number(1, 8) + blob(8, number(2, 17)) + blob(7, graph) + props


def rfdetr_like(
    *,
    side: int = 24,
    queries: int = 5,
    classes: int = 91,
    mask_side: int | None = 6,
    batch: int | str = 1,
    input_kind: int = FLOAT,
    output_names: Sequence[str] = ("dets", "labels", "masks"),
    dets_width: int = 4,
    metadata: dict[str, str] | None = None,
    external: str | None = None,
    open_outputs: bool = False,
    spoilt: float | None = None,
) -> bytes:
    """Return the bytes of a model with RF-DETR's inputs and outputs.

    `spoilt`, e.g. NaN, is what its first output holds in one place.
    """
    shapes: list[tuple[int, ...]] = [(1, queries, dets_width), (1, queries, classes)]
    if mask_side is not None:
        shapes.append((1, queries, mask_side, mask_side))
    names = list(output_names)[: len(shapes)]
    cast = blob(1, "to") + number(3, FLOAT) + number(20, 2)
    nodes = [node("Cast", ["input"], "as_float", cast)]
    keepdims = blob(1, "keepdims") + number(3, 0) + number(20, 2)
    nodes.append(node("ReduceMean", ["as_float"], "mean", keepdims))
    tensors, outputs = [], []
    rng = np.random.default_rng(0)
    for name, shape in zip(names, shapes, strict=True):
        constant = f"constant_{name}"
        if external is not None and name == names[0]:
            tensors.append(external_tensor(constant, shape, external))
        else:
            values = rng.random(shape, np.float32) * 0.1 + 0.4
            if spoilt is not None and name == names[0]:
                values.flat[0] = spoilt
            tensors.append(tensor(constant, values))
        nodes.append(node("Add", [constant, "mean"], name))
        declared = [f"{name}_{axis}" for axis in range(len(shape))] if open_outputs else shape
        outputs.append(value_info(name, declared))
    graph = b"".join(blob(1, item) for item in nodes) + blob(2, "tiny")
    graph += b"".join(blob(5, item) for item in tensors)
    graph += blob(11, value_info("input", (batch, 3, side, side), input_kind))
    graph += b"".join(blob(12, item) for item in outputs)
    return model(graph, metadata)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
