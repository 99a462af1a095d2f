"""Detections of a network against the fp32 network's, frame by frame (the gate's tolerance E3).

One minimum-cost assignment a frame pairs rows by box, score and class; a row within `BAND` of the
threshold may be missing on one side. Needs SciPy.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from network import Network
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from rfviewer_kernels import reference
from rfviewer_kernels.normalize import affine
from rfviewer_kernels.pixels import Layout
from rfviewer_kernels.tables import linear_table

THRESHOLD, BAND, GATE_PX = 0.4, 0.03, 40.0


@dataclass
class Rows:
    """Detections of one frame at `THRESHOLD - BAND`."""

    scores: NDArray[np.float32]
    classes: NDArray[np.int32]
    boxes: NDArray[np.float32]
    masks: NDArray[np.bool_]


def detect(network: Network, frames: Sequence[NDArray[np.uint8]], dtype: torch.dtype) -> list[Rows]:
    """Return detections of BGR frames through the reference ops around `network`."""
    device = torch.device("cuda")
    height, width = frames[0].shape[:2]
    tables = linear_table(height, 312).to(device), linear_table(width, 312).to(device)
    grids = linear_table(78, height).to(device), linear_table(78, width).to(device)
    found = []
    for frame in frames:
        image = torch.from_numpy(frame).to(device)
        with torch.no_grad():
            x = reference.preprocess_a(image, *tables, affine(), layout=Layout.BGR, dtype=dtype)
            boxes, logits, masks = network(x)
        rows = reference.select(logits, boxes, THRESHOLD - BAND, 100, (width, height))
        planes = reference.masks(masks[0, rows.queries.long()], *grids)
        parts = (rows.scores, rows.class_ids, rows.boxes_xyxy, planes)
        found.append(Rows(*(part.cpu().numpy() for part in parts)))
    return found


def compare(got: Sequence[Rows], expected: Sequence[Rows]) -> dict[str, float]:
    """Return what differs: firm rows missing or extra, class flips, box, score and mask errors."""
    missing = extra = flips = 0
    unequal: set[int] = set()
    box, score, overlap = [], [], []
    for frame_index, (a, b) in enumerate(zip(got, expected, strict=True)):
        distance = np.abs(a.boxes[:, None] - b.boxes[None]).max(-1)
        cost = distance / GATE_PX + np.abs(a.scores[:, None] - b.scores[None])
        cost += 10.0 * (a.classes[:, None] != b.classes[None])
        cost[distance > GATE_PX] = 1e6
        rows, columns = linear_sum_assignment(cost)
        pairs = [(i, j) for i, j in zip(rows, columns, strict=True) if cost[i, j] < 12]
        firm = THRESHOLD + BAND
        lost = set(np.flatnonzero(b.scores >= firm)) - {j for _, j in pairs}
        new = set(np.flatnonzero(a.scores >= firm)) - {i for i, _ in pairs}
        missing, extra = missing + len(lost), extra + len(new)
        if lost or new:
            unequal.add(frame_index)
        for i, j in pairs:
            if max(a.scores[i], b.scores[j]) < THRESHOLD:
                continue
            if a.classes[i] != b.classes[j]:
                flips += 1
                unequal.add(frame_index)
                continue
            box.append(float(distance[i, j]))
            score.append(abs(float(a.scores[i] - b.scores[j])))
            union = int((a.masks[i] | b.masks[j]).sum())
            overlap.append(int((a.masks[i] & b.masks[j]).sum()) / union if union else 1.0)
    return {
        "frames": len(got),
        "pairs": len(box),
        "missing": missing,
        "extra": extra,
        "class_flips": flips,
        "frames_not_equal": len(unequal),
        "box_max_px": round(max(box), 3),
        "box_p99_px": round(float(np.quantile(box, 0.99)), 3),
        "score_max": round(max(score), 4),
        "mask_iou_min": round(min(overlap), 4),
        "mask_iou_mean": round(float(np.mean(overlap)), 5),
    }
