"""The protobuf wire format, as far as ONNX files need it: fields one by one, nothing copied.

The base install has no `onnx` package, and weights of gigabytes are to be skipped, not loaded.
Source: protobuf encoding guide, https://protobuf.dev/programming-guides/encoding/.
"""

import mmap
from collections.abc import Iterator

type Buffer = mmap.mmap | bytes
"""A mapped file, or a message in memory."""


class MalformedError(Exception):
    """The bytes are not a protobuf message; says where and how, as the end of a sentence."""


def fields(data: Buffer, start: int, end: int) -> Iterator[tuple[int, int | slice]]:
    """Yield (field number, its number or the byte range of its content) of data[start:end].

    Raises:
        MalformedError: while iterating, where the message breaks.
    """
    position = start
    while position < end:
        field_start = position
        tag, position = _varint(data, position, end)
        number, wire = tag >> 3, tag & 7
        if number == 0 or wire not in {0, 1, 2, 5}:
            raise MalformedError(f"byte {field_start} does not belong there")
        if wire == 0:
            value, position = _varint(data, position, end)
            yield number, value
            continue
        if wire == 2:
            length, position = _varint(data, position, end)
        else:
            length = 8 if wire == 1 else 4
        if length > end - position:
            raise MalformedError("it ends too early")
        yield number, slice(position, position + length)
        position += length


def packed_numbers(data: Buffer, span: slice) -> Iterator[int]:
    """Yield the numbers of a packed repeated field.

    Raises:
        MalformedError: while iterating, where they break.
    """
    position = span.start
    while position < span.stop:
        number, position = _varint(data, position, span.stop)
        yield number


def _varint(data: Buffer, position: int, end: int) -> tuple[int, int]:
    """Return (value, next position) of a base-128 number of at most 10 bytes."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= end:
            raise MalformedError("it ends too early")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, position
    raise MalformedError("a number is too long")
