"""The device's own clock, written where the host can read it: when a stage began.

An event between two stages is a node of its own in a captured graph: it holds up the stage behind
it, and costs the host when the graph is launched and again when its time is asked for. A kernel
that is there anyway can write the time itself when its first program begins. Where no kernel of
ours begins a stage, one of a single thread does it. The figures are in docs/OPTIMIZATION_LOG.md,
B3.

The clock is %globaltimer of PTX: nanoseconds, one clock for all streams; how fine its steps are
differs between GPUs (32 ns on an H100 and an H200).
"""

import torch
import triton
import triton.language as tl
from triton.language.extra.cuda import globaltimer

from rfviewer_kernels.checks import check


@triton.jit
def stamp_beginning(at, STAMPED: tl.constexpr):  # noqa: ANN201
    """Write the time to `at`, int64, in the first program of a grid; called first in a kernel."""
    if STAMPED:  # noqa: SIM102 - known when it is compiled
        if (tl.program_id(0) == 0) & (tl.program_id(1) == 0):
            tl.store(at, globaltimer())


@triton.jit
def _stamp_kernel(at):
    tl.store(at, globaltimer())


def check_stamp(at: torch.Tensor | None, device: torch.device) -> None:
    """Raise ValueError unless a kernel on `device` can write one time to `at`, (1,) int64."""
    if at is None:
        return
    check("stamp", at, (1,), (torch.int64,))
    if device.type == "cuda" and not (at.device == device or at.is_pinned()):
        raise ValueError("stamp must be on the device or in pinned host memory")


def stamp(at: torch.Tensor, device: torch.device) -> None:
    """Enqueue the writing of the time to `at` on the current stream of `device`.

    Args:
        at: (1,) int64 on the device or in pinned host memory; ns of the device's clock when the
            kernel gets to run, after what was enqueued before.
        device: a GPU; the interpreter has no such clock.

    Raises:
        ValueError: for a wrong shape, type or device.
    """
    check_stamp(at, device)
    _stamp_kernel[(1,)](at, num_warps=1)
