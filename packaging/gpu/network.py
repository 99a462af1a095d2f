"""The demo network in torch, fp16, and its two forms as plain callables, without an engine.

They map the fp16 input (B, 3, 312, 312) to (boxes, logits, mask logits).
"""

from collections.abc import Callable

import torch
from torch import nn

from rfviewer.engine.backends.fused.network import Beside, FusedNetwork
from rfviewer.engine.backends.torch_forms import traced as engine_traced
from rfviewer_kernels.network.dependent import dependent_launches, dependent_obstacle

Network = Callable[[torch.Tensor], tuple[torch.Tensor, ...]]
RESOLUTION = 312


def demo_module(device: torch.device, dtype: torch.dtype) -> nn.Module:
    """Return the demo model in export form (one group, plain tensors), without gradients."""
    from demo_torch import build_demo_model

    module: nn.Module = build_demo_model().model.model
    module.export()  # type: ignore[operator]
    return module.to(device=device, dtype=dtype).eval().requires_grad_(requires_grad=False)


def example_input(device: torch.device, dtype: torch.dtype, frames: int = 1) -> torch.Tensor:
    """Return a random network input."""
    return torch.randn(frames, 3, RESOLUTION, RESOLUTION, device=device, dtype=dtype)


def traced(module: nn.Module, example: torch.Tensor) -> Network:
    """Return the module traced and frozen."""
    beside = Beside(torch.cuda.Stream(example.device), None)
    network = engine_traced(module, example)
    return lambda x: network(x, beside)


def fused(module: nn.Module, example: torch.Tensor) -> Network:
    """Return the network written out, with a second stream of its own."""
    beside = Beside(torch.cuda.Stream(example.device), None)
    network = FusedNetwork(module, (RESOLUTION, RESOLUTION))
    dependent = not dependent_obstacle(example.device)

    def run(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        with torch.no_grad(), dependent_launches(wanted=dependent):
            return network(x, beside)

    run(example)
    return run


FORMS: dict[str, Callable[[nn.Module, torch.Tensor], Network]] = {
    "traced": traced,
    "fused": fused,
}
