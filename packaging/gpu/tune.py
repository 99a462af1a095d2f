"""Time launch choices of the kernels on this GPU: tiles, warps, programs.

PYTHONPATH=.:kernels:packaging python packaging/gpu/tune.py
"""

from itertools import product
from typing import Any

import torch
from cases import CLASSES, FRAMES_WH, GRID, MAX_RECORDS, QUERIES, scene
from timing import replay_timing
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from rfviewer_kernels.masks import MaskLaunch, MaskTables, masks
from rfviewer_kernels.network.attention import attention
from rfviewer_kernels.network.convolutions import conv_norm_silu
from rfviewer_kernels.network.products import query_pixels
from rfviewer_kernels.records import Results
from rfviewer_kernels.select import select
from rfviewer_kernels.select_workspace import SelectWorkspace

DEVICE = torch.device("cuda")
TOKENS, HEADS, DEPTH = 677, 6, 64
WIDTH = HEADS * DEPTH


def show(name: str, work: object) -> None:
    """Print one line: the name, then microseconds."""
    try:
        timing = replay_timing(work, samples=30)  # type: ignore[arg-type]
        print(f"{name:60s} {timing.median_us:8.2f} us")
    except RuntimeError as error:
        print(f"{name:60s} cannot run: {str(error).splitlines()[0][:80]}")


def tune_select_and_masks() -> None:
    """Print select by warps and masks by tile, warps and programs."""
    logits, boxes, discs = scene(DEVICE)
    threshold = torch.tensor([0.5], device=DEVICE)
    results = Results.allocate(MAX_RECORDS, DEVICE)
    workspace = SelectWorkspace.allocate(QUERIES, CLASSES, MAX_RECORDS, DEVICE)
    for candidate_warps, rank_warps in product((1, 2, 4), (2, 4, 8)):
        show(
            f"select, {candidate_warps} warps a query, {rank_warps} to rank",
            lambda candidate_warps=candidate_warps, rank_warps=rank_warps: select(
                logits,
                boxes,
                threshold,
                results,
                workspace,
                frame_wh=(312, 176),
                candidate_warps=candidate_warps,
                rank_warps=rank_warps,
            ),
        )
    coarse = torch.empty(MAX_RECORDS, 4, dtype=torch.int32, device=DEVICE)
    tiles = ((16, 8), (8, 8), (32, 4), (16, 16))
    for frame_wh in (FRAMES_WH[0], FRAMES_WH[2]):
        tables = MaskTables.make((GRID, GRID), frame_wh, DEVICE)
        columns = -(-frame_wh[0] // 8)
        out = torch.empty(MAX_RECORDS, frame_wh[1], columns, dtype=torch.uint8, device=DEVICE)
        for tile, warps, programs in product(tiles, (2, 4), (528, 2112)):
            show(
                f"masks {frame_wh}, tile {tile}, {warps} warps, {programs} programs",
                lambda tables=tables, out=out, tile=tile, warps=warps, programs=programs: masks(
                    discs,
                    results,
                    workspace.plane_queries,
                    coarse,
                    out,
                    tables,
                    packed=True,
                    clear=False,
                    launch=MaskLaunch(tile, tile, warps),
                    programs=programs,
                ),
            )


def tune_network() -> None:
    """Print the network's kernels but `linear` by tile, beside what torch offers."""
    half: dict[str, Any] = {"dtype": torch.float16, "device": DEVICE}
    queries, pixels = torch.randn(1, QUERIES, 264, **half), torch.randn(1, GRID * GRID, 256, **half)
    for tile in ((64, 64, 8, 3), (64, 128, 8, 2), (32, 64, 4, 3), (64, 64, 4, 3)):
        show(
            f"queries x pixels, {tile}", lambda tile=tile: query_pixels(queries, pixels, tile=tile)
        )
    features, taps = torch.randn(26 * 26, 128, **half), torch.randn(9, 128, 128, **half) / 34
    norm, out = torch.nn.LayerNorm(128, **half), torch.empty(26 * 26, 128, **half)
    for tile in ((16, 64, 4, 4), (16, 128, 8, 3), (16, 128, 4, 3), (16, 64, 8, 4)):
        show(
            f"convolution + norm + SiLU, {tile}",
            lambda tile=tile: conv_norm_silu(features, taps, norm, (26, 26), out, tile=tile),
        )
    fused = torch.randn(1, TOKENS, 3, HEADS, DEPTH, **half)
    q, k, v = fused.permute(2, 0, 3, 1, 4)
    for backend in (SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION):
        with sdpa_kernel(backend):
            show(f"attention {backend.name}", lambda: scaled_dot_product_attention(q, k, v))
    show("attention, ours", lambda: attention(q, k, v))


with torch.no_grad():
    tune_network()
    tune_select_and_masks()
