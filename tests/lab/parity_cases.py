"""Results to compare: recorded ones of the demo model, and long made-up sequences."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from rfviewer.detections import Detections, InstanceMasks, RegionMasks
from rfviewer.frame import Frame
from rfviewer.optimizations import Optimizations
from rfviewer.result import FrameResult
from rfviewer.timing import StageTimings

GOLDEN = Path(__file__).parents[1] / "golden" / "parity_demo.npz"
THRESHOLD = 0.4
NAMES = ("person", "bicycle", "car")


def result(index: int, detections: Detections, size_wh=(312, 176)) -> FrameResult:
    width, height = size_wh
    # One pixel that is repeated: nobody looks at the image of a comparison.
    image = np.broadcast_to(np.zeros(1, np.uint8), (height, width, 3))
    frame = Frame(image, width, height, index, index / 25, 0)
    return FrameResult(frame, detections, StageTimings(), Optimizations(), 0.37)


@cache
def recorded() -> tuple[FrameResult, ...]:
    """What the demo model found on 20 frames of the demo clip at 0.37; made by packaging/."""
    with np.load(GOLDEN) as file:
        data = dict(file)
    width, height = data["size_wh"].tolist()
    regions, ends = data["regions_xyxy"], np.cumsum(data["counts"])
    x0, y0, x1, y1 = regions.T.astype(np.int64)
    sizes = np.where(x1 > x0, (y1 - y0) * (((x1 + 7) >> 3) - (x0 >> 3)), 0)
    starts = np.cumsum(sizes) - sizes
    assert sizes.sum() == len(data["mask_bytes"])
    found = []
    for index, count, end in zip(data["frame_indexes"], data["counts"], ends, strict=True):
        rows = slice(end - count, end)
        masks = RegionMasks(data["mask_bytes"], starts[rows], regions[rows], width, height)
        columns = (data[name][rows] for name in ("boxes_xyxy", "scores", "class_ids"))
        found.append(result(int(index), Detections(*columns, masks)))
    return tuple(found)


def synthetic(frames: int = 538, objects: int = 5) -> list[FrameResult]:
    """Objects that drift by 3 px a frame and turn around, each with a round mask in its box."""
    rng = np.random.default_rng(5)
    scores = np.sort(rng.uniform(0.55, 0.95, objects).astype(np.float32))[::-1]
    classes = rng.integers(0, 3, objects).astype(np.int32)
    size = rng.integers(12, 30, objects)
    start = rng.uniform(0, 100, objects)
    found = []
    for index in range(frames):
        phase = (start + 3 * index) % 160
        left = np.minimum(phase, 160 - phase).astype(np.float32)
        top = (np.arange(objects) * 18 + 4).astype(np.float32)
        boxes = np.stack([left, top, left + size, top + size], axis=1).astype(np.float32)
        data = np.zeros((objects, 128, 128), np.uint8)
        regions = np.zeros((objects, 4), np.int32)
        for row, (x0, y0, x1, y1) in enumerate(boxes.astype(int).tolist()):
            regions[row] = (x0, y0, min(x1, 128), min(y1, 128))
            ys, xs = np.mgrid[y0 : min(y1, 128), x0 : min(x1, 128)]
            radius = (x1 - x0) / 2
            round_ = (xs + 0.5 - x0 - radius) ** 2 + (ys + 0.5 - y0 - radius) ** 2 < radius**2
            data[row, y0 : min(y1, 128), x0 : min(x1, 128)] = round_
        masks = InstanceMasks(data, regions, 128, 128, packed=False)
        found.append(result(index, Detections(boxes, scores, classes, masks), (128, 128)))
    return found


def with_detections(item: FrameResult, **columns) -> FrameResult:
    return replace(item, detections=replace(item.detections, **columns))


def dense(item: FrameResult) -> FrameResult:
    """The same masks, one byte a pixel and with the whole frame as region."""
    masks = item.detections.masks
    height, width = masks.height, masks.width
    regions = np.tile(np.array([[0, 0, width, height]], np.int32), (len(masks), 1))
    data = masks.dense().astype(np.uint8)
    return with_detections(item, masks=InstanceMasks(data, regions, width, height, packed=False))


def noisy(item: FrameResult, seed: int = 0) -> FrameResult:
    """Noise as between fp16 and fp32: boxes, scores, and pixels on the edges of masks."""
    rng = np.random.default_rng([seed, item.frame.frame_index])
    found = dense(item).detections
    data = found.masks.data.copy()
    for mask in data:
        edge = np.argwhere(np.diff(mask, axis=1, append=0) == 1)
        if len(edge):
            y, x = edge[rng.integers(len(edge))]
            mask[y, x] ^= 1
    boxes = found.boxes_xyxy + rng.normal(0, 0.15, found.boxes_xyxy.shape).astype(np.float32)
    scores = found.scores + rng.normal(0, 0.002, len(found)).astype(np.float32)
    return with_detections(
        item, boxes_xyxy=boxes, scores=scores, masks=replace(found.masks, data=data)
    )
