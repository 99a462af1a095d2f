"""The plain torch form of the overlay, object after object. Must not import triton."""

import torch

from rfviewer_kernels.pixels import BT601, Layout, YuvMatrix
from rfviewer_kernels.records import Decoded
from rfviewer_kernels.reference import to_rgb


def _shifted(mask: torch.Tensor, dy: int, dx: int) -> torch.Tensor:
    """Return mask[y + dy, x + dx], False beyond the frame."""
    height, width = mask.shape
    padded = torch.nn.functional.pad(mask, (1, 1, 1, 1))
    return padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]


def _edge(mask: torch.Tensor, outline_px: int) -> torch.Tensor:
    steps = ((-1, 0), (1, 0), (0, -1), (0, 1))
    around = torch.stack([_shifted(mask, *step) for step in steps]).all(0)
    edge = mask & ~around
    if outline_px > 1:
        return edge | torch.stack([_shifted(edge, *step) for step in steps]).any(0)
    return edge


def _frame_of(box: torch.Tensor, height: int, width: int, box_px: int) -> torch.Tensor:
    reach = 0 if box_px <= 1 else (box_px + 1) // 2
    corners = box.round().int()
    left, top = int(corners[0].clamp(max=width - 1)), int(corners[1].clamp(max=height - 1))
    right, bottom = max(left, int(corners[2]) - 1), max(top, int(corners[3]) - 1)
    y = torch.arange(height, device=box.device)[:, None]
    x = torch.arange(width, device=box.device)[None, :]
    zero = torch.zeros((), dtype=torch.int64, device=box.device)
    away = torch.maximum(torch.maximum(left - x, x - right), zero) + torch.maximum(
        torch.maximum(top - y, y - bottom), zero
    )
    within = torch.minimum(torch.minimum(x - left, right - x), torch.minimum(y - top, bottom - y))
    return (away <= reach) & (within <= reach)


def overlay(
    frame: torch.Tensor,
    rows: Decoded,
    planes: torch.Tensor,
    fill_colors: torch.Tensor,
    line_colors: torch.Tensor,
    opacity: float,
    *,
    layout: Layout,
    box_px: int,
    outline_px: int,
    matrix: YuvMatrix = BT601,
    show: tuple[bool, bool, bool] = (True, True, True),
) -> torch.Tensor:
    """Return BGRA (H, W, 4) uint8: fills, outlines and boxes, each by box area descending.

    `planes` is bool (P, H, W); `show` switches masks, outlines and boxes.
    """
    canvas = to_rgb(frame, layout, matrix).permute(1, 2, 0).int()
    height, width = canvas.shape[:2]
    sides = rows.boxes_xyxy[:, 2:] - rows.boxes_xyxy[:, :2]
    order = torch.sort(sides[:, 0] * sides[:, 1], descending=True, stable=True).indices.tolist()
    order = [row for row in order if int(fill_colors[int(rows.class_ids[row])]) >= 0]

    def color(table: torch.Tensor, row: int) -> torch.Tensor:
        packed = int(table[int(rows.class_ids[row])])
        parts = [(packed >> 16) & 255, (packed >> 8) & 255, packed & 255]
        return torch.tensor(parts, dtype=torch.int32, device=frame.device)

    if show[0]:
        for row in order:
            fill = color(fill_colors, row)
            mixed = canvas.float() + (fill - canvas).float() * opacity
            mask = planes[int(rows.planes[row])][..., None]
            canvas = torch.where(mask, (mixed + 0.5).int(), canvas)
    if show[1]:
        for row in order:
            edge = _edge(planes[int(rows.planes[row])], outline_px)[..., None]
            canvas = torch.where(edge, color(line_colors, row), canvas)
    if show[2]:
        for row in order:
            line = _frame_of(rows.boxes_xyxy[row], height, width, box_px)[..., None]
            canvas = torch.where(line, color(fill_colors, row), canvas)
    alpha = torch.full_like(canvas[..., :1], 255)
    return torch.cat((canvas.flip(2), alpha), 2).to(torch.uint8)
