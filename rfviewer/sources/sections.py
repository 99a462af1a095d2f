"""Tables of a transport stream: sections put together from packets, checked and read.

Source: ISO/IEC 13818-1, 2.4.3.2 (packet), 2.4.4 (sections), annex A (CRC).
"""

_VIDEO_TYPES = {
    0x01, 0x02, 0x10, 0x1B, 0x1E, 0x1F, 0x20, 0x21, 0x22, 0x23, 0x24, 0x33, 0x42, 0xD1, 0xEA,
}  # fmt: skip
"""stream_type of video: MPEG-1, 2 and 4, H.264, JPEG 2000, HEVC, VVC, AVS, Dirac, VC-1."""
_PRIVATE_TYPE = 0x06
_VIDEO_FORMATS = {b"HEVC", b"AV01", b"VC-1", b"drac", b"H264", b"VVC "}
"""format_identifier of video in private streams."""
_REGISTRATION = 0x05
_MAPS, _PROGRAMS = 0x02, 0x00
_MAX_SECTION = 1024
_CRC_POLYNOMIAL = 0x04C11DB7


class SectionReader:
    """Puts the sections of each PID together; what is damaged or repeated is left out."""

    def __init__(self) -> None:
        self._parts: dict[int, bytes] = {}
        self._good: dict[int, bytes] = {}

    def add(self, pid: int, packet: bytes) -> list[bytes]:
        """Return the sections that end in `packet`, 188 bytes, of a PID with tables."""
        payload = _payload(packet)
        if payload is None or packet[1] & 0x80:
            return []
        sections: list[bytes] = []
        if packet[1] & 0x40:
            pointer = payload[0] if payload else 0
            self._take(pid, payload[1 : 1 + pointer], sections)
            self._parts[pid] = b""
            payload = payload[1 + pointer :]
        self._take(pid, payload, sections)
        return sections

    def _take(self, pid: int, payload: bytes, sections: list[bytes]) -> None:
        if pid not in self._parts:
            return
        data = self._parts[pid] + payload
        while len(data) >= 3 and data[0] != 0xFF:
            end = 3 + ((data[1] & 0x0F) << 8 | data[2])
            if len(data) < end:
                break
            section, data = data[:end], data[end:]
            if self._sound(pid, section):
                sections.append(section)
        if len(data) > _MAX_SECTION or data[:1] == b"\xff":
            del self._parts[pid]  # stuffing, or no section at all: the next begins with a pointer
        else:
            self._parts[pid] = data

    def _sound(self, pid: int, section: bytes) -> bool:
        """Tell whether nothing is damaged; the same bytes as before are not checked again."""
        if self._good.get(pid) != section:
            if len(section) < 12 or _crc(section) != 0:
                return False
            self._good[pid] = section
        return True


def association(section: bytes) -> dict[int, int]:
    """Return program number to the PID of its map; empty for other tables and future ones."""
    if section[0] != _PROGRAMS or not section[5] & 1:
        return {}
    entries = (section[at : at + 4] for at in range(8, len(section) - 4, 4))
    pairs = ((e[0] << 8 | e[1], (e[2] & 0x1F) << 8 | e[3]) for e in entries if len(e) == 4)
    return {program: pid for program, pid in pairs if program}


def videos_of(section: bytes) -> tuple[int, tuple[str, ...]]:
    """Return the program number of a map and its video streams, as "PID kind" in order.

    The number is -1 for other tables and future ones.
    """
    if section[0] != _MAPS or not section[5] & 1:
        return -1, ()
    videos = []
    at, end = 12 + ((section[10] & 0x0F) << 8 | section[11]), len(section) - 4
    while at + 5 <= end:
        kind, pid = section[at], (section[at + 1] & 0x1F) << 8 | section[at + 2]
        length = (section[at + 3] & 0x0F) << 8 | section[at + 4]
        registered = _registration(section[at + 5 : min(end, at + 5 + length)])
        if kind in _VIDEO_TYPES:
            videos.append(f"{pid} {kind}")
        elif kind == _PRIVATE_TYPE and registered in _VIDEO_FORMATS:
            videos.append(f"{pid} {registered.decode('ascii')}")
        at += 5 + length
    return section[3] << 8 | section[4], tuple(sorted(videos))


def _registration(descriptors: bytes) -> bytes:
    at = 0
    while at + 2 <= len(descriptors):
        tag, length = descriptors[at], descriptors[at + 1]
        if tag == _REGISTRATION:
            return descriptors[at + 2 : at + 6]
        at += 2 + length
    return b""


def _payload(packet: bytes) -> bytes | None:
    """Return what a packet carries; None when that is nothing."""
    control = packet[3] >> 4 & 3
    if not control & 1:
        return None
    start = 5 + packet[4] if control & 2 else 4
    return packet[start:] if start < len(packet) else None


def _crc(data: bytes) -> int:
    """Return the remainder, 0 when the last four bytes are the right check sum of the others."""
    remainder = 0xFFFFFFFF
    for byte in data:
        remainder ^= byte << 24
        for _ in range(8):
            carry = remainder & 0x80000000
            remainder = (remainder << 1 ^ (_CRC_POLYNOMIAL if carry else 0)) & 0xFFFFFFFF
    return remainder
