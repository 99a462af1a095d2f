"""Tiles of the fused network's products: every size of the demo model, the library beside ours.

Alone and on three streams at once, since frames overlap: a tile that leaves room for others may win
there. Then the whole network on one to four streams, by what makes its products.

python packaging/gpu/tune_products.py
"""

import itertools
from collections.abc import Callable
from dataclasses import replace

import torch
from suite_parts import THRESHOLD, Bench, bare_rates, runs_a_second
from torch.nn import functional

from rfviewer.engine.backends.fused import products as chooser
from rfviewer.engine.cuda.engine import CudaEngine
from rfviewer.engine.cuda.replay import Replay
from rfviewer.optimizations import Optimizations
from rfviewer_kernels.network import products

FEW = ((16, 32, 64, 2, 4), (16, 64, 64, 4, 4), (32, 32, 64, 4, 4), (16, 32, 128, 2, 3),
       (16, 16, 128, 2, 2), (32, 64, 64, 4, 4), (16, 128, 64, 4, 3))  # fmt: skip
MANY = ((64, 32, 64, 4, 4), (64, 64, 64, 4, 3), (64, 64, 64, 4, 4), (64, 128, 64, 4, 3),
        (64, 128, 64, 8, 3), (64, 32, 128, 4, 3), (64, 64, 128, 4, 3),
        (128, 64, 64, 4, 3))  # fmt: skip
_FEW_ROWS = 256
_CALLS = 16
"""Of a graph."""
_STREAMS = 3
_BATCHES = (1, 2, 4, 8)


def main() -> None:
    """Print one line for each size and tile, then the rates of the network."""
    bench = Bench()
    engine = bench.engine
    for rows, depth, columns, activation in sizes_of(engine):
        x = torch.randn(rows, depth, dtype=torch.float16, device="cuda")
        weight = torch.randn(columns, depth, dtype=torch.float16, device="cuda") / depth**0.5
        bias = torch.zeros(columns, dtype=torch.float16, device="cuda")
        print(f"{rows} x {depth} -> {columns}, {activation}", flush=True)
        if activation != "gelu":
            show("library", lambda x=x, w=weight, b=bias: functional.linear(x, w, b))
        for tile in FEW if rows <= _FEW_ROWS else MANY:
            show(
                f"{tile}",
                lambda x=x, w=weight, b=bias, a=activation, tile=tile: products.linear(
                    x, w, b, activation=a, tile=tile
                ),
            )
    for batch, most in itertools.product(_BATCHES, (0, chooser._FEW_TILES, 1 << 30)):  # noqa: SLF001
        chooser._FEW_TILES = most  # noqa: SLF001
        engine.configure(replace(Optimizations(), micro_batch=batch))
        engine.submit(bench.clip[0], THRESHOLD)
        engine.collect()
        rates = bare_rates(engine, batch)
        print(
            f"network, {batch} a pass, ours up to {most} tiles: frames a second {rates}", flush=True
        )
    bench.close()


def sizes_of(engine: CudaEngine) -> list[tuple[int, int, int, str]]:
    """Return rows, depth, columns and activation of every product, each once."""
    found: dict[tuple[int, int, int, str], None] = {}
    real = products.linear

    def note(x: torch.Tensor, weight: torch.Tensor, *args: object, **options: object) -> object:
        columns, depth = weight.shape
        found[x.numel() // depth, depth, columns, str(options.get("activation", "none"))] = None
        return real(x, weight, *args, **options)  # type: ignore[arg-type]

    chooser.linear = note  # type: ignore[assignment]
    try:
        stream, bound = engine._sets.place(0)  # noqa: SLF001
        with torch.cuda.stream(stream):
            bound.enqueue(stream)
        stream.synchronize()
    finally:
        chooser.linear = real
    return list(found)


def show(name: str, work: Callable[[], object]) -> None:
    """Print the microseconds of a call, alone and with others like it beside."""
    try:
        graphs = [
            Replay(lambda: [work() for _ in range(_CALLS)], torch.cuda.Stream(), graph=True)
            for _ in range(_STREAMS)
        ]
    except RuntimeError as error:
        print(f"    {name:28s} {error}".splitlines()[0])
        return
    alone, beside = (1e6 / runs_a_second(graphs[:count]) / _CALLS for count in (1, _STREAMS))
    print(f"    {name:28s} alone {alone:5.2f} us, {_STREAMS} at once {beside:5.2f} us each")


if __name__ == "__main__":
    main()
