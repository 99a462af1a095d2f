"""Make tests/golden/*.npz: what rfdetr 1.11.2 itself computes, for tests that have no torch.

    PYTHONPATH=.:tests/golden python packaging/make_golden.py

Preprocess A is the tensor captured inside a real `RFDETR.predict()`; B is Pillow's bilinear
resize, as in training; postprocess is `rfdetr.models.postprocess.PostProcess`.
tests/golden/README.md names every array. The network is the demo model on the CPU.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from recipes import MASK_SIZE, disc_masks, noise_image
from rfdetr import RFDETRSegNano
from rfdetr.models.postprocess import PostProcess

from demo_torch import RESOLUTION, build_demo_model
from scene import demo_frames

Outputs = dict[str, torch.Tensor]

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
TARGETS_WH = ((312, 176), (1280, 720))
THRESHOLDS = (0.5, 0.4)
NUM_QUERIES, NUM_CLASSES, NUM_SELECT = 100, 91, 100
_SYNTHETIC_MEAN_LOGITS = {"dense": -3.5, "sparse": -4.8}
"""Dense: far more than 100 pairs pass, with ties at the cut. Sparse: the threshold decides."""
_A_ROW_STEP = {"demo": 8, "small": 4, "large": 8}
_B_ROW_STEP = {"demo": 1, "small": 4, "large": 4}


def make_preprocess(wrapper: RFDETRSegNano, images: dict[str, NDArray[Any]]) -> None:
    """Write preprocess.npz."""
    arrays: dict[str, NDArray[Any]] = {"demo_image": images["demo"]}
    for name, image in images.items():
        rows_a, rows_b = (kept_rows(step[name]) for step in (_A_ROW_STEP, _B_ROW_STEP))
        arrays[f"{name}_a_rows"], arrays[f"{name}_b_rows"] = rows_a, rows_b
        arrays[f"{name}_a"] = captured_input(wrapper, image)[:, rows_a]
        resized = Image.fromarray(image).resize((RESOLUTION, RESOLUTION), Image.Resampling.BILINEAR)
        arrays[f"{name}_b"] = np.asarray(resized)[rows_b]
    save("preprocess", arrays)


def kept_rows(step: int) -> NDArray[Any]:
    """Return the output rows that are stored: every step-th, and the last two."""
    rows = {*range(0, RESOLUTION, step), RESOLUTION - 2, RESOLUTION - 1}
    return np.array(sorted(rows), np.int16)


def captured_input(wrapper: RFDETRSegNano, image: NDArray[Any]) -> NDArray[Any]:
    """Return what `predict` gives to the network, (3, 312, 312) f32."""
    captured: list[torch.Tensor] = []
    network = wrapper.model.model
    handle = network.register_forward_pre_hook(lambda _, inputs: captured.append(inputs[0]))
    try:
        wrapper.predict(Image.fromarray(image), threshold=0.5)
    finally:
        handle.remove()
    (tensor,) = captured
    return tensor[0].numpy()


def demo_outputs(wrapper: RFDETRSegNano, image: NDArray[Any]) -> Outputs:
    """Return the demo model's raw outputs, mask logits rounded to fp16, as they are stored."""
    network_input = torch.from_numpy(captured_input(wrapper, image))[None]
    with torch.inference_mode():
        outputs = wrapper.model.model(network_input)
    return {
        "pred_boxes": outputs["pred_boxes"].float(),
        "pred_logits": outputs["pred_logits"].float(),
        "pred_masks": outputs["pred_masks"].half().float(),
    }


def synthetic_outputs(mean_logit: float) -> tuple[Outputs, NDArray[Any]]:
    """Return raw outputs full of hard cases, and the discs that their masks are made from.

    Logits are multiples of 1/4, so that many scores are equal; logit 0 is score 0.5 exactly;
    queries win with several classes; boxes leave the image, and some have a negative size.
    """
    rng = np.random.default_rng(20261123)
    logits = np.round(rng.normal(mean_logit, 1.6, (NUM_QUERIES, NUM_CLASSES)) * 4) / 4
    logits[:3, 90] = 0.0
    boxes = np.concatenate(
        [rng.uniform(-0.1, 1.1, (NUM_QUERIES, 2)), rng.uniform(-0.05, 0.6, (NUM_QUERIES, 2))], 1
    )
    x, y = rng.uniform(-4, MASK_SIZE + 4, (2, NUM_QUERIES))
    discs = np.stack([x, y, rng.uniform(0.3, 20, NUM_QUERIES) ** 2], 1).astype(np.float32)
    outputs = {
        "pred_boxes": torch.from_numpy(boxes.astype(np.float32))[None],
        "pred_logits": torch.from_numpy(logits.astype(np.float32))[None],
        "pred_masks": torch.from_numpy(disc_masks(discs)),
    }
    return outputs, discs


def make_postprocess(name: str, outputs: Outputs, inputs: dict[str, NDArray[Any]]) -> None:
    """Write postprocess_NAME.npz: the raw outputs as given in `inputs`, and the results."""
    arrays = dict(inputs)
    for width, height in TARGETS_WH:
        results = {
            threshold: PostProcess(num_select=NUM_SELECT)(
                outputs, target_sizes=torch.tensor([[height, width]]), score_threshold=threshold
            )[0]
            for threshold in THRESHOLDS
        }
        for threshold, result in results.items():
            prefix = f"{width}x{height}_{round(threshold * 100)}"
            arrays[f"{prefix}_scores"] = result["scores"].numpy()
            arrays[f"{prefix}_class_ids"] = result["labels"].numpy().astype(np.int16)
            arrays[f"{prefix}_boxes_xyxy"] = result["boxes"].numpy()
        masks = results[0.4]["masks"][:, 0].numpy()
        if not np.array_equal(
            results[0.5]["masks"][:, 0].numpy(), masks[: len(results[0.5]["scores"])]
        ):
            raise SystemExit("masks at 0.5 are not the first rows of those at 0.4")
        arrays[f"{width}x{height}_masks"] = np.packbits(masks, axis=-1, bitorder="little")
    save(f"postprocess_{name}", arrays)


def save(name: str, arrays: dict[str, NDArray[Any]]) -> None:
    """Write one file and print its table for the README."""
    path = GOLDEN / f"{name}.npz"
    np.savez_compressed(path, **arrays)
    print(f"\n{path.name}: {path.stat().st_size / 1e3:.0f} kB")
    for key, array in arrays.items():
        print(f"| `{key}` | {' x '.join(map(str, array.shape))} | {array.dtype} |")


def main() -> None:
    """Make all files."""
    wrapper = build_demo_model()
    demo_image = next(demo_frames(1)).image
    images = {
        "demo": demo_image,
        "small": noise_image(1, 61, 97),
        "large": noise_image(2, 360, 640),
    }
    make_preprocess(wrapper, images)
    outputs = demo_outputs(wrapper, demo_image)
    raw = {
        "raw_boxes": outputs["pred_boxes"].numpy(),
        "raw_logits": outputs["pred_logits"].numpy(),
        "raw_masks": outputs["pred_masks"].numpy().astype(np.float16),
    }
    make_postprocess("demo", outputs, raw)
    for name, mean_logit in _SYNTHETIC_MEAN_LOGITS.items():
        outputs, discs = synthetic_outputs(mean_logit)
        raw = {
            "raw_boxes": outputs["pred_boxes"].numpy(),
            "raw_logits": outputs["pred_logits"].numpy(),
            "discs": discs,
        }
        make_postprocess(name, outputs, raw)


if __name__ == "__main__":
    main()
