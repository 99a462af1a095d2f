"""Brings only the bytes inside the mask regions to the host, without a wait for their number.

One launch copies the region rows of every packed plane, plane after plane, into one byte stream.
The stream may be pinned host memory: the kernel then writes across the bus itself, so a captured
graph moves exactly what is there, while a copy node would have to move the worst case. The stream
holds the worst case, K whole planes: no frame overflows it. The host finds each plane again with
`stream_layout` from the regions alone. The result table can go the same way in the same launch: a
copy node would wake another engine of the device for its few kilobytes.
"""

from dataclasses import dataclass

import numpy as np
import torch
import triton
import triton.language as tl
from numpy.typing import NDArray

from rfviewer_kernels.checks import check
from rfviewer_kernels.programs import persistent_programs
from rfviewer_kernels.records import STREAMED_WORD, Results
from rfviewer_kernels.timestamps import check_stamp, stamp_beginning

CHUNK_BYTES = 512
"""Every plane starts at a multiple of it: one program step then serves one plane."""

_CHUNK = tl.constexpr(CHUNK_BYTES)
_STREAMED = tl.constexpr(STREAMED_WORD)


@triton.jit
def _mask_stream_kernel(
    planes_in,
    table,
    regions,
    stream,
    table_out,
    stamp,
    height,
    columns,
    STAMPED: tl.constexpr,
    TABLE_WORDS: tl.constexpr,
    ROWS: tl.constexpr,
):
    stamp_beginning(stamp, STAMPED)
    planes = tl.load(table + 2)
    row = tl.arange(0, ROWS)
    live = row < planes
    x0 = tl.load(regions + row * 4, mask=live, other=0)
    y0 = tl.load(regions + row * 4 + 1, mask=live, other=0)
    x1 = tl.load(regions + row * 4 + 2, mask=live, other=0)
    y1 = tl.load(regions + row * 4 + 3, mask=live, other=0)
    filled = live & (x1 > x0)
    first = x0 >> 3
    span = tl.where(filled, ((x1 + 7) >> 3) - first, 0)
    size = span * tl.where(filled, y1 - y0, 0)
    chunks = (size + (_CHUNK - 1)) // _CHUNK
    end = tl.cumsum(chunks, axis=0)
    total = tl.sum(chunks, axis=0)
    if tl.program_id(0) == tl.num_programs(0) - 1:  # has the fewest chunks
        tl.store(table + _STREAMED, total * _CHUNK)
        step = tl.arange(0, _CHUNK)
        for start in range(0, TABLE_WORDS, _CHUNK):
            at_word = start + step
            inside_table = at_word < TABLE_WORDS
            copied = tl.load(table + at_word, mask=inside_table, other=0)
            copied = tl.where(at_word == _STREAMED, total * _CHUNK, copied)
            tl.store(table_out + at_word, copied, mask=inside_table)
    lane = tl.arange(0, _CHUNK // 4)
    for chunk in range(tl.program_id(0), total, tl.num_programs(0)):
        plane = tl.sum((live & (end <= chunk)).to(tl.int32), axis=0)
        mine = row == plane
        plane_first = tl.sum(tl.where(mine, first, 0), axis=0)
        plane_span = tl.sum(tl.where(mine, span, 0), axis=0)
        plane_y0 = tl.sum(tl.where(mine, y0, 0), axis=0)
        plane_size = tl.sum(tl.where(mine, size, 0), axis=0)
        plane_chunk = tl.sum(tl.where(mine, end - chunks, 0), axis=0)
        source = planes_in + (plane.to(tl.int64) * height + plane_y0) * columns + plane_first
        at = (chunk - plane_chunk) * _CHUNK + lane * 4
        word = tl.zeros((_CHUNK // 4,), tl.int32)
        for byte in tl.static_range(4):
            position = at + byte
            inside = position < plane_size
            y = position // plane_span
            x = position - y * plane_span
            value = tl.load(source + y * columns + x, mask=inside, other=0)
            word |= value.to(tl.int32) << (byte * 8)
        tl.store(stream + chunk * (_CHUNK // 4) + lane, word)


def stream_bytes(max_records: int, height: int, width: int) -> int:
    """Return the size of a stream that no frame overflows."""
    plane = height * -(-width // 8)
    return max_records * -(-plane // CHUNK_BYTES) * CHUNK_BYTES


def mask_stream(
    planes: torch.Tensor,
    results: Results,
    stream: torch.Tensor,
    *,
    copied: Results | None = None,
    stamp: torch.Tensor | None = None,
    programs: int | None = None,
) -> None:
    """Enqueue the copy on the current stream. No allocation, no sync.

    Args:
        planes: (K, H, columns) uint8 packed planes of `masks`.
        results: after `masks`: its counts and tight regions are read, how many bytes of the stream
            are written is noted.
        stream: (n,) int32 on the device or in pinned host memory, n * 4 >= `stream_bytes`.
        copied: receives the whole of `results`, on the device or in pinned host memory.
        stamp: (1,) int64 on the device or in pinned host memory: written with the device's time, in
            ns, when the first program begins (timestamps.py).
        programs: size of the persistent grid; None fits the device.

    Raises:
        ValueError: for a wrong shape, type, stride or device.
    """
    check("planes", planes, (results.max_records, None, None), (torch.uint8,))
    _, height, columns = planes.shape
    check("results", results.flat, (None,), (torch.int32,), device=planes.device)
    check("stream", stream, (None,), (torch.int32,))
    needed = stream_bytes(results.max_records, height, columns * 8)
    if stream.numel() * 4 < needed:
        raise ValueError(f"stream must hold {needed} bytes, got {stream.numel() * 4}")
    check_stamp(stamp, planes.device)
    if copied is not None:
        check("copied", copied.flat, tuple(results.flat.shape), (torch.int32,))
    for name, target in (("stream", stream), ("copied", None if copied is None else copied.flat)):
        if planes.is_cuda and target is not None and not (target.is_cuda or target.is_pinned()):
            raise ValueError(f"{name} must be on the device or in pinned host memory")
    _mask_stream_kernel[(programs or persistent_programs(planes.device),)](
        planes,
        results.flat,
        results.regions,
        stream,
        results.flat if copied is None else copied.flat,
        results.flat if stamp is None else stamp,
        height,
        columns,
        STAMPED=stamp is not None,
        TABLE_WORDS=0 if copied is None else results.flat.numel(),
        ROWS=triton.next_power_of_2(results.max_records),
    )


@dataclass(frozen=True)
class StreamLayout:
    """Where each plane's region lies in the stream."""

    regions_xyxy: NDArray[np.int32]
    """(P, 4) half-open; all 0 for an empty mask."""
    first_columns: NDArray[np.int64]
    """(P,) byte column of a packed plane at which the region starts."""
    shapes: NDArray[np.int64]
    """(P, 2) rows and bytes a row."""
    starts: NDArray[np.int64]
    """(P,) byte offset in the stream."""


def stream_layout(regions: NDArray[np.int32]) -> StreamLayout:
    """Return the layout of the stream from the first P rows of `Results.regions`, on the host."""
    tight = np.where(regions[:, 2:3] > regions[:, :1], regions, 0).astype(np.int32)
    x0, y0, x1, y1 = tight.T.astype(np.int64)
    spans = np.where(x1 > x0, -(-x1 // 8) - x0 // 8, 0)
    rows = y1 - y0
    chunks = -(-rows * spans // CHUNK_BYTES)
    starts = (np.cumsum(chunks) - chunks) * CHUNK_BYTES
    return StreamLayout(tight, x0 // 8, np.stack((rows, spans), 1), starts)


def planes_of_stream(
    stream: NDArray[np.uint8], layout: StreamLayout, height: int, width: int
) -> NDArray[np.uint8]:
    """Return new packed planes (P, H, ceil(W / 8)), zero outside their regions."""
    planes = np.zeros((len(layout.starts), height, -(-width // 8)), np.uint8)
    for plane, (_, y0, _, _), column, (rows, span), start in zip(
        planes,
        layout.regions_xyxy,
        layout.first_columns,
        layout.shapes,
        layout.starts,
        strict=True,
    ):
        if rows:
            part = stream[start : start + rows * span].reshape(rows, span)
            plane[y0 : y0 + rows, column : column + span] = part
    return planes
