"""Packed mask bytes on the device: set pixels around each pixel, and the bits of a set in order.

The eight counts of a byte's pixels lie side by side in one 64-bit word.
"""

import triton
import triton.language as tl

MAX_REACH = 7
"""A window reaches into the bytes beside a pixel's own and no farther."""

_ONES = tl.constexpr(0x0101010101010101)
_SEVENS = tl.constexpr(0x7F7F7F7F7F7F7F7F)
_DIAGONAL = tl.constexpr(0x0040201008040201)


@triton.jit
def _spread(byte):
    """Return eight bytes in a uint64: byte i is bit i of `byte`, 0 or 1."""
    wide = byte.to(tl.uint64)
    low = (wide * _ONES) & _DIAGONAL  # bit i of byte i, for the seven lower ones
    return (((low + _SEVENS) >> 7) & _ONES) | ((wide >> 7) << 56)


@triton.jit
def window(  # noqa: ANN201 - Triton types it
    planes, at_plane, y, column, x0, y0, x1, y1, columns, REACH: tl.constexpr
):
    """Return the bytes at (y, column) and, in a uint64, the set pixels around each of their bits.

    Bytes outside the region are whatever an earlier frame left there, and never read.
    """
    first = x0 >> 3
    last = (x1 + 7) >> 3
    here = y * 0 + column * 0
    before = here.to(tl.uint64)
    middle = here.to(tl.uint64)
    after = here.to(tl.uint64)
    for step in tl.static_range(2 * REACH + 1):
        row = y + (step - REACH)
        in_rows = (row >= y0) & (row < y1)
        at = planes + at_plane + row * columns + column
        inside = in_rows & (column >= first) & (column < last)
        own = tl.load(at, mask=inside, other=0)
        if step == REACH:
            here = own.to(tl.int32)
        middle += _spread(own)
        if REACH > 0:
            inside = in_rows & (column > first) & (column <= last)
            before += _spread(tl.load(at - 1, mask=inside, other=0))
            inside = in_rows & (column >= first - 1) & (column < last - 1)
            after += _spread(tl.load(at + 1, mask=inside, other=0))
    total = middle
    for step in tl.static_range(1, REACH + 1):
        total += (middle >> (8 * step)) | (after << (64 - 8 * step))
        total += (middle << (8 * step)) | (before >> (64 - 8 * step))
    return here, total


@triton.jit
def lowest(todo):  # noqa: ANN201 - Triton types it
    """Return the index of the lowest set bit of an int64."""
    low = todo & (0 - todo)
    upper = (low & 0xFFFFFFFF) == 0
    word = tl.where(upper, low >> 32, low) & 0xFFFFFFFF
    index = upper.to(tl.int32) * 32 + ((word & 0xAAAAAAAA) != 0).to(tl.int32)
    index += ((word & 0xCCCCCCCC) != 0).to(tl.int32) * 2
    index += ((word & 0xF0F0F0F0) != 0).to(tl.int32) * 4
    index += ((word & 0xFF00FF00) != 0).to(tl.int32) * 8
    return index + ((word & 0xFFFF0000) != 0).to(tl.int32) * 16
