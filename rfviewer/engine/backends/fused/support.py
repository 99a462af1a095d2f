"""What the parts of the fused network share: the refusal, and weights laid out for products."""

import torch
from torch import Tensor, nn

_ALIGNED = 8
"""Columns of a product are padded to a multiple of it: 16 bytes of fp16, which the fast kernels of
the libraries ask for."""


class Unsupported(Exception):  # noqa: N818 - a finding about a module, not a failure
    """The module is built in a way that the fused network was not written for."""


def need(condition: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raise `Unsupported` with `what` unless `condition` holds."""
    if not condition:
        raise Unsupported(what)


def need_channels(count: int, least: int, what: str) -> None:
    """Raise `Unsupported` unless the kernels take so many: a power of two of `least` or more."""
    need(count >= least and count & (count - 1) == 0, f"{what} of {count} channels")


def joined(*parts: nn.Linear) -> nn.Linear:
    """Return one product that gives the results of `parts` side by side."""
    weight = torch.cat([part.weight for part in parts])
    return linear_of(weight, torch.cat([part.bias for part in parts]))


def linear_of(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """Return a product with that weight (out, in) and bias (out,)."""
    made = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    made.weight = nn.Parameter(weight.detach().contiguous(), requires_grad=False)
    if bias is not None:
        made.bias = nn.Parameter(bias.detach().contiguous(), requires_grad=False)
    return made


def padded(linear: nn.Linear) -> nn.Linear:
    """Return `linear` with zero columns added, so that their number suits the fast kernels."""
    missing = -linear.out_features % _ALIGNED
    if not missing:
        return linear
    weight = torch.cat([linear.weight, linear.weight.new_zeros(missing, linear.in_features)])
    return linear_of(weight, torch.cat([linear.bias, linear.bias.new_zeros(missing)]))


def scaled(linear: nn.Linear, factor: Tensor) -> nn.Linear:
    """Return `linear` with every output multiplied by its `factor`."""
    return linear_of(linear.weight * factor[:, None], linear.bias * factor)
