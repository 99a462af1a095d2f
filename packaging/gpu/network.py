"""The demo network in torch, fp16, and the ways to make one capturable, fast callable of it.

Every variant is a function of the exported module and an example input, and returns a callable
that maps the fp16 input (1, 3, 312, 312) to (boxes, logits, mask logits).
"""

from collections.abc import Callable

import torch
from torch import nn

Network = Callable[[torch.Tensor], tuple[torch.Tensor, ...]]
Variant = Callable[[nn.Module, torch.Tensor], Network]
RESOLUTION = 312


def demo_module(device: torch.device, dtype: torch.dtype) -> nn.Module:
    """Return the demo model in export form (one group, plain tensors), without gradients."""
    from demo_torch import build_demo_model

    module: nn.Module = build_demo_model().model.model
    module.export()  # type: ignore[operator]
    return module.to(device=device, dtype=dtype).eval().requires_grad_(requires_grad=False)


def example_input(device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Return a random network input."""
    return torch.randn(1, 3, RESOLUTION, RESOLUTION, device=device, dtype=dtype)


def traced(module: nn.Module, example: torch.Tensor) -> Network:
    """torch.jit.trace and freeze: host-side control flow is gone, constants are folded in."""
    with torch.no_grad():
        script = torch.jit.trace(module, example, check_trace=False, strict=False)
        frozen = torch.jit.freeze(script.eval())
        for _ in range(4):  # the profiling executor settles within a few runs
            frozen(example)
    return frozen


def traced_channels_last(module: nn.Module, example: torch.Tensor) -> Network:
    """The same with convolution weights and input channels-last."""
    last = module.to(memory_format=torch.channels_last)
    network = traced(last, example.to(memory_format=torch.channels_last))
    return lambda x: network(x.to(memory_format=torch.channels_last))


def exported(module: nn.Module, example: torch.Tensor) -> nn.Module:
    """Return the torch.export graph with every constant on the example's device."""
    from torch.export.passes import move_to_device_pass

    with torch.no_grad():
        program = torch.export.export(module, (example,), strict=False)
    return move_to_device_pass(program, str(example.device)).module()


def inductor(module: nn.Module, example: torch.Tensor, **options: object) -> Network:
    """torch.export, then inductor with `options`; compiled by the first call here."""
    graph = exported(module, example)
    compiled = torch.compile(graph, fullgraph=True, dynamic=False, options=options or None)
    with torch.no_grad():
        compiled(example)

    def run(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        with torch.no_grad():
            return compiled(x)

    return run


def rewritten(*, own_attention: bool = False, **options: object) -> Variant:
    """Return the variant of rewrite.py with inductor and `options`."""

    def build(module: nn.Module, example: torch.Tensor) -> Network:
        from rewrite import rewrite

        return inductor(
            rewrite(module, own_attention=own_attention), example, freezing=True, **options
        )

    return build


VARIANTS: dict[str, Variant] = {
    "trace": traced,
    "trace channels-last": traced_channels_last,
    "export": exported,
    "inductor": inductor,
    "inductor freezing": lambda m, x: inductor(m, x, freezing=True),
    "rewritten": rewritten(),
    "rewritten attention": rewritten(own_attention=True),
    "rewritten 1x1": rewritten(conv_1x1_as_mm=True),
    "rewritten tuned": rewritten(conv_1x1_as_mm=True, coordinate_descent_tuning=True),
    "rewritten gemm": rewritten(
        conv_1x1_as_mm=True,
        max_autotune_gemm=True,
        max_autotune_gemm_backends="ATEN,TRITON",
    ),
}
