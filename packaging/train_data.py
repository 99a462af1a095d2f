"""Training images drawn by scene.random_scene, with targets as rfdetr's criterion wants them."""

import multiprocessing
from typing import NamedTuple

import cv2
import numpy as np
import torch

from scene import random_scene
from scene_objects import Array

RESOLUTION = 312
MAX_ID = 64
"""Object ids are below this."""
MIN_AREA_PX = 24
"""Objects with fewer visible pixels are no targets."""

Target = dict[str, torch.Tensor]


class Images(NamedTuple):
    """Drawn images; the three run in step."""

    pixels: torch.Tensor
    """(N, 3, 312, 312) u8 RGB."""
    ids: torch.Tensor
    """(N, 312, 312) u8, 0 = background."""
    classes: torch.Tensor
    """(N, 64) u8: COCO category id of every object id."""

    def to(self, device: torch.device) -> "Images":
        """Return them on another device."""
        return Images(*(tensor.to(device) for tensor in self))


def draw_images(first_seed: int, count: int, processes: int) -> Images:
    """Draw one image per seed."""
    pixels = np.empty((count, 3, RESOLUTION, RESOLUTION), np.uint8)
    ids = np.empty((count, RESOLUTION, RESOLUTION), np.uint8)
    classes = np.empty((count, MAX_ID), np.uint8)
    seeds = range(first_seed, first_seed + count)
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        for index, drawn in enumerate(pool.imap(_draw_image, seeds, chunksize=64)):
            pixels[index], ids[index], classes[index] = drawn
    return Images(*(torch.from_numpy(array) for array in (pixels, ids, classes)))


def make_targets(ids: torch.Tensor, classes: torch.Tensor) -> list[Target]:
    """Return labels, normalized cxcywh boxes and bool masks of each image's visible objects.

    Args:
        ids: (B, 312, 312) u8.
        classes: (B, 64) u8.
    """
    device, largest = ids.device, int(ids.max())
    object_ids = torch.arange(1, largest + 1, device=device)
    masks = ids[:, None] == object_ids.view(1, -1, 1, 1)
    visible = masks.sum((2, 3)) >= MIN_AREA_PX
    at = torch.arange(RESOLUTION, device=device)
    left, right = _extent(masks.any(2), at)
    top, bottom = _extent(masks.any(3), at)
    boxes = torch.stack([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top], -1)
    boxes = boxes.float() / RESOLUTION
    labels = classes[:, 1 : largest + 1].long()
    targets = []
    for image in range(len(ids)):
        kept = visible[image].nonzero()[:, 0]
        targets.append(
            {
                "labels": labels[image, kept],
                "boxes": boxes[image, kept],
                "masks": masks[image, kept],
            }
        )
    return targets


def _draw_image(seed: int) -> tuple[Array, Array, Array]:
    cv2.setNumThreads(1)
    image, ids, classes = random_scene(np.random.default_rng(seed))
    size = (RESOLUTION, RESOLUTION)
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    ids = cv2.resize(ids, size, interpolation=cv2.INTER_NEAREST)
    table = np.zeros(MAX_ID, np.uint8)
    for object_id, class_id in classes.items():
        table[object_id] = class_id
    return image.transpose(2, 0, 1), ids, table


def _extent(present: torch.Tensor, at: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the first position with a pixel and one past the last, per object."""
    first = torch.where(present, at, RESOLUTION).amin(2)
    return first, torch.where(present, at, -1).amax(2) + 1
