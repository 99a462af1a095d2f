"""Compare the shipped ONNX graph in ONNX Runtime with the torch model, on frames of the demo clip.

Run as `export_demo_model.py --verify`. Raw outputs are compared slot by slot, and once more with
the 100 slots matched: the network picks its queries by a top-k, so that two nearly equal ones may
change places between two correct runtimes. Then the detections, after rfdetr's own postprocess.
"""

from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
import torchvision.transforms.functional as vision
from numpy.typing import NDArray
from rfdetr.models.postprocess import PostProcess

from demo_torch import DEMO_FOLDER, RESOLUTION, build_demo_model
from rfviewer.models.demo_weights import demo_onnx_inputs
from rfviewer.onnx_runtime import onnxruntime
from scene import demo_frames

THRESHOLD = 0.4
FRAME_STEP = 27
"""20 frames this far apart span the clip."""
_MEAN, _STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
_OUTPUTS = ("dets", "labels", "masks")


@dataclass
class Differences:
    """Largest absolute differences so far, and what happened to the detections."""

    by_slot: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_OUTPUTS, 0.0))
    matched: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_OUTPUTS, 0.0))
    moved_slots: int = 0
    detections: int = 0
    count_changes: int = 0
    class_changes: int = 0
    score: float = 0.0
    box_px: float = 0.0
    mask_pixels: int = 0


def preprocess(image: NDArray[Any]) -> torch.Tensor:
    """Return the network's input as `RFDETR.predict` makes it (mode A), (1, 3, 312, 312)."""
    tensor = vision.to_tensor(image)
    resized = vision.resize(tensor, [RESOLUTION, RESOLUTION], antialias=False)
    return vision.normalize(resized, _MEAN, _STD)[None]


def verify(frame_count: int) -> None:
    """Print the largest differences over `frame_count` frames."""
    network = build_demo_model().model.model
    network.export()
    inputs = demo_onnx_inputs(DEMO_FOLDER)
    session = onnxruntime.InferenceSession(
        str(inputs.graph_path), inputs.options, providers=["CPUExecutionProvider"]
    )
    total = Differences()
    frames = demo_frames((frame_count - 1) * FRAME_STEP + 1)
    for frame in (frame for frame in frames if frame.frame_index % FRAME_STEP == 0):
        network_input = preprocess(frame.image)
        with torch.inference_mode():
            from_torch = [output.numpy() for output in network.forward_export(network_input)]
        from_onnx = session.run(list(_OUTPUTS), {"input": network_input.numpy()})
        _compare_raw(from_torch, from_onnx, total)
        _compare_detections(from_torch, from_onnx, frame.image.shape[:2], total)
    versions = f"rfdetr {version('rfdetr')}, torch {torch.__version__}"
    print(f"{versions}, ONNX Runtime {onnxruntime.__version__}; {frame_count} frames")
    print(f"max abs difference by slot: {_rounded(total.by_slot)}; moved: {total.moved_slots}")
    print(f"max abs difference, slots matched: {_rounded(total.matched)}")
    print(
        f"detections over {THRESHOLD}: {total.detections}; frames with another count:"
        f" {total.count_changes}; class changes: {total.class_changes}; max score difference"
        f" {total.score:.2g}, box {total.box_px:.2g} px, {total.mask_pixels} mask pixels differ"
    )


def _compare_raw(
    expected: list[NDArray[Any]], actual: list[NDArray[Any]], total: Differences
) -> None:
    order = _match_slots(expected, actual)
    total.moved_slots += int((order != np.arange(len(order))).sum())
    for name, left, right in zip(_OUTPUTS, expected, actual, strict=True):
        by_slot, matched = np.abs(left - right).max(), np.abs(left - right[:, order]).max()
        total.by_slot[name] = max(total.by_slot[name], float(by_slot))
        total.matched[name] = max(total.matched[name], float(matched))


def _match_slots(expected: list[NDArray[Any]], actual: list[NDArray[Any]]) -> NDArray[Any]:
    """Return, for each slot of `expected`, the slot of `actual` with the nearest box and logits."""
    left, right = (np.concatenate([o[0][0], o[1][0]], axis=1) for o in (expected, actual))
    return np.abs(left[:, None] - right[None]).max(-1).argmin(1)


def _compare_detections(
    expected: list[NDArray[Any]],
    actual: list[NDArray[Any]],
    size_hw: tuple[int, int],
    total: Differences,
) -> None:
    left, right = (_detect(outputs, size_hw) for outputs in (expected, actual))
    total.detections += len(left["scores"])
    if len(left["scores"]) != len(right["scores"]):
        total.count_changes += 1
        return
    total.class_changes += int((left["labels"] != right["labels"]).sum())
    total.score = max(total.score, float((left["scores"] - right["scores"]).abs().max()))
    total.box_px = max(total.box_px, float((left["boxes"] - right["boxes"]).abs().max()))
    total.mask_pixels += int((left["masks"] != right["masks"]).sum())


def _detect(outputs: list[NDArray[Any]], size_hw: tuple[int, int]) -> dict[str, torch.Tensor]:
    boxes, logits, masks = (torch.from_numpy(output) for output in outputs)
    raw = {"pred_boxes": boxes, "pred_logits": logits, "pred_masks": masks}
    size = torch.tensor([size_hw])
    return PostProcess(num_select=100)(raw, target_sizes=size, score_threshold=THRESHOLD)[0]


def _rounded(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.2g}" for name, value in values.items())


if __name__ == "__main__":
    raise SystemExit("Run export_demo_model.py --verify.")
