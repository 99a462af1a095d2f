"""Time launch choices of the kernels on this GPU: tiles, warps, programs, attention blocks.

PYTHONPATH=.:kernels:packaging python packaging/gpu/tune.py
"""

from itertools import product

import torch
import triton
from cases import FRAMES_WH, GRID, MAX_RECORDS, QUERIES, scene
from timing import replay_timing
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from rfviewer_kernels import attention
from rfviewer_kernels.masks import MaskLaunch, MaskTables, masks
from rfviewer_kernels.records import Results
from rfviewer_kernels.select import SelectWorkspace, select

DEVICE = torch.device("cuda")
TOKENS, HEADS, DEPTH = 677, 6, 64


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
    workspace = SelectWorkspace.allocate(QUERIES, MAX_RECORDS, DEVICE)
    for warps in (4, 8, 16, 32):
        show(
            f"select, {warps} warps",
            lambda warps=warps: select(
                logits, boxes, threshold, results, workspace, frame_wh=(312, 176), warps=warps
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


def tune_attention() -> None:
    """Print torch's attention backends and our kernel by block sizes."""
    fused = torch.randn(1, TOKENS, 3, HEADS, DEPTH, dtype=torch.float16, device=DEVICE)
    q, k, v = fused.permute(2, 0, 3, 1, 4)
    for backend in (
        SDPBackend.CUDNN_ATTENTION,
        SDPBackend.FLASH_ATTENTION,
        SDPBackend.EFFICIENT_ATTENTION,
    ):
        with sdpa_kernel(backend):
            show(f"attention {backend.name}", lambda: scaled_dot_product_attention(q, k, v))
    out = torch.empty(1, TOKENS, HEADS, DEPTH, dtype=torch.float16, device=DEVICE).transpose(1, 2)
    strides = (q, k, v, out)
    for block_m, block_n, warps, stages in product((16, 32, 64), (64, 128), (2, 4), (2,)):
        show(
            f"attention ours, {block_m} x {block_n}, {warps} warps, {stages} stages",
            lambda m=block_m, n=block_n, w=warps, s=stages: attention._attention_kernel[  # noqa: SLF001
                (triton.cdiv(TOKENS, m), HEADS)
            ](
                *strides,
                TOKENS,
                0.18,
                *(value for tensor in strides for value in (tensor.stride(1), tensor.stride(2))),
                BLOCK_M=m,
                BLOCK_N=n,
                DIM=DEPTH,
                num_warps=w,
                num_stages=s,
            ),
        )


tune_attention()
tune_select_and_masks()
