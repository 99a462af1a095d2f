"""The two forms of the torch network: fused, written out by us; traced, rfdetr's own module.

Both leave out what depends on the host (Python control flow, tensors made from host values), which
is what makes the network capturable.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch

from rfviewer.engine.backends.fused.network import Beside

type Forward = Callable[[torch.Tensor, Beside], tuple[torch.Tensor, ...]]
"""Maps the network input to (boxes, class logits[, mask logits])."""

_SETTLING_RUNS = 4
"""Runs after which the profiling executor has chosen its kernels."""


@dataclass(frozen=True, slots=True)
class Precision:
    """How the network computes."""

    dtype: torch.dtype
    """Type of the weights, and of input and outputs unless `outside` says otherwise."""
    tf32: bool = False
    """Whether fp32 products may round their operands to tf32."""
    outside: torch.dtype | None = None
    """Type of input and outputs where the kernels around the network do not take `dtype`."""

    def allow_tf32(self) -> None:
        """Let torch and the kernels multiply in that way from now on.

        Process-wide. Asked for before every pass: a model of another precision that failed to load
        may have changed it, and the one before stays in use.
        """
        torch.backends.cuda.matmul.allow_tf32 = self.tf32
        torch.backends.cudnn.allow_tf32 = self.tf32

    def cast(self, forward: Forward) -> Forward:
        """Return `forward` as it looks from outside."""
        if self.outside is None:
            return forward
        inside, outside = self.dtype, self.outside

        def run(network_input: torch.Tensor, beside: Beside) -> tuple[torch.Tensor, ...]:
            found = forward(network_input.to(inside), beside)
            return tuple(output.to(outside) for output in found)

        return run


PRECISIONS = {
    "fp16": Precision(torch.float16),
    "fp32": Precision(torch.float32),
    "tf32": Precision(torch.float32, tf32=True),
    "bf16": Precision(torch.bfloat16, outside=torch.float32),
}
"""By the names of `EngineConfig.precision`."""


def traced(module: torch.nn.Module, example: torch.Tensor) -> Forward:
    """Return the module traced and frozen: constants and weights folded together."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer tells every Python value it turns constant
        script = torch.jit.trace(module, example, check_trace=False, strict=False)
        frozen = torch.jit.freeze(script.eval())
        for _ in range(_SETTLING_RUNS):
            frozen(example)

    def run(network_input: torch.Tensor, beside: Beside) -> tuple[torch.Tensor, ...]:
        found: tuple[torch.Tensor, ...] = frozen(network_input)
        return found

    return run
