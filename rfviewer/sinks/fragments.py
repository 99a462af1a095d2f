"""Reading the top-level boxes of an MP4 (ISO/IEC 14496-12, 4.2) to cut a broken end off."""

import os
import struct
from pathlib import Path
from typing import BinaryIO


def whole_fragments_bytes(path: Path) -> int:
    """Return how many bytes from the start hold complete fragments; 0 when not one is complete.

    Raises:
        OSError: when the file cannot be read.
    """
    size = path.stat().st_size
    complete = 0
    with path.open("rb") as file:
        offset = 0
        while (box := _box(file, offset)) is not None and offset + box[1] <= size:
            kind, length = box
            offset += length
            if kind == b"mdat":
                complete = offset
    return complete


def cut_broken_end(path: Path) -> bool:
    """Cut what follows the last complete fragment; return whether anything playable is left.

    Raises:
        OSError: when the file cannot be read or cut.
    """
    complete = whole_fragments_bytes(path)
    if complete and complete < path.stat().st_size:
        os.truncate(path, complete)
    return complete > 0


def _box(file: BinaryIO, offset: int) -> tuple[bytes, int] | None:
    """Return (type, length) of the box at `offset`; None at the end or where no box can be."""
    file.seek(offset)
    header = file.read(16)
    if len(header) < 8:
        return None
    length, kind = struct.unpack(">I4s", header[:8])
    if length == 1 and len(header) == 16:
        (length,) = struct.unpack(">Q", header[8:])
    return (kind, length) if length >= 8 else None
