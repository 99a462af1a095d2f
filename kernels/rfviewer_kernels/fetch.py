"""Brings a frame from page-locked host memory to the device, from wherever the host says.

A copy node of a captured graph has one fixed source. This kernel reads the source's address, and
the threshold, from two words that the host writes before each launch, so one graph takes frames
that lie anywhere in page-locked memory, and the host need not copy them to a fixed place first.
"""

import torch
import triton
import triton.language as tl

from rfviewer_kernels.checks import check

ORDER_WORDS = 2
"""Words of int64 of an order: the source's address, then the threshold's float32 bits."""
ALIGNMENT = 16
"""Sources start at a multiple of it, and may be read up to the next multiple behind their end."""
_BLOCK, _WARPS, _PROGRAMS = 4096, 8, 16
"""16 programs fill the bus: docs/OPTIMIZATION_LOG.md, K9."""


@triton.jit
def _fetch_kernel(order, frame, threshold, words, BLOCK: tl.constexpr):
    address = tl.load(order)
    source = tl.multiple_of(address.to(tl.pointer_type(tl.int32)), 16)
    lane = tl.arange(0, BLOCK)
    for start in range(tl.program_id(0) * BLOCK, words, tl.num_programs(0) * BLOCK):
        inside = start + lane < words
        word = tl.load(source + start + lane, mask=inside, other=0)
        tl.store(frame + start + lane, word, mask=inside)
    if tl.program_id(0) == 0:
        bits = tl.load(order + 1).to(tl.int32)
        tl.store(threshold, bits.to(tl.float32, bitcast=True))


def fetch(
    order: torch.Tensor,
    frame: torch.Tensor,
    threshold: torch.Tensor,
    *,
    programs: int = _PROGRAMS,
    block: int = _BLOCK,
    warps: int = _WARPS,
) -> None:
    """Enqueue the copy on the current stream. No allocation, no sync.

    The caller answers for the address: page-locked memory that lives until the copy is done.

    Args:
        order: (2,) int64 in pinned host memory: address and threshold bits; read when it runs.
        frame: (n,) int32 on the device, overwritten: as many words are read at the address.
        threshold: (1,) float32 on the device, overwritten.
        programs: size of the grid at most.
        block: words a program copies at a time.
        warps: warps of a program.

    Raises:
        ValueError: for a wrong shape, type, stride or device.
    """
    check("order", order, (ORDER_WORDS,), (torch.int64,))
    check("frame", frame, (None,), (torch.int32,))
    check("threshold", threshold, (1,), (torch.float32,), device=frame.device)
    if frame.is_cuda and not order.is_pinned():
        raise ValueError("order must be in pinned host memory")
    words = frame.numel()
    grid = (min(programs, triton.cdiv(words, block)),)
    _fetch_kernel[grid](order, frame, threshold, words, BLOCK=block, num_warps=warps)
