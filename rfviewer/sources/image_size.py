"""Width and height of an image file from its header, so that bombs are refused undecoded."""

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_JPEG_SIZE_MARKERS = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD})
_PNG_START = b"\x89PNG\r\n\x1a\n"
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_TIFF_EXTRA_SAMPLES, _TIFF_UNASSOCIATED = 338, 2
_TIFF_SHORT = 3
_TIFF_STARTS = (b"II*\0", b"MM\0*")


def image_size(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) in pixels as stored; None when the format is not understood.

    Understands PNG, JPEG, BMP, WebP, TIFF, PNM and GIF. None also when the header is cut.
    """
    readers: tuple[tuple[bool, Callable[[bytes], tuple[int, int] | None]], ...] = (
        (data.startswith(_PNG_START), _png),
        (data.startswith(b"\xff\xd8"), _jpeg),
        (data.startswith(b"BM"), _bmp),
        (data.startswith(b"RIFF") and data[8:12] == b"WEBP", _webp),
        (data.startswith(_TIFF_STARTS), _tiff),
        (data[:1] == b"P" and data[1:2] in b"123456", _pnm),
        (data.startswith((b"GIF87a", b"GIF89a")), _gif),
    )
    for matches, reader in readers:
        if matches:
            try:
                return reader(data)
            except (struct.error, IndexError, ValueError):
                return None
    return None


def is_cut_png(data: bytes) -> bool:
    """Tell whether it is a PNG that ends before its last chunk: libpng would say so on stderr."""
    if not data.startswith(_PNG_START):
        return False
    place = len(_PNG_START)
    while place + 12 <= len(data):
        kind = data[place + 4 : place + 8]
        place += 12 + int.from_bytes(data[place : place + 4], "big")
        if kind == b"IEND":
            return place > len(data)
    return True


def _png(data: bytes) -> tuple[int, int] | None:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif(data: bytes) -> tuple[int, int] | None:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _bmp(data: bytes) -> tuple[int, int] | None:
    if struct.unpack_from("<I", data, 14)[0] == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)


def _webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        return width, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _jpeg(data: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 <= len(data):
        if data[place] != 0xFF:
            place += 1
            continue
        marker = data[place + 1]
        if marker in _JPEG_SIZE_MARKERS:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return width, height
        if marker == 0xFF or marker == 0 or 0xD0 <= marker <= 0xD9:
            place += 1 if marker == 0xFF else 2
            continue
        place += 2 + struct.unpack_from(">H", data, place + 2)[0]
    return None


def _pnm(data: bytes) -> tuple[int, int] | None:
    words = b" ".join(line.partition(b"#")[0] for line in data[2:512].splitlines()).split()
    return int(words[0]), int(words[1])


def _tiff(data: bytes) -> tuple[int, int] | None:
    tags = _tiff_tags(data)
    if _TIFF_WIDTH in tags and _TIFF_HEIGHT in tags:
        return tags[_TIFF_WIDTH], tags[_TIFF_HEIGHT]
    return None


def _tiff_tags(data: bytes) -> dict[int, int]:
    """Return the first value of each tag of the first picture."""
    order = "<" if data.startswith(b"II") else ">"
    table = struct.unpack_from(f"{order}I", data, 4)[0]
    tags: dict[int, int] = {}
    for entry in range(struct.unpack_from(f"{order}H", data, table)[0]):
        place = table + 2 + 12 * entry
        tag, kind = struct.unpack_from(f"{order}HH", data, place)
        value = struct.unpack_from(f"{order}{'H' if kind == _TIFF_SHORT else 'I'}", data, place + 8)
        tags[tag] = value[0]
    return tags


def has_unassociated_alpha(data: bytes) -> bool:
    """Tell whether it is a TIFF whose colours were not multiplied with its alpha (TIFF 6, 18)."""
    if not data.startswith(_TIFF_STARTS):
        return False
    try:
        return _tiff_tags(data).get(_TIFF_EXTRA_SAMPLES) == _TIFF_UNASSOCIATED
    except (struct.error, IndexError):
        return False
