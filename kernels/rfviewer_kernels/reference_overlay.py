"""The plain torch form of the overlay, object after object. Must not import triton."""

import torch

from rfviewer_kernels.pixels import BT601, Layout, YuvMatrix
from rfviewer_kernels.records import Decoded
from rfviewer_kernels.reference import to_rgb


def _outline_share(mask: torch.Tensor, shares: torch.Tensor, reach: int) -> torch.Tensor:
    """Return how much of the outline shows at each pixel of `mask`, bool (H, W): int32 0..256."""
    side = 2 * reach + 1
    window = torch.ones(1, 1, side, side, device=mask.device)
    near = torch.nn.functional.conv2d(mask[None, None].float(), window, padding=reach)[0, 0]
    return shares[near.long() + mask.long() * (side * side + 1)]


def _box_share(box: torch.Tensor, height: int, width: int, reach: int) -> torch.Tensor:
    """Return 256 on the line of a box, else 0."""
    corners = box.round().int()
    left, top = int(corners[0].clamp(max=width - 1)), int(corners[1].clamp(max=height - 1))
    right, bottom = max(left, int(corners[2]) - 1), max(top, int(corners[3]) - 1)
    y = torch.arange(height, device=box.device)[:, None]
    x = torch.arange(width, device=box.device)[None, :]
    away = torch.maximum(torch.maximum(left - x, x - right), torch.maximum(top - y, y - bottom))
    return (away.abs() <= reach).int() * 256


def overlay(
    frame: torch.Tensor,
    rows: Decoded,
    planes: torch.Tensor,
    fill_colors: torch.Tensor,
    line_colors: torch.Tensor,
    fill_share: int,
    shares: torch.Tensor,
    *,
    layout: Layout,
    box_reach: int,
    outline_reach: int,
    threshold: float = 0.0,
    matrix: YuvMatrix = BT601,
    show: tuple[bool, bool, bool] = (True, True, True),
) -> torch.Tensor:
    """Return BGRA (H, W, 4) uint8: fills, outlines and boxes, each by box area descending.

    `planes` is bool (P, H, W); `show` switches masks, outlines and boxes; the other arguments are
    those of `overlay.overlay` and `ViewTable`.
    """
    canvas = to_rgb(frame, layout, matrix).permute(1, 2, 0).int()
    height, width = canvas.shape[:2]
    sides = rows.boxes_xyxy[:, 2:] - rows.boxes_xyxy[:, :2]
    order = torch.sort(sides[:, 0] * sides[:, 1], descending=True, stable=True).indices.tolist()
    order = [row for row in order if int(fill_colors[int(rows.class_ids[row])]) >= 0]
    order = [row for row in order if bool(rows.scores[row] > threshold)]

    def painted(table: torch.Tensor, row: int, share: torch.Tensor) -> torch.Tensor:
        packed = int(table[int(rows.class_ids[row])])
        parts = [(packed >> 16) & 255, (packed >> 8) & 255, packed & 255]
        color = torch.tensor(parts, dtype=torch.int32, device=frame.device)
        share = share[..., None]
        return (canvas * (256 - share) + color * share + 128) >> 8

    if show[0]:
        for row in order:
            share = planes[int(rows.planes[row])].int() * fill_share
            canvas = painted(fill_colors, row, share)
    if show[1]:
        for row in order:
            share = _outline_share(planes[int(rows.planes[row])], shares, outline_reach)
            canvas = painted(line_colors, row, share)
    if show[2]:
        for row in order:
            share = _box_share(rows.boxes_xyxy[row], height, width, box_reach)
            canvas = painted(fill_colors, row, share)
    alpha = torch.full_like(canvas[..., :1], 255)
    return torch.cat((canvas.flip(2), alpha), 2).to(torch.uint8)
