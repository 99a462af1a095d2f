"""Compile every kernel of the network for compute capability 9.0, without a GPU; print PTX as JSON.

Run as a script by test_dependent.py, without the interpreter.
"""

import json
import sys
from functools import partial

import torch
from offline import compile_only

from rfviewer_kernels.network import convolutions, decoder, norms, products, sampling
from rfviewer_kernels.network.attention import attention
from rfviewer_kernels.network.dependent import dependent_launches, probe

half = partial(torch.zeros, dtype=torch.float16)
norm = torch.nn.LayerNorm(64).half()
tokens = half(2, 16, 64)
stream = torch.zeros(2, 16, 64)
boxes = torch.zeros(2, 8, 4)
chosen = torch.zeros(2, 8, dtype=torch.int64)
OPS = (
    lambda: norms.add_norm(tokens, stream, norm, post=False),
    lambda: norms.embed_norm(tokens, torch.zeros(17, 64), norm),
    lambda: norms.stacked_norm([torch.zeros(1, 17, 64)], norm, torch.float16, (4, 4), 1),
    lambda: norms.norm_rows(tokens[0], norm, silu=True),
    lambda: products.linear(tokens, half(128, 64), half(128), activation="gelu"),
    lambda: products.linear(tokens, half(128, 64), activation="relu"),
    lambda: products.linear(tokens[0], half(64, 64), add=half(16, 64), out=half(16, 64)),
    lambda: products.linear(half(257, 1040), half(64, 1040)),
    lambda: products.linear(stream, torch.zeros(128, 64), torch.zeros(128)),
    lambda: products.linear(tokens.bfloat16(), half(64, 64).bfloat16()),
    lambda: products.query_pixels(half(1, 8, 72), tokens[:1]),
    lambda: convolutions.conv_norm_silu(tokens[0], half(9, 64, 64), norm, (4, 4), half(16, 64)),
    lambda: convolutions.depthwise_norm(tokens[0], half(9, 64), half(64), norm, (4, 4)),
    lambda: convolutions.enlarge(tokens[0], (4, 4), (8, 8)),
    lambda: decoder.top_tokens(half(2, 16), 8),
    lambda: decoder.refine_boxes(half(2, 8, 8), boxes),
    lambda: decoder.anchor_boxes(half(2, 8, 8), torch.zeros(16, 4), chosen, torch.zeros(8, 4), 32),
    lambda: sampling.sample_values(tokens, half(16, 24), boxes, (4, 4), heads=4, points=2),
    lambda: attention(*[half(2, 4, 16, 64)] * 3),
    lambda: attention(*[half(2, 8, 16, 32)] * 3),
    lambda: attention(*[torch.zeros(2, 4, 16, 64)] * 3),
    lambda: probe(torch.device("cpu")),
)


def main():
    """Print {"plain": [[kernel, PTX], ...], "dependent": [[kernel, PTX], ...]}."""
    told, found = {}, []
    compile_only(90, lambda name, asm: found.append((name, asm["ptx"])))
    for kind, wanted in (("plain", False), ("dependent", True)):
        found.clear()
        with dependent_launches(wanted=wanted):
            for op in OPS:
                op()
        told[kind] = list(found)
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
