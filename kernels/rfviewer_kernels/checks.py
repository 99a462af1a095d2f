"""What every launcher demands of its tensors, told as expected against got."""

from collections.abc import Sequence

import torch


def check(
    name: str,
    tensor: torch.Tensor,
    shape: Sequence[int | None],
    dtypes: Sequence[torch.dtype],
    *,
    contiguous: bool = True,
    device: torch.device | None = None,
) -> None:
    """Raise unless `tensor` is what a kernel was written for; never copies or converts.

    Args:
        name: how the message calls it.
        tensor: any tensor.
        shape: expected sizes; None leaves one free.
        dtypes: accepted types.
        contiguous: whether rows must lie side by side without gaps.
        device: where it must lie; None leaves it open.

    Raises:
        ValueError: with what was expected and what came.
    """
    fits = tensor.dim() == len(shape) and all(
        want is None or want == got for want, got in zip(shape, tensor.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name} must have shape {tuple(shape)}, got {tuple(tensor.shape)}")
    if tensor.dtype not in dtypes:
        known = " or ".join(str(dtype) for dtype in dtypes)
        raise ValueError(f"{name} must be {known}, got {tensor.dtype}")
    if contiguous and not tensor.is_contiguous():
        raise ValueError(f"{name} must be contiguous, got strides {tensor.stride()}")
    if device is not None and tensor.device != device:
        raise ValueError(f"{name} must be on {device}, got {tensor.device}")
