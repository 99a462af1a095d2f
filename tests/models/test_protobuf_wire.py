"""Fields come out as they were written, and broken bytes are told in words."""

import pytest

from rfviewer.models.protobuf_wire import MalformedError, fields, packed_numbers
from tests.models.tiny_onnx import blob, number, varint


def test_every_kind_of_field() -> None:
    data = number(1, 300) + blob(2, b"abc") + varint(3 << 3 | 5) + b"1234" + varint(4 << 3 | 1)
    data += b"12345678"
    found = dict(fields(data, 0, len(data)))
    assert found[1] == 300
    spans = [value for value in found.values() if isinstance(value, slice)]
    assert [data[span] for span in spans] == [b"abc", b"1234", b"12345678"]


def test_packed_numbers() -> None:
    data = b"".join(varint(value) for value in (1, 127, 128, 2**40))
    assert list(packed_numbers(data, slice(0, len(data)))) == [1, 127, 128, 2**40]
    with pytest.raises(MalformedError, match="ends too early"):
        list(packed_numbers(data, slice(0, 3)))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (number(1, 1) + b"\x0f", "byte 2 does not belong there"),
        (b"\x02\x00", "byte 0 does not belong there"),
        (blob(1, b"abc")[:-1], "it ends too early"),
        (b"\x08", "it ends too early"),
        (b"\x08" + b"\xff" * 11, "a number is too long"),
    ],
)
def test_broken_bytes_are_told_without_jargon(data: bytes, words: str) -> None:
    with pytest.raises(MalformedError, match=words):
        list(fields(data, 0, len(data)))
