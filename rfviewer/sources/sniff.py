"""What a file is by its first bytes, where its name says too little or something wrong."""

from pathlib import Path

HEADER_BYTES = 4096
_TS_PACKET = 188
_WEBP_ANIMATION_FLAG = 0x02
_PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"v=0\r\n", b"v=0\n", b"[playlist]", b"[reference]")


def read_header(path: Path) -> bytes:
    """Return the first bytes of `path`; nothing when it cannot be read.

    Opening it as what its name says then tells why.
    """
    try:
        with path.open("rb") as file:
            return file.read(HEADER_BYTES)
    except OSError:
        return b""


def is_animated(header: bytes) -> bool:
    """Tell whether an image holds several pictures in time: animated WebP or APNG.

    Source: WebP container specification, extended file format; PNG third edition, acTL chunk.
    """
    if header[:4] == b"RIFF" and header[8:16] == b"WEBPVP8X":
        return len(header) > 20 and bool(header[20] & _WEBP_ANIMATION_FLAG)
    return header.startswith(b"\x89PNG\r\n\x1a\n") and b"acTL" in header.split(b"IDAT", 1)[0]


def is_video_container(header: bytes) -> bool:
    """Tell whether it begins as MP4, MOV, Matroska, AVI, FLV or MPEG-TS do."""
    return (
        header[4:8] in (b"ftyp", b"moov", b"mdat", b"wide")
        or header.startswith((b"\x1a\x45\xdf\xa3", b"FLV\x01"))
        or (header[:4] == b"RIFF" and header[8:12] == b"AVI ")
        or (header[:1] == b"G" and header[_TS_PACKET : _TS_PACKET + 1] == b"G")
    )


def is_playlist(header: bytes) -> bool:
    """Tell whether it only names other files or addresses: HLS, concat, SDP, PLS, ASX."""
    return header.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_PLAYLISTS)
