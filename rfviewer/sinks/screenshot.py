"""Screenshots: PNG files that carry the settings they were made with."""

import errno
import re
import struct
import zlib
from pathlib import Path

import cv2

from rfviewer.errors import SinkError
from rfviewer.frame import U8Array
from rfviewer.sinks.faults import cannot_create
from rfviewer.sinks.names import free_path as free_path
from rfviewer.sinks.publish import publish

_HEADER_BYTES = 8 + 25
"""Signature and IHDR chunk; text may follow right after (PNG specification, 5.6)."""


def write_png(path: Path, image: U8Array, metadata: dict[str, str]) -> None:
    """Write an image, (H, W, 3) BGR or (H, W, 4) BGRA, with `metadata` in text chunks.

    The file appears whole or not at all. Take a free name with `names.free_path`.

    Raises:
        SinkError: when the file exists or cannot be written.
    """
    # The alpha of a drawn frame is 255 everywhere: it says nothing and costs a quarter.
    ok, encoded = cv2.imencode(".png", image[..., :3])
    if not ok:
        raise SinkError(f"{path} cannot be written: the image cannot be encoded as PNG.")
    data = encoded.tobytes()
    text = b"".join(_text_chunk(key, value) for key, value in metadata.items())
    try:
        if path.exists() or path.is_symlink():
            raise FileExistsError(errno.EEXIST, "File exists")
        temporary = free_path(path.with_name(f"{path.stem}.partial.png"))
        try:
            temporary.write_bytes(data[:_HEADER_BYTES] + text + data[_HEADER_BYTES:])
            publish(temporary, path, overwrite=False)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise cannot_create(path, error) from error


def _text_chunk(key: str, value: str) -> bytes:
    """Return an iTXt chunk: UTF-8, uncompressed (PNG specification, 11.3.3.4)."""
    keyword = re.sub(r"[^ -~]", "_", key).strip()[:79] or "Comment"
    text = value.replace("\0", " ").encode("utf-8", "replace")
    body = b"iTXt" + keyword.encode("latin-1") + b"\0\0\0\0\0" + text
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
