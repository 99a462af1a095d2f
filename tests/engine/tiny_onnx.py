"""ONNX files of a few hundred bytes, written without the `onnx` package.

Every output is a stored array plus the mean of the input: a black box that tells frames apart.
Field numbers: onnx.proto of onnx 1.23.
"""

import numpy as np

_TYPES = {np.dtype(np.float32): 1, np.dtype(np.float16): 10}


def write_tiny_onnx(path, outputs, input_shape=(1, 3, 4, 6), dtype=np.float32, batch=1):
    """Write a graph whose output NAME is `outputs[NAME] + mean(input)`, fp32; return `path`.

    `dtype` is how the arrays are stored; `batch` is the first dimension of the input as declared.
    """
    nodes = _message(1, _node("ReduceMean", ["input"], ["mean"], keepdims=0))
    initializers = b""
    infos = _message(11, _info("input", (batch, *input_shape[1:])))
    for name, array in outputs.items():
        stored = np.asarray(array, dtype)
        initializers += _message(5, _tensor(f"{name}_stored", stored))
        nodes += _message(1, _node("Cast", [f"{name}_stored"], [f"{name}_f32"], to=1))
        nodes += _message(1, _node("Add", [f"{name}_f32", "mean"], [name]))
        infos += _message(12, _info(name, stored.shape))
    graph = nodes + _message(2, b"tiny") + initializers + infos
    opset = _message(1, b"") + _number(2, 13)
    path.write_bytes(_number(1, 8) + _message(8, opset) + _message(7, graph))
    return path


def _varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def _number(field, value):
    return _varint(field << 3) + _varint(value)


def _message(field, content):
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _node(op, inputs, outputs, **attributes):
    node = b"".join(_message(1, name.encode()) for name in inputs)
    node += b"".join(_message(2, name.encode()) for name in outputs)
    node += _message(4, op.encode())
    for name, value in attributes.items():
        node += _message(5, _message(1, name.encode()) + _number(3, value) + _number(20, 2))
    return node


def _tensor(name, array):
    dims = b"".join(_number(1, size) for size in array.shape)
    data = np.ascontiguousarray(array).tobytes()
    return dims + _number(2, _TYPES[array.dtype]) + _message(8, name.encode()) + _message(9, data)


def _info(name, shape):
    dims = b"".join(
        _message(1, _number(1, size) if isinstance(size, int) else _message(2, size.encode()))
        for size in shape
    )
    tensor = _number(1, 1) + _message(2, dims)
    return _message(1, name.encode()) + _message(2, _message(1, tensor))
