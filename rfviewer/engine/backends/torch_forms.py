"""The two forms of the torch network: traced, ready in seconds; compiled, faster after a minute.

Both remove what depends on the host (Python control flow, tensors made from host values), which is
what makes the network capturable.
"""

import warnings
from collections.abc import Callable

import torch

from rfviewer import log
from rfviewer.engine.backends.torch_rewrites import rewrite

type Forward = Callable[[torch.Tensor], tuple[torch.Tensor, ...]]
"""Maps the network input to (boxes, class logits[, mask logits])."""

_SETTLING_RUNS = 4
"""Runs after which the profiling executor has chosen its kernels."""
_COMPILE_OPTIONS = {"freezing": True, "conv_1x1_as_mm": True}
"""The fastest stable set of docs/OPTIMIZATION_LOG.md, entries N2 to N5."""


def traced(module: torch.nn.Module, example: torch.Tensor) -> Forward:
    """Return the module traced and frozen: constants and weights folded together."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer tells every Python value it turns constant
        script = torch.jit.trace(module, example, check_trace=False, strict=False)
        frozen: Forward = torch.jit.freeze(script.eval())
        for _ in range(_SETTLING_RUNS):
            frozen(example)
    return frozen


def compiled(module: torch.nn.Module, example: torch.Tensor) -> Forward:
    """Return the module rewritten, exported and compiled; takes up to a minute, changes `module`.

    Raises:
        RuntimeError: the compiler failed, e.g. for want of a C compiler.
    """
    from torch.export.passes import move_to_device_pass

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the compiler tells what it might do better
        log.engine.info("rewrites: %s", rewrite(module))
        program = torch.export.export(module, (example,), strict=False)
        graph = move_to_device_pass(program, str(example.device)).module()
        run: Forward = torch.compile(graph, fullgraph=True, dynamic=False, options=_COMPILE_OPTIONS)
        for _ in range(_SETTLING_RUNS):
            run(example)
    return run
