"""The golden vectors agree with their recipes, and with Pillow where Pillow is their oracle."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.golden.recipes import disc_masks, noise_image

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def _image(name):
    if name == "small":
        return noise_image(1, 61, 97)
    if name == "large":
        return noise_image(2, 360, 640)
    with np.load(GOLDEN / "preprocess.npz") as arrays:
        return arrays["demo_image"]


@pytest.mark.parametrize(
    ("seed", "height", "width", "sha256_start"),
    [(1, 61, 97, "fa3b441ee7efedc1"), (2, 360, 640, "11d3ab645b594c38")],
)
def test_noise_image_has_the_bits_the_vectors_were_made_from(seed, height, width, sha256_start):
    digest = hashlib.sha256(noise_image(seed, height, width).tobytes()).hexdigest()
    assert digest.startswith(sha256_start)


@pytest.mark.parametrize("name", ["demo", "small", "large"])
def test_mode_b_is_what_pillow_gives(name):
    with np.load(GOLDEN / "preprocess.npz") as arrays:
        rows, stored = arrays[f"{name}_b_rows"], arrays[f"{name}_b"]
    resized = Image.fromarray(_image(name)).resize((312, 312), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(np.asarray(resized)[rows], stored)


@pytest.mark.parametrize(
    ("case", "counts"), [("demo", (32, 34)), ("dense", (100, 100)), ("sparse", (7, 32))]
)
def test_postprocess_arrays_belong_together(case, counts):
    with np.load(GOLDEN / f"postprocess_{case}.npz") as arrays:
        masks = arrays["discs"] if "discs" in arrays else arrays["raw_masks"]
        if "discs" in arrays:
            assert disc_masks(masks).shape == (1, 100, 78, 78)
        for width, height in ((312, 176), (1280, 720)):
            prefix = f"{width}x{height}"
            for count, threshold in zip(counts, ("50", "40"), strict=True):
                assert arrays[f"{prefix}_{threshold}_scores"].shape == (count,)
                assert arrays[f"{prefix}_{threshold}_boxes_xyxy"].shape == (count, 4)
            assert arrays[f"{prefix}_masks"].shape == (counts[1], height, width // 8)
