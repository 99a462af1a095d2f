"""The precision of an ONNX graph's weights, read from the file itself.

Inputs and outputs are often kept fp32 around a half-precision network, so only the weights tell.
The file is mapped and weights are skipped, never copied (field numbers: onnx.proto).
"""

import math
import mmap
from collections import Counter
from pathlib import Path

from rfviewer.errors import ModelError
from rfviewer.models.protobuf_wire import Buffer, MalformedError, fields, packed_numbers

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
            for number, graph in fields(data, 0, len(data)):
                if number == _GRAPH and isinstance(graph, slice):
                    _count(data, graph, counts)
    except (OSError, ValueError, MalformedError) as error:
        raise ModelError(
            f"{path} cannot be read as ONNX ({error}); export or download it again."
        ) from error
    if not counts:
        raise ModelError(f"{path} holds no weights; export the model again.")
    return counts.most_common(1)[0][0]


def _count(data: Buffer, graph: slice, counts: Counter[str]) -> None:
    """Add the number of elements of every initializer of the graph to `counts`."""
    for number, tensor in fields(data, graph.start, graph.stop):
        if number != _INITIALIZER or not isinstance(tensor, slice):
            continue
        dims, data_type = [], 0
        for field, value in fields(data, tensor.start, tensor.stop):
            if field == _DATA_TYPE and isinstance(value, int):
                data_type = value
            elif field == _DIMS:
                dims += [value] if isinstance(value, int) else list(packed_numbers(data, value))
        if data_type in _PRECISIONS:
            counts[_PRECISIONS[data_type]] += math.prod(dims)
