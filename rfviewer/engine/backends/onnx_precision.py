"""The precision of an ONNX graph's weights, read from the file itself.

Inputs and outputs are often kept fp32 around a half-precision network, so only the weights tell.
Reads the protobuf wire format (field numbers: onnx.proto): the base install has no `onnx` package.
The file is mapped and weights are skipped, never copied.
"""

import math
import mmap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rfviewer.errors import ModelError

_GRAPH, _INITIALIZER, _DIMS, _DATA_TYPE = 7, 5, 1, 2
"""ModelProto.graph, GraphProto.initializer, TensorProto.dims, TensorProto.data_type."""
_PRECISIONS = {1: "fp32", 2: "int8", 3: "int8", 10: "fp16", 11: "fp64", 16: "bf16"}
"""TensorProto.DataType to our word; index types (int32, int64, bool) are not weights."""


def weight_precision(path: Path) -> str:
    """Return the precision that most weights of the ONNX file have, e.g. "fp32".

    Raises:
        ModelError: the file is unreadable or has no weights.
    """
    counts: Counter[str] = Counter()
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for number, graph in _fields(data, 0, len(data)):
                if number == _GRAPH and isinstance(graph, slice):
                    _count(data, graph, counts)
    except (OSError, ValueError, IndexError) as error:
        raise ModelError(
            f"{path} cannot be read as ONNX ({error}); export or download it again."
        ) from error
    if not counts:
        raise ModelError(f"{path} holds no weights; export the model again.")
    return counts.most_common(1)[0][0]


def _count(data: mmap.mmap, graph: slice, counts: Counter[str]) -> None:
    """Add the number of elements of every initializer of the graph to `counts`."""
    for number, tensor in _fields(data, graph.start, graph.stop):
        if number != _INITIALIZER or not isinstance(tensor, slice):
            continue
        dims, data_type = [], 0
        for field, value in _fields(data, tensor.start, tensor.stop):
            if field == _DATA_TYPE and isinstance(value, int):
                data_type = value
            elif field == _DIMS:
                dims += [value] if isinstance(value, int) else list(_packed(data, value))
        if data_type in _PRECISIONS:
            counts[_PRECISIONS[data_type]] += math.prod(dims)


def _fields(data: mmap.mmap, position: int, end: int) -> Iterator[tuple[int, int | slice]]:
    """Yield (field number, number or byte range) of the message in data[position:end].

    Source: protobuf encoding guide, https://protobuf.dev/programming-guides/encoding/.
    """
    while position < end:
        tag, position = _varint(data, position)
        wire = tag & 7
        if wire == 0:
            number, position = _varint(data, position)
            yield tag >> 3, number
            continue
        if wire == 2:
            length, position = _varint(data, position)
        elif wire in {1, 5}:
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if length > end - position:
            raise ValueError("it ends too early")
        yield tag >> 3, slice(position, position + length)
        position += length


def _packed(data: mmap.mmap, span: slice) -> Iterator[int]:
    position = span.start
    while position < span.stop:
        number, position = _varint(data, position)
        yield number


def _varint(data: mmap.mmap, position: int) -> tuple[int, int]:
    """Return (value, next position) of a base-128 number."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")
