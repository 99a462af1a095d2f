"""Precision and recall of the shipped model on the demo clip, against the drawn truth; no torch.

    PYTHONPATH=. python packaging/evaluate_demo_model.py

Each detection, best score first, takes the free object of the largest mask IoU, of any class; a
match is an IoU of at least 0.5. Recall counts objects over 60 visible pixels of 312x176.
Preprocess is mode A up to OpenCV's rounding.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import av
import cv2
import numpy as np

from make_clips import RESOURCES
from rfviewer.models.demo_weights import demo_onnx_inputs
from rfviewer.onnx_runtime import onnxruntime
from scene import DEMO_HEIGHT, DEMO_WIDTH, DemoFrame, demo_frames
from scene_objects import Array

MATCH_IOU, MIN_VISIBLE_PX = 0.5, 60
FRAME_COUNT, FRAME_STEP = 20, 27
NUM_SELECT, RESOLUTION = 100, 312
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)


@dataclass
class Tally:
    """What was found so far."""

    false_positives: int = 0
    large_found: int = 0
    large_missed: int = 0
    wrong_classes: int = 0
    ious: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        found = len(self.ious)
        return (
            f"precision {found / (found + self.false_positives):.3f},"
            f" recall {self.large_found / (self.large_found + self.large_missed):.3f},"
            f" mask IoU {np.mean(self.ious):.3f}, wrong class {self.wrong_classes} of {found}"
        )


def detect(
    session: onnxruntime.InferenceSession, image: Array, threshold: float
) -> list[tuple[int, Array]]:
    """Return (class id, mask) of what scores over the threshold, best first."""
    resized = cv2.resize(image.astype(np.float32) / 255, (RESOLUTION, RESOLUTION))
    network_input = np.ascontiguousarray(((resized - _MEAN) / _STD).transpose(2, 0, 1)[None])
    logits, masks = session.run(["labels", "masks"], {"input": network_input})
    scores = 1 / (1 + np.exp(-logits[0].astype(np.float64)))
    best = np.argsort(-scores, axis=None, kind="stable")[:NUM_SELECT]
    size = (DEMO_WIDTH, DEMO_HEIGHT)
    return [
        (int(class_id), cv2.resize(masks[0, query], size) > 0)
        for query, class_id in zip(*np.unravel_index(best, scores.shape), strict=True)
        if scores[query, class_id] > threshold
    ]


def add_frame(tally: Tally, detections: Iterable[tuple[int, Array]], truth: DemoFrame) -> None:
    """Count one frame."""
    free = {int(k): truth.ids == k for k in np.unique(truth.ids) if k}
    large = {k for k, mask in free.items() if np.count_nonzero(mask) > MIN_VISIBLE_PX}
    for class_id, mask in detections:
        ious = {k: _iou(mask, other) for k, other in free.items()}
        best = max(ious, key=ious.__getitem__, default=None)
        if best is None or ious[best] < MATCH_IOU:
            tally.false_positives += 1
            continue
        del free[best]
        tally.ious.append(ious[best])
        tally.wrong_classes += truth.classes[best] != class_id
        tally.large_found += best in large
    tally.large_missed += len(large & free.keys())


def _iou(mask: Array, other: Array) -> float:
    return np.count_nonzero(mask & other) / max(np.count_nonzero(mask | other), 1)


def main() -> None:
    """Print the figures of the model card."""
    inputs = demo_onnx_inputs(RESOURCES / "demo_model")
    session = onnxruntime.InferenceSession(str(inputs.graph_path), inputs.options)
    truths = list(demo_frames((FRAME_COUNT - 1) * FRAME_STEP + 1))
    decoded = [
        frame.to_ndarray(format="rgb24")
        for frame in av.open(RESOURCES / "demo_clip.mp4").decode(video=0)
    ]
    drawn = [truth.image for truth in truths]
    for name, images in (("drawn", drawn), ("decoded", decoded)):
        for threshold in (0.4, 0.5):
            tally = Tally()
            for truth in truths[::FRAME_STEP]:
                image = images[truth.frame_index]
                add_frame(tally, detect(session, image, threshold), truth)
            print(f"{name}, threshold {threshold}: {tally}")


if __name__ == "__main__":
    main()
