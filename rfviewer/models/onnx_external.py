"""Which files an ONNX graph wants to read besides itself, and whether it may.

An ONNX tensor can name an "external data" file. ONNX Runtime and TensorRT open what it names, so a
hostile model could make them read any file of the user. This module finds every such name before
anything else opens the model, and allows only plain files that lie right beside it. It reads the
wire format by `protobuf_wire` (field numbers: onnx.proto of onnx 1.23), because the base install
has no `onnx` package, and never copies weights: the file is mapped and long fields are skipped.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from rfviewer.errors import ModelError
from rfviewer.models.protobuf_wire import Buffer, MalformedError, fields

# Message kind -> {field number: kind of the embedded message}. Only ways that lead to a tensor.
_CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "function": {7: "node", 11: "attribute"},
    "training": {1: "graph", 2: "graph"},
    "tensor": {13: "entry"},
}
_MAX_DEPTH = 64
"""Nesting of subgraphs; real models stay below ten."""


def external_locations(path: Path) -> set[str]:
    """Return every external data location that the ONNX file names, as it stands in the file.

    Raises:
        ModelError: the file cannot be read, or is no ONNX file.
    """
    try:
        if path.stat().st_size == 0:
            raise ModelError(f"{path} is empty; export the model again.")
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return set(_locations(data, 0, len(data), "model", 0))
    except OSError as error:
        reason = error.strerror or error
        raise ModelError(f"The model {path} cannot be read ({reason}).") from error
    except MalformedError as error:
        raise ModelError(
            f"{path} is not a complete ONNX file ({error}); export or download it again."
        ) from error


def locations_in(data: bytes) -> set[str]:
    """Return every external data location that an ONNX model in memory names.

    Raises:
        ModelError: the bytes are no ONNX model.
    """
    try:
        return set(_locations(data, 0, len(data), "model", 0))
    except MalformedError as error:
        raise ModelError(f"The model is not complete ({error}); export it again.") from error


def check_external_data(path: Path) -> None:
    """Refuse a model that reads anything but plain files of its own folder.

    Raises:
        ModelError: one sentence saying which file it wants and why that is refused.
    """
    for location in sorted(external_locations(path)):
        _check_location(path, location)


def _check_location(model: Path, location: str) -> None:
    names = (PurePosixPath(location).parts, PureWindowsPath(location).parts)
    if names[0] != names[1] or len(names[0]) != 1 or location in {"", ".", ".."}:
        raise ModelError(
            f"{model} wants to read its weights from {location!r}; only a file right beside the"
            " model is allowed, so save the model again with its data in the same folder."
        )
    data = model.parent / location
    if data.is_symlink() or (data.exists() and not data.is_file()):
        raise ModelError(
            f"{model} wants to read its weights from {location!r}, which is not a plain file;"
            " links are refused, so put the real file there."
        )
    if not data.exists():
        raise ModelError(f"{model} needs its data file {location!r} beside it; copy it there too.")
    if data.stat().st_nlink > 1:
        raise ModelError(
            f"{model} wants to read its weights from {location!r}, which is a hard link to another"
            " file; copy the data instead."
        )


def _locations(data: Buffer, start: int, end: int, kind: str, depth: int) -> Iterator[str]:
    """Yield the external locations of the message of `kind` in data[start:end]."""
    if depth > _MAX_DEPTH:
        raise MalformedError("subgraphs nested too deeply")
    children = _CHILDREN[kind]
    for number, content in fields(data, start, end):
        child = children.get(number)
        if child is None or not isinstance(content, slice):
            continue
        if child == "entry":
            key, value = _entry(data, content)
            if key == "location":
                yield value
        else:
            yield from _locations(data, content.start, content.stop, child, depth + 1)


def _entry(data: Buffer, span: slice) -> tuple[str, str]:
    """Return (key, value) of a StringStringEntryProto."""
    found = {1: "", 2: ""}
    for number, content in fields(data, span.start, span.stop):
        if number in found and isinstance(content, slice):
            found[number] = data[content].decode("utf-8", "surrogateescape")
    return found[1], found[2]
