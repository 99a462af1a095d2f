"""The kernels' measured cases: how to launch each, its reference, and the bytes it must move.

Bytes count every input read once and every output written once (docs/benchmarks/README.md). The
frame and the logits are random, never zeros; masks are 30 discs that cover 1.3 % of the frame each.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from rfviewer_kernels import reference, reference_overlay
from rfviewer_kernels.fetch import PIECE_WORDS, fetch, needed_pieces
from rfviewer_kernels.mask_stream import mask_stream, stream_bytes
from rfviewer_kernels.masks import MaskTables, masks
from rfviewer_kernels.normalize import affine
from rfviewer_kernels.overlay import overlay
from rfviewer_kernels.overlay_plan import PAINT_WORDS, ViewTable, overlay_plan
from rfviewer_kernels.pixels import Layout
from rfviewer_kernels.preprocess_a import preprocess_a
from rfviewer_kernels.preprocess_b import preprocess_b
from rfviewer_kernels.records import Results, decode
from rfviewer_kernels.select import select
from rfviewer_kernels.select_workspace import SelectWorkspace
from rfviewer_kernels.tables import antialias_table, linear_table
from rfviewer_kernels.timestamps import stamp

NETWORK, QUERIES, CLASSES, GRID, MAX_RECORDS, SURVIVORS = 312, 100, 91, 78, 100, 30
FRAMES_WH = ((312, 176), (1280, 720), (1920, 1080))
_DISC_RADIUS = 5.0


@dataclass(frozen=True)
class Case:
    """One op at one size."""

    name: str
    launch: Callable[[], None]
    """Enqueues the op; buffers are made already."""
    reference: Callable[[], object]
    """The plain torch form on the same inputs."""
    moved_bytes: int
    """Least traffic: each input once, each output once; over the bus where `bus`."""
    bus: str = ""
    """"h2d" or "d2h" where the bytes cross PCIe that way."""


def cases(device: torch.device, frame_wh: tuple[int, int]) -> Iterator[Case]:
    """Yield every case at one frame size."""
    yield from _preprocess(device, frame_wh)
    yield from _postprocess(device, frame_wh)


def _preprocess(device: torch.device, frame_wh: tuple[int, int]) -> Iterator[Case]:
    width, height = frame_wh
    out = torch.empty(1, 3, NETWORK, NETWORK, dtype=torch.float16, device=device)
    scratch = torch.empty(3, height, NETWORK, dtype=torch.uint8, device=device)
    a_y, a_x = linear_table(height, NETWORK).to(device), linear_table(width, NETWORK).to(device)
    b_y = antialias_table(height, NETWORK).to(device)
    b_x = antialias_table(width, NETWORK).to(device)
    yield from _fetch_cases(device, frame_wh)
    used_rows = len(torch.cat((a_y.first, a_y.second)).unique())
    for layout in (Layout.BGR, Layout.NV12):
        shape = (height * 3 // 2, width) if layout is Layout.NV12 else (height, width, 3)
        frame = torch.randint(0, 256, shape, dtype=torch.uint8, device=device)
        row_bytes = frame.numel() // height
        name = layout.name.lower()

        def launch_a(frame: torch.Tensor = frame, layout: Layout = layout) -> None:
            preprocess_a(frame, out, a_y, a_x, affine(), layout=layout)

        def plain_a(frame: torch.Tensor = frame, layout: Layout = layout) -> torch.Tensor:
            return reference.preprocess_a(
                frame, a_y, a_x, affine(), layout=layout, dtype=torch.float16
            )

        yield Case(
            f"preprocess A {name}", launch_a, plain_a, used_rows * row_bytes + out.numel() * 2
        )

        def launch_b(frame: torch.Tensor = frame, layout: Layout = layout) -> None:
            preprocess_b(frame, scratch, out, b_y, b_x, affine(), layout=layout)

        def plain_b(frame: torch.Tensor = frame, layout: Layout = layout) -> torch.Tensor:
            return reference.preprocess_b(
                frame, b_y, b_x, affine(), layout=layout, dtype=torch.float16
            )

        moved = frame.numel() + 2 * scratch.numel() + out.numel() * 2
        yield Case(f"preprocess B {name}", launch_b, plain_b, moved)


def _fetch_cases(device: torch.device, frame_wh: tuple[int, int]) -> Iterator[Case]:
    words = -(-frame_wh[0] * frame_wh[1] * 3 // 16) * 4
    on_gpu = device.type == "cuda"
    host = torch.randint(0, 1 << 30, (words,), dtype=torch.int32, pin_memory=on_gpu)
    order = torch.tensor([host.data_ptr(), 0]).pin_memory() if on_gpu else torch.zeros(2).long()
    frame = torch.empty(words, dtype=torch.int32, device=device)
    threshold = torch.zeros(1, device=device)
    rows = needed_pieces(linear_table(frame_wh[1], NETWORK), frame_wh[0], Layout.BGR)
    parts = {"": None} if rows is None else {"": None, ", rows of mode A": rows.to(device)}
    for name, pieces in parts.items():
        yield Case(
            f"fetch from pinned host{name}",
            lambda pieces=pieces: fetch(order, frame, threshold, pieces) if host.numel() else None,
            lambda: frame.copy_(host, non_blocking=True),
            words * 4 if pieces is None else len(pieces) * PIECE_WORDS * 4,
            bus="h2d",
        )


def scene(device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return (logits, boxes, mask logits), fp16: `SURVIVORS` pairs pass 0.5, one disc a query."""
    numbers = torch.Generator().manual_seed(11)
    logits = torch.randn(1, QUERIES, CLASSES, generator=numbers) - 8
    sure = torch.randperm(QUERIES, generator=numbers)[:SURVIVORS]
    logits[0, sure, sure % CLASSES] = torch.rand(SURVIVORS, generator=numbers) * 3 + 0.5
    boxes = torch.rand(1, QUERIES, 4, generator=numbers) * 0.5 + 0.2
    centres = torch.rand(QUERIES, 2, 1, 1, generator=numbers) * GRID
    grid = torch.arange(GRID, dtype=torch.float32)
    distance = torch.hypot(grid[:, None] - centres[:, 0], grid[None, :] - centres[:, 1])
    noise = torch.randn(QUERIES, GRID, GRID, generator=numbers) * 0.3
    discs = (_DISC_RADIUS - distance).clamp(-6, 6) * 2 + noise
    return tuple(part.half().to(device) for part in (logits, boxes, discs[None]))  # type: ignore[return-value]


def _postprocess(device: torch.device, frame_wh: tuple[int, int]) -> Iterator[Case]:
    width, height = frame_wh
    logits, boxes, discs = scene(device)
    columns = -(-width // 8)
    threshold = torch.tensor([0.5], device=device)
    results = Results.allocate(MAX_RECORDS, device)
    workspace = SelectWorkspace.allocate(QUERIES, CLASSES, MAX_RECORDS, device)
    tables = MaskTables.make((GRID, GRID), frame_wh, device)
    coarse = torch.empty(MAX_RECORDS, 4, dtype=torch.int32, device=device)
    packed = torch.empty(MAX_RECORDS, height, columns, dtype=torch.uint8, device=device)

    def launch_select() -> None:
        select(logits, boxes, threshold, results, workspace, frame_wh=frame_wh)

    yield Case(
        "select + decode",
        launch_select,
        lambda: reference.select(logits, boxes, 0.5, MAX_RECORDS, frame_wh),
        logits.numel() * 2 + SURVIVORS * 8 + results.flat.numel() * 4,
    )
    at = torch.zeros(1, dtype=torch.int64, pin_memory=device.type == "cuda")
    yield Case(
        "select + decode, stamped",
        lambda: select(logits, boxes, threshold, results, workspace, frame_wh=frame_wh, stamp=at),
        lambda: reference.select(logits, boxes, 0.5, MAX_RECORDS, frame_wh),
        logits.numel() * 2 + SURVIVORS * 8 + results.flat.numel() * 4,
    )
    yield Case(
        "stamp to pinned host",
        lambda: stamp(at, device),
        lambda: torch.cuda.Event(enable_timing=True).record(),
        at.nbytes,
        bus="d2h",
    )
    many = logits + 8
    crowded = Results.allocate(MAX_RECORDS, device)
    spare = SelectWorkspace.allocate(QUERIES, CLASSES, MAX_RECORDS, device)
    yield Case(
        "select + decode, more than K pass",
        lambda: select(many, boxes, threshold, crowded, spare, frame_wh=frame_wh),
        lambda: reference.select(many, boxes, 0.5, MAX_RECORDS, frame_wh),
        logits.numel() * 2 + MAX_RECORDS * 8 + results.flat.numel() * 4,
    )
    launch_select()
    grid_bytes = SURVIVORS * GRID * GRID * 2

    def plain_masks() -> torch.Tensor:
        queries = workspace.plane_queries[:SURVIVORS].long()
        return reference.pack(reference.masks(discs[0, queries], tables.y, tables.x))

    dense = torch.empty(MAX_RECORDS, height, width, dtype=torch.uint8, device=device)
    region_share = (2 * _DISC_RADIUS / GRID) ** 2
    forms: tuple[tuple[str, torch.Tensor, dict[str, bool], float], ...] = (
        ("packed, whole frame", packed, {"packed": True, "roi": False}, 1.0),
        ("dense", dense, {"packed": False}, 1.0),
        ("packed", packed, {"packed": True}, 1.0),
        ("packed, region only", packed, {"packed": True, "clear": False}, region_share),
    )
    for name, out, options, share in forms:

        def launch(out: torch.Tensor = out, options: dict[str, bool] = options) -> None:
            queries = workspace.plane_queries
            masks(discs, results, queries, coarse, out, tables, **options)  # type: ignore[arg-type]

        written = SURVIVORS * height * out.shape[2]
        yield Case(f"masks {name}", launch, plain_masks, grid_bytes + int(share * written))
    words = stream_bytes(MAX_RECORDS, height, width) // 4
    pinned = torch.empty(words, dtype=torch.int32, pin_memory=device.type == "cuda")
    region_bytes = int(SURVIVORS * region_share * height * columns)
    yield Case(
        "mask stream to pinned host",
        lambda: mask_stream(packed, results, pinned),
        lambda: packed[:SURVIVORS].cpu(),
        region_bytes,
        bus="d2h",
    )
    yield _overlay_case(device, frame_wh, results, packed)


def _overlay_case(
    device: torch.device, frame_wh: tuple[int, int], results: Results, packed: torch.Tensor
) -> Case:
    width, height = frame_wh
    frame = torch.randint(0, 256, (height, width, 3), dtype=torch.uint8, device=device)
    view = ViewTable.allocate(CLASSES, device)
    view.fill_colors.random_(0, 1 << 24)
    view.line_colors.random_(0, 1 << 24)
    view.flags.fill_(7)
    view.fill_share.fill_(115)
    box_reach, line_reach = round(height / 1440), (max(1, round(height / 400)) + 2) // 2
    shares = torch.randint(
        0, 257, (2 * ((2 * line_reach + 1) ** 2 + 1),), dtype=torch.int32, device=device
    )
    paint = torch.empty(1 + MAX_RECORDS, PAINT_WORDS, dtype=torch.int32, device=device)
    out = torch.empty(height, width, dtype=torch.int32, device=device)

    def launch() -> None:
        overlay_plan(results, view, paint, frame_wh=frame_wh)
        overlay(
            frame,
            results,
            paint,
            packed,
            view,
            shares,
            out,
            layout=Layout.BGR,
            box_reach=box_reach,
            outline_reach=line_reach,
        )

    def plain() -> torch.Tensor:
        rows = decode(results)
        planes = torch.zeros(SURVIVORS, height, width, dtype=torch.bool, device=device)
        return reference_overlay.overlay(
            frame,
            rows,
            planes,
            view.fill_colors,
            view.line_colors,
            115,
            shares,
            layout=Layout.BGR,
            box_reach=box_reach,
            outline_reach=line_reach,
        )

    moved = frame.numel() + out.numel() * 4
    return Case("overlay, plan + composite", launch, plain, moved)
