"""The plain torch form of every op: what "off" runs, and what each kernel is tested against.

Allocates freely and may wait for the device. Must not import triton.
"""

import torch

from rfviewer_kernels.normalize import Affine
from rfviewer_kernels.pixels import BT601, Layout, YuvMatrix
from rfviewer_kernels.records import Decoded
from rfviewer_kernels.tables import FIXED_POINT_BITS, AntialiasTable, LinearTable


def to_rgb(frame: torch.Tensor, layout: Layout, matrix: YuvMatrix = BT601) -> torch.Tensor:
    """Return a frame as (3, H, W) uint8 R, G, B planes."""
    if layout is Layout.RGB:
        return frame.permute(2, 0, 1)
    if layout is Layout.BGR:
        return frame.permute(2, 0, 1).flip(0)
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    luma = (((frame[:height].int() << 3) - matrix.black) * matrix.luma) >> 16
    chroma = (frame[height:].view(height // 2, width // 2, 2).int() << 3) - (128 << 3)
    chroma = chroma.repeat_interleave(2, 0).repeat_interleave(2, 1)
    u, v = chroma[..., 0], chroma[..., 1]
    totals = (
        luma + ((v * matrix.red_v) >> 16),
        luma + ((u * matrix.green_u) >> 16) + ((v * matrix.green_v) >> 16),
        luma + ((u * matrix.blue_u) >> 16),
    )
    return torch.stack(totals).clamp(0, 255).to(torch.uint8)


def _bilinear(planes: torch.Tensor, table_y: LinearTable, table_x: LinearTable) -> torch.Tensor:
    """Return float32 (N, h, w) planes resized, columns first."""
    x0, x1, lx = table_x.first.long(), table_x.second.long(), table_x.weight
    y0, y1, ly = table_y.first.long(), table_y.second.long(), table_y.weight[:, None]
    upper, lower = planes[:, y0], planes[:, y1]
    top = (1 - lx) * upper[:, :, x0] + lx * upper[:, :, x1]
    bottom = (1 - lx) * lower[:, :, x0] + lx * lower[:, :, x1]
    return (1 - ly) * top + ly * bottom


def _normalize(planes: torch.Tensor, constants: Affine, dtype: torch.dtype) -> torch.Tensor:
    scale = torch.tensor(constants.scale, device=planes.device)[:, None, None]
    offset = torch.tensor(constants.offset, device=planes.device)[:, None, None]
    return (planes * scale + offset).to(dtype)[None]


def preprocess_a(
    frame: torch.Tensor,
    table_y: LinearTable,
    table_x: LinearTable,
    constants: Affine,
    *,
    layout: Layout,
    matrix: YuvMatrix = BT601,
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:
    """Return (1, 3, h, w): bilinear without antialias on 0..255 values, then normalised."""
    planes = to_rgb(frame, layout, matrix).float()
    return _normalize(_bilinear(planes, table_y, table_x), constants, dtype)


def _antialias(planes: torch.Tensor, table: AntialiasTable) -> torch.Tensor:
    """Return uint8-valued int64 (N, h, n_out) of planes (N, h, n_in), resized on the last axis."""
    taps = torch.arange(table.taps, device=planes.device)
    index = (table.start[:, None] + taps).clamp(max=table.n_in - 1).long()
    total = (planes[..., index] * table.weights.long()).sum(-1)
    half = 1 << (FIXED_POINT_BITS - 1)
    return ((total + half) >> FIXED_POINT_BITS).clamp(0, 255)


def resize_b(
    planes: torch.Tensor, table_y: AntialiasTable, table_x: AntialiasTable
) -> torch.Tensor:
    """Return (N, h, w) uint8: Pillow's BILINEAR of (N, H, W) uint8 planes, bit for bit."""
    horizontal = _antialias(planes.long(), table_x)
    vertical = _antialias(horizontal.transpose(1, 2), table_y)
    return vertical.transpose(1, 2).to(torch.uint8)


def preprocess_b(
    frame: torch.Tensor,
    table_y: AntialiasTable,
    table_x: AntialiasTable,
    constants: Affine,
    *,
    layout: Layout,
    matrix: YuvMatrix = BT601,
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:
    """Return (1, 3, h, w): Pillow's antialiased bilinear on uint8, then normalised."""
    resized = resize_b(to_rgb(frame, layout, matrix), table_y, table_x)
    return _normalize(resized.float(), constants, dtype)


def select(
    logits: torch.Tensor,
    boxes: torch.Tensor,
    threshold: float,
    max_records: int,
    frame_wh: tuple[int, int],
) -> Decoded:
    """Return the top K pairs above `threshold`, by a full stable sort of all Q * C scores."""
    classes = logits.shape[2]
    scores = logits[0].float().sigmoid().flatten()
    order = torch.sort(scores, descending=True, stable=True).indices[:max_records]
    order = order[scores[order] > torch.tensor(threshold, dtype=torch.float32)]
    queries = order // classes
    size = torch.tensor([*frame_wh, *frame_wh], dtype=torch.float32, device=logits.device)
    cx, cy, w, h = boxes[0, queries].float().unbind(1)
    half_w, half_h = 0.5 * w.clamp(min=0), 0.5 * h.clamp(min=0)
    corners = torch.stack((cx - half_w, cy - half_h, cx + half_w, cy + half_h), 1) * size
    distinct: dict[int, int] = {}
    planes = [distinct.setdefault(query, len(distinct)) for query in queries.tolist()]
    return Decoded(
        scores[order],
        (order % classes).int(),
        queries.int(),
        torch.minimum(corners.clamp(min=0), size),
        torch.tensor(planes, dtype=torch.int32, device=logits.device),
    )


def masks(logits: torch.Tensor, table_y: LinearTable, table_x: LinearTable) -> torch.Tensor:
    """Return (N, H, W) bool of raw mask logits (N, h, w): resize first, then > 0."""
    return _bilinear(logits.float(), table_y, table_x) > 0


def pack(planes: torch.Tensor) -> torch.Tensor:
    """Return (N, H, ceil(W / 8)) uint8 of bool (N, H, W): bit x & 7 of byte x >> 3."""
    count, height, width = planes.shape
    columns = -(-width // 8)
    padded = torch.zeros(count, height, columns * 8, dtype=torch.int32, device=planes.device)
    padded[..., :width] = planes
    weights = 2 ** torch.arange(8, dtype=torch.int32, device=planes.device)
    return (padded.view(count, height, columns, 8) * weights).sum(-1).to(torch.uint8)


def regions(planes: torch.Tensor) -> torch.Tensor:
    """Return (N, 4) int32 tight half-open x0, y0, x1, y1 of bool (N, H, W); 0 when empty."""
    found = torch.zeros(len(planes), 4, dtype=torch.int32)
    for index, plane in enumerate(planes.cpu()):
        ys, xs = plane.nonzero(as_tuple=True)
        if len(ys):
            edges = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
            found[index] = torch.tensor([int(edge) for edge in edges], dtype=torch.int32)
    return found.to(planes.device)
