"""The engine's rewrites of the network, and with them one that was measured and rejected.

docs/OPTIMIZATION_LOG.md tells what each was expected to bring and brought.
"""

import types

from torch import Tensor, nn

from rfviewer.engine.backends import torch_rewrites
from rfviewer_kernels.attention import short_attention


def rewrite(module: nn.Module, *, own_attention: bool = False) -> nn.Module:
    """Apply the engine's rewrites, with `own_attention` also our attention kernel (rejected)."""
    counts = torch_rewrites.rewrite(module)
    missing = [name for name, count in counts.items() if count == 0]
    if missing:
        raise LookupError(f"found no place for {', '.join(missing)}: rfdetr has changed")
    for block in module.modules() if own_attention else ():
        if hasattr(block, "qkv"):
            block.forward = types.MethodType(_own_attention, block)
    return module


def _own_attention(
    self: nn.Module,
    hidden_states: Tensor,
    output_attentions: bool = False,  # noqa: FBT001, FBT002 - rfdetr's signature
) -> tuple[Tensor, None]:
    batch, tokens, _ = hidden_states.shape
    heads, depth = self.num_attention_heads, self.attention_head_size
    qkv = self.qkv(hidden_states).view(batch, tokens, 3, heads, depth).permute(2, 0, 3, 1, 4)
    return short_attention(qkv[0], qkv[1], qkv[2]), None
