"""Programmatic dependent launch: a kernel is put in place while the one before it still ends.

From compute capability 9.0 on (CUDA Programming Guide, "Programmatic Dependent Launch"; PTX ISA,
griddepcontrol). Every kernel of this package takes DEPENDENT, begins with `after_previous` and
touches no memory before that, so everything is read and written in the order of plain launches. It
calls `let_next_in` when it has little left but to store: earlier, the programs of the next kernel
would wait where those of other streams could work.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
import triton
import triton.language as tl
from triton import TritonError
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

_CAPABILITY = (9, 0)
_wanted = ContextVar("dependent launches", default=False)


@triton.jit
def after_previous(DEPENDENT: tl.constexpr):  # noqa: ANN201 - a kernel's part
    """Wait until the kernel before is done and what it wrote can be read."""
    if DEPENDENT:
        gdc_wait()


@triton.jit
def let_next_in(DEPENDENT: tl.constexpr):  # noqa: ANN201 - a kernel's part
    """Let the next kernel be put in place, once every program has said so."""
    if DEPENDENT:
        gdc_launch_dependents()


@contextmanager
def dependent_launches(*, wanted: bool) -> Iterator[None]:
    """Launch this package's kernels dependently, on this thread; the GPU must be able to."""
    token = _wanted.set(wanted)
    try:
        yield
    finally:
        _wanted.reset(token)


def launch_options() -> dict[str, bool]:
    """Return what every launch of a kernel of this package is given."""
    if _wanted.get():
        return {"DEPENDENT": True, "launch_pdl": True}
    return {"DEPENDENT": False}


@triton.jit
def _probe_kernel(out, DEPENDENT: tl.constexpr):
    after_previous(DEPENDENT)
    let_next_in(DEPENDENT)
    tl.store(out, 1)


def probe(device: torch.device) -> None:
    """Launch a kernel that does next to nothing, as `launch_options` says.

    Raises:
        RuntimeError: the driver refuses that.
        TritonError: the compiler does.
    """
    _probe_kernel[(1,)](torch.empty(1, dtype=torch.int32, device=device), **launch_options())


def dependent_obstacle(device: torch.device) -> str:
    """Return why `device`, a GPU, cannot launch dependently; empty when it can."""
    found = torch.cuda.get_device_capability(device)
    if found < _CAPABILITY:
        needed, has = (f"{major}.{minor}" for major, minor in (_CAPABILITY, found))
        return f"needs compute capability {needed}, this GPU has {has}"
    try:
        with dependent_launches(wanted=True):
            probe(device)
    except (RuntimeError, TritonError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return f"refused here ({lines[0]})"
    return ""
