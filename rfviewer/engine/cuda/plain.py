"""The plain torch ops that run where an optimization is off.

Fixed shapes and nothing read back, so that a captured graph can hold them: switching one technique
off must not switch the graph off with it. They agree with `rfviewer_kernels.reference`, which may
wait for the device (tests/engine_cuda/test_plain.py).
"""

import torch
from torch.nn import functional

from rfviewer_kernels.normalize import IMAGENET_MEAN, IMAGENET_STD
from rfviewer_kernels.records import INVALID_BOXES, INVALID_LOGITS, Results
from rfviewer_kernels.reference import resize_b
from rfviewer_kernels.tables import AntialiasTable


class PlainPreprocess:
    """Cast, /255, resize, subtract, divide: one op after the other, as rfdetr 1.11.2 predict()."""

    def __init__(self, device: torch.device) -> None:
        self._mean = torch.tensor(IMAGENET_MEAN, device=device)[None, :, None, None]
        self._std = torch.tensor(IMAGENET_STD, device=device)[None, :, None, None]

    def mode_a(self, rgb: torch.Tensor, out: torch.Tensor) -> None:
        """Enqueue mode A from uint8 planes (3, H, W) into `out`, (1, 3, h, w)."""
        scaled = rgb[None].float() / 255
        resized = functional.interpolate(
            scaled, size=out.shape[2:], mode="bilinear", align_corners=False, antialias=False
        )
        out.copy_((resized - self._mean) / self._std)

    def mode_b(
        self,
        rgb: torch.Tensor,
        tables: tuple[AntialiasTable, AntialiasTable],
        out: torch.Tensor,
    ) -> None:
        """Enqueue mode B from uint8 planes (3, H, W) into `out`, (1, 3, h, w)."""
        levels = resize_b(rgb, *tables)[None]
        out.copy_((levels.float() / 255 - self._mean) / self._std)


def select(
    logits: torch.Tensor,
    boxes: torch.Tensor,
    threshold: torch.Tensor,
    results: Results,
    plane_queries: torch.Tensor,
    frame_wh: tuple[int, int],
) -> None:
    """Enqueue sigmoid, a full sort, gather and decode; the same table as the fused kernel's.

    Args:
        logits: (1, Q, C).
        boxes: (1, Q, 4) normalised cx, cy, w, h.
        threshold: (1,) float32 on the device.
        results: counts and records are overwritten.
        plane_queries: (K,) int32, overwritten: the query behind each mask plane.
        frame_wh: frame width and height in pixels.
    """
    classes, rows, device = logits.shape[2], results.max_records, logits.device
    scores = logits[0].float().sigmoid().flatten()
    ranked = torch.sort(scores, descending=True, stable=True)
    best, order = ranked.values[:rows], ranked.indices[:rows]
    keep = best > threshold
    query = order // classes
    rank = torch.arange(rows, device=device)
    # The rank at which each query first appears; planes are numbered in that order.
    same = query[:, None] == query[None, :]
    first = rank.expand(rows, rows).masked_fill(~same, rows).amin(1)
    is_first = keep & (first == rank)
    plane = (is_first.cumsum(0) - 1)[first]
    cx, cy, w, h = boxes[0, query].float().unbind(1)
    half_w, half_h = 0.5 * w.clamp(min=0), 0.5 * h.clamp(min=0)
    width, height = frame_wh
    corners = (
        ((cx - half_w) * width).clamp(0, width),
        ((cy - half_h) * height).clamp(0, height),
        ((cx + half_w) * width).clamp(0, width),
        ((cy + half_h) * height).clamp(0, height),
    )
    words = torch.stack(
        (
            best.view(torch.int32),
            (order % classes).int(),
            query.int(),
            *(corner.view(torch.int32) for corner in corners),
            plane.int(),
        ),
        dim=1,
    )
    results.records.copy_(words.masked_fill(~keep[:, None], 0))
    results.counts[0].copy_(keep.sum())
    results.counts[1].copy_((scores > threshold).sum())
    results.counts[2].copy_(is_first.sum())
    flags = (~logits.isfinite()).any().int() * INVALID_LOGITS
    results.counts[3].copy_(flags + (~boxes.isfinite()).any().int() * INVALID_BOXES)
    by_plane = torch.zeros(rows + 1, dtype=torch.int32, device=device)
    by_plane.scatter_(0, plane.masked_fill(~keep, rows), query.int())
    plane_queries.copy_(by_plane[:rows])
