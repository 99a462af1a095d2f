"""Where the video of a transport stream changes its codec or its PID, as in joined recordings.

FFmpeg's demuxer keeps the decoder that it found first, so each part is opened by itself.
Source: ISO/IEC 13818-1, 2.4.4: program association and program map sections.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from rfviewer import log
from rfviewer.sources.sections import SectionReader, association, videos_of

_PACKETS = (188, 192, 204)
"""Bytes of a packet: plain, with a time code before it (M2TS), with error correction behind it."""
_SYNC = 0x47
_SYNC_RUN = 5
"""So many packets in a row must begin with the sync byte."""
_BLOCK_PACKETS = 8192
_SCAN_BYTES = 64 << 20
"""Files up to this size are read through (tens of ms); in larger ones places are looked at, and a
part that lies wholly between two of them is not found."""
_PLACES = 64
_PLACE_BYTES = 1 << 20
"""Holds the tables, which are repeated ten times a second, up to 80 Mbit/s."""
_NARROW_BYTES = 4 << 20

type _Videos = dict[int, tuple[str, ...]]
"""Program number to its video streams."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a file, in bytes, whose video is one stream of one codec."""

    start: int = 0
    end: int | None = None
    """None: the end of the file."""


WHOLE = Part()


def parts_of(path: Path) -> tuple[Part, ...]:
    """Return the parts of the file at `path`, in order; one for everything but such a stream.

    Reads the whole file, or places of a large one. What cannot be read counts as one part: opening
    it says why.
    """
    try:
        with path.open("rb") as file:
            layout = _layout(file)
            if layout is None:
                return (WHOLE,)
            size = path.stat().st_size
            cuts = sorted(set(_cuts(_Scan(file, layout), size)))
    except OSError as error:
        log.source.info("the tables of %s cannot be read: %s", path.name, error)
        return (WHOLE,)
    if cuts:
        log.source.info("the video of %s changes its codec at the bytes %s", path.name, cuts)
    return tuple(Part(start, end) for start, end in zip([0, *cuts], [*cuts, None], strict=True))


@dataclass(frozen=True, slots=True)
class _Layout:
    packet: int
    """Bytes from one packet to the next."""
    offset: int
    """Where the sync byte lies in a packet."""


def _layout(file: BinaryIO) -> _Layout | None:
    head = file.read(max(_PACKETS) * _SYNC_RUN + 4)
    for packet in _PACKETS:
        layout = _Layout(packet, 4 if packet == 192 else 0)
        if _synced(head, 0, layout):
            return layout
    return None


def _synced(data: bytes, start: int, layout: _Layout) -> bool:
    places = range(start + layout.offset, start + layout.packet * _SYNC_RUN, layout.packet)
    return places[-1] < len(data) and all(data[place] == _SYNC for place in places)


@dataclass(slots=True)
class _Scan:
    """Reads the tables of a stretch of the file."""

    file: BinaryIO
    layout: _Layout
    sections: SectionReader = field(default_factory=SectionReader)

    def tables(self, start: int, end: int) -> Iterator[tuple[int, int, bytes]]:
        """Yield (place of the packet, PID, section) of each table that begins in [start, end)."""
        self.sections = SectionReader()
        programs: set[int] = set()
        place = start
        while place < end:
            self.file.seek(place)
            data = self.file.read(self.layout.packet * _BLOCK_PACKETS)
            rows = self._rows(data)
            if not len(rows):
                skipped = self._resync(data)
                if skipped is None:
                    return
                place += skipped
                continue
            pids = (rows[:, 1] & 0x1F).astype(np.uint16) << 8 | rows[:, 2]
            for row in np.flatnonzero(pids == 0):
                for section in SectionReader().add(0, rows[row].tobytes()):
                    programs.update(association(section).values())
            for row in np.flatnonzero(np.isin(pids, [0, *programs])):
                at = place + int(row) * self.layout.packet
                for section in self.sections.add(int(pids[row]), rows[row].tobytes()):
                    yield at, int(pids[row]), section
            place += len(rows) * self.layout.packet

    def _rows(self, data: bytes) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
        """Return the packets from the beginning of `data` to the first without a sync byte."""
        count = len(data) // self.layout.packet
        table = np.frombuffer(data, np.uint8, count * self.layout.packet)
        table = table.reshape(count, self.layout.packet)[:, self.layout.offset :][:, :188]
        lost = np.flatnonzero(table[:, 0] != _SYNC)
        return table[: lost[0]] if len(lost) else table

    def _resync(self, data: bytes) -> int | None:
        """Return how far behind the beginning of `data` packets begin again; None at the end."""
        last = len(data) - self.layout.packet * _SYNC_RUN
        if last < 1:
            return None
        is_sync = np.frombuffer(data, np.uint8) == _SYNC
        begins = np.ones(last, bool)
        for number in range(_SYNC_RUN):
            at = self.layout.offset + number * self.layout.packet + 1
            begins &= is_sync[at : at + last]
        found = np.flatnonzero(begins)
        return int(found[0]) + 1 if len(found) else last

    def state(self, start: int, end: int) -> _Videos:
        """Return the videos of the programs as they are first told in [start, end)."""
        known: _Videos = {}
        programs: dict[int, int] = {}
        for _, pid, section in self.tables(start, end):
            if pid == 0:
                programs = programs or association(section)
                continue
            program, videos = videos_of(section)
            if program in programs:
                known.setdefault(program, videos)
            if programs and known.keys() >= programs.keys():
                break
        return known

    def cuts(self, start: int, end: int, known: _Videos) -> Iterator[int]:
        """Yield where the videos become others; `known` is what they are at first, and is kept.

        A part begins with the table of programs before the new map, which FFmpeg needs.
        """
        programs: dict[int, int] = {}
        replaced: _Videos = {}
        table_at: int | None = None
        for at, pid, section in self.tables(start, end):
            if pid == 0:
                table_at = at if table_at is None else table_at
                several = section[7] > 0
                programs = association(section) | (programs if several else {})
                for gone in known.keys() - programs.keys():
                    replaced[gone] = known.pop(gone)
                continue
            program, videos = videos_of(section)
            before = known.get(program)
            if before is None and replaced:
                before = replaced.popitem()[1]
            if program in programs:
                known[program] = videos
                if before is not None and before != videos:
                    replaced.clear()
                    yield at if table_at is None else table_at
            table_at = None


def _cuts(scan: _Scan, size: int) -> Iterator[int]:
    if size <= _SCAN_BYTES:
        yield from scan.cuts(0, size, {})
        return
    packet = scan.layout.packet
    places = [size * i // _PLACES // packet * packet for i in range(_PLACES)]
    states = [scan.state(place, place + _PLACE_BYTES) for place in places]
    last = 0
    for here in range(1, _PLACES):
        if not _differ(states[last], states[here]):
            continue
        low, high = places[last], places[here]
        while high - low > _NARROW_BYTES:
            middle = (low + high) // 2 // packet * packet
            if _differ(states[last], scan.state(middle, middle + _PLACE_BYTES)):
                high = middle
            else:
                low = middle
        yield from scan.cuts(low, high + _PLACE_BYTES, dict(states[last]))
        last = here


def _differ(before: _Videos, after: _Videos) -> bool:
    """Tell whether the videos are others; programs of which nothing is known say nothing."""
    common = before.keys() & after.keys()
    if common or not before or not after:
        return any(before[program] != after[program] for program in common)
    return set(before.values()) != set(after.values())
