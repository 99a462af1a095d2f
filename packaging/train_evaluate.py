"""Precision, recall, mask IoU and box error of a network on drawn images."""

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as nn_functional

from train_data import RESOLUTION, Images, Target, make_targets

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
MATCH_IOU = 0.5


@dataclass
class Tally:
    """What was found so far."""

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    wrong_classes: int = 0
    ious: list[float] = field(default_factory=list)
    box_errors_px: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, float]:
        """Return the figures."""
        found = self.true_positives
        return {
            "precision": found / max(found + self.false_positives, 1),
            "recall": found / max(found + self.false_negatives, 1),
            "mask_iou": float(np.mean(self.ious or [0])),
            "box_err_px": float(np.mean(self.box_errors_px or [0])),
            "wrong_class": self.wrong_classes / max(found, 1),
        }


@torch.no_grad()
def evaluate(
    network: torch.nn.Module,
    images: Images,
    device: torch.device,
    threshold: float = 0.5,
    batch_size: int = 32,
) -> dict[str, float]:
    """Return the figures over `images`; a match is a mask IoU of 0.5, best scores first."""
    network.eval()
    tally, mean, std = Tally(), MEAN.to(device), STD.to(device)
    for start in range(0, len(images.pixels), batch_size):
        batch = Images(*(tensor[start : start + batch_size].to(device) for tensor in images))
        network_input = (batch.pixels.float() / 255 - mean) / std
        with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
            outputs = network(network_input)
        for index, target in enumerate(make_targets(batch.ids, batch.classes)):
            _add_image(tally, {key: outputs[key][index] for key in _OUTPUTS}, target, threshold)
    network.train()
    return tally.summary()


_OUTPUTS = ("pred_logits", "pred_boxes", "pred_masks")


def _add_image(
    tally: Tally, outputs: dict[str, torch.Tensor], target: Target, threshold: float
) -> None:
    scores, labels = outputs["pred_logits"].float().sigmoid().max(-1)
    kept = scores > threshold
    iou = _mask_iou(_full_masks(outputs["pred_masks"][kept]), target["masks"])
    boxes, labels = outputs["pred_boxes"][kept].float(), labels[kept]
    used: set[int] = set()
    for row in scores[kept].argsort(descending=True).tolist():
        free = iou[row].clone()
        free[list(used)] = -1
        if not free.numel() or float(free.max()) < MATCH_IOU:
            tally.false_positives += 1
            continue
        column = int(free.argmax())
        used.add(column)
        tally.true_positives += 1
        tally.ious.append(float(free.max()))
        tally.wrong_classes += int(labels[row] != target["labels"][column])
        error = (boxes[row] - target["boxes"][column]).abs().max()
        tally.box_errors_px.append(float(error * RESOLUTION))
    tally.false_negatives += len(target["labels"]) - len(used)


def _full_masks(logits: torch.Tensor) -> torch.Tensor:
    """Return (N, 312, 312) bool masks of (N, h, w) logits."""
    size = (RESOLUTION, RESOLUTION)
    if not len(logits):
        return torch.zeros(0, *size, dtype=torch.bool, device=logits.device)
    return nn_functional.interpolate(logits.float()[None], size, mode="bilinear")[0] > 0


def _mask_iou(masks: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    left, right = masks.flatten(1).float(), others.flatten(1).float()
    intersection = left @ right.T
    union = left.sum(1)[:, None] + right.sum(1)[None] - intersection
    return intersection / (union + 1e-6)
