"""The stored golden vectors of rfdetr 1.11.2 (tests/golden/README.md) as this room's types."""

import importlib.util
from pathlib import Path

import numpy as np

from rfviewer.engine.backends.base import RawOutputs

FOLDER = Path(__file__).resolve().parent.parent / "golden"
CASES = ("demo", "dense", "sparse")

_spec = importlib.util.spec_from_file_location("golden_recipes", FOLDER / "recipes.py")
recipes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(recipes)


def load(name):
    """Return all arrays of one file."""
    with np.load(FOLDER / f"{name}.npz") as file:
        return dict(file)


def images_bgr():
    """Return the images of preprocess.npz, BGR (H, W, 3)."""
    images = {
        "demo": load("preprocess")["demo_image"],
        "small": recipes.noise_image(1, 61, 97),
        "large": recipes.noise_image(2, 360, 640),
    }
    return {name: np.ascontiguousarray(image[:, :, ::-1]) for name, image in images.items()}


def raw_outputs(case):
    """Return the raw outputs of one postprocess case."""
    arrays = load(f"postprocess_{case}")
    masks = (
        arrays["raw_masks"].astype(np.float32)
        if "raw_masks" in arrays
        else recipes.disc_masks(arrays["discs"])
    )
    return RawOutputs(arrays["raw_boxes"][0], arrays["raw_logits"][0], masks[0])
