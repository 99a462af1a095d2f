"""Brings a frame from page-locked host memory to the device, from wherever the host says.

A copy node of a captured graph has one fixed source. This kernel reads the source's address, and
the threshold, from two words that the host writes before each launch, so one graph takes frames
that lie anywhere in page-locked memory, and the host need not copy them to a fixed place first.

It can bring parts of a frame only, each to its own place: resize mode A reads two rows for each
row of the network input, so of 1080 rows 456 need not cross the bus.
"""

import numpy as np
import torch
import triton
import triton.language as tl

from rfviewer_kernels.checks import check
from rfviewer_kernels.pixels import Layout
from rfviewer_kernels.tables import LinearTable
from rfviewer_kernels.timestamps import check_stamp, stamp_beginning

ORDER_WORDS = 2
"""Words of int64 of an order: the source's address, then the threshold's float32 bits."""
ALIGNMENT = 16
"""Sources start at a multiple of it, and may be read up to the next multiple behind their end."""
PIECE_WORDS = 128
"""Words of a piece: 512 bytes, a small part of a large frame's row."""
_BLOCK, _WARPS, _PROGRAMS = 4096, 8, 16
"""16 programs fill the bus: docs/OPTIMIZATION_LOG.md, K9."""


@triton.jit
def _fetch_kernel(
    order,
    frame,
    threshold,
    pieces,
    stamp,
    quads,
    frame_quads,
    STAMPED: tl.constexpr,
    PARTS: tl.constexpr,
    PIECE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    stamp_beginning(stamp, STAMPED)
    address = tl.load(order)
    source = tl.multiple_of(address.to(tl.pointer_type(tl.int32)), 16)
    lane = tl.arange(0, BLOCK)
    words, frame_words = quads * 4, frame_quads * 4  # tells that four words are moved at a time
    for start in range(tl.program_id(0) * BLOCK, words, tl.num_programs(0) * BLOCK):
        at = start + lane
        inside = at < words
        if PARTS:
            piece = tl.load(pieces + at // PIECE, mask=inside, other=0)
            # Says that four words lie side by side, which the way through the table hides.
            at = tl.max_contiguous(tl.multiple_of(piece * PIECE + at % PIECE, 4), 4)
            inside = inside & (at < frame_words)
        word = tl.load(source + at, mask=inside, other=0)
        tl.store(frame + at, word, mask=inside)
    if tl.program_id(0) == 0:
        bits = tl.load(order + 1).to(tl.int32)
        tl.store(threshold, bits.to(tl.float32, bitcast=True))


def needed_pieces(rows: LinearTable, width: int, layout: Layout) -> torch.Tensor | None:
    """Return the pieces of a frame that hold what mode A reads; None if that is every piece.

    Args:
        rows: mode A's table of the frame's rows.
        width: of the frame in pixels.
        layout: of the frame.

    Returns:
        (n,) int32 on the host, ascending: piece i is words i * PIECE_WORDS up to the next one's.
    """
    read = np.union1d(rows.first.cpu().numpy(), rows.second.cpu().numpy()).astype(np.int64)
    height, row_bytes = rows.n_in, 3 * width
    if layout is Layout.NV12:
        read = np.union1d(read, height + read // 2)  # the rows of chroma beside them
        height, row_bytes = height * 3 // 2, width
    piece_bytes = 4 * PIECE_WORDS
    count = -(-height * row_bytes // piece_bytes)
    # How many rows begin in a piece, less those that have ended before it: none leaves it out.
    begins = np.bincount(read * row_bytes // piece_bytes, minlength=count + 1)
    ends = np.bincount(((read + 1) * row_bytes - 1) // piece_bytes + 1, minlength=count + 1)
    found = np.flatnonzero((begins - ends).cumsum()[:count])
    return None if len(found) == count else torch.from_numpy(found.astype(np.int32))


def fetch(
    order: torch.Tensor,
    frame: torch.Tensor,
    threshold: torch.Tensor,
    pieces: torch.Tensor | None = None,
    *,
    stamp: torch.Tensor | None = None,
    programs: int = _PROGRAMS,
    block: int = _BLOCK,
    warps: int = _WARPS,
) -> None:
    """Enqueue the copy on the current stream. No allocation, no sync.

    The caller answers for the address: page-locked memory that lives until the copy is done.

    Args:
        order: (2,) int64 in pinned host memory: address and threshold bits; read when it runs.
        frame: (n,) int32 on the device, overwritten: as many words are read at the address; whole
            multiples of `ALIGNMENT`.
        threshold: (1,) float32 on the device, overwritten.
        pieces: (n,) int32 on the device, `needed_pieces`: what to bring, the rest of `frame` stays
            as it is; None for everything.
        stamp: (1,) int64 on the device or in pinned host memory: written with the device's time, in
            ns, when the first program begins (timestamps.py).
        programs: size of the grid at most.
        block: words a program copies at a time, with `pieces` a multiple of PIECE_WORDS.
        warps: warps of a program.

    Raises:
        ValueError: for a wrong shape, type, stride or device.
    """
    check("order", order, (ORDER_WORDS,), (torch.int64,))
    check("frame", frame, (None,), (torch.int32,))
    check("threshold", threshold, (1,), (torch.float32,), device=frame.device)
    if frame.is_cuda and not order.is_pinned():
        raise ValueError("order must be in pinned host memory")
    check_stamp(stamp, frame.device)
    words = frame.numel()
    if words % (ALIGNMENT // 4):
        raise ValueError(f"frame must end at a multiple of {ALIGNMENT} bytes, got {words} words")
    if pieces is not None:
        check("pieces", pieces, (None,), (torch.int32,), device=frame.device)
        words = pieces.numel() * PIECE_WORDS
    grid = (min(programs, triton.cdiv(words, block)),)
    _fetch_kernel[grid](
        order,
        frame,
        threshold,
        frame if pieces is None else pieces,
        order if stamp is None else stamp,
        words // 4,
        frame.numel() // 4,
        STAMPED=stamp is not None,
        PARTS=pieces is not None,
        PIECE=PIECE_WORDS,
        BLOCK=block,
        num_warps=warps,
    )
