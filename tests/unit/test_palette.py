import subprocess
import sys

import numpy as np
import pytest

from rfviewer.config import ColorBy, View
from rfviewer.palette import PALETTE, color_of, contrast, lighter, text_color_on

# Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB.
VISIONS = {
    "normal": (((1, 0, 0), (0, 1, 0), (0, 0, 1)), 0.07),
    "protan": (
        (
            (0.152286, 1.052583, -0.204868),
            (0.114503, 0.786281, 0.099216),
            (-0.003882, -0.048116, 1.051998),
        ),
        0.07,
    ),
    "deutan": (
        (
            (0.367322, 0.860646, -0.227968),
            (0.280085, 0.672501, 0.047413),
            (-0.011820, 0.042940, 0.968881),
        ),
        0.07,
    ),
    "tritan": (
        (
            (1.255528, -0.076749, -0.178779),
            (-0.078411, 0.930809, 0.147602),
            (0.004733, 0.691367, 0.303900),
        ),
        0.049,
    ),
}


def oklab(linear):
    """Björn Ottosson, "A perceptual color space for image processing"."""
    lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return np.cbrt(np.clip(linear, 0, 1) @ lms.T) @ lab.T


@pytest.mark.parametrize("vision", VISIONS)
def test_colors_stay_apart_for_color_blind_eyes(vision):
    matrix, least = VISIONS[vision]
    values = np.array(PALETTE) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    lab = oklab(linear @ np.array(matrix).T)
    distance = np.linalg.norm(lab[:, None] - lab[None], axis=2)
    np.fill_diagonal(distance, 9)
    assert distance.min() >= least


def test_first_seven_are_okabe_ito():
    assert PALETTE[:3] == ((230, 159, 0), (86, 180, 233), (0, 158, 115))
    assert len(set(PALETTE)) == len(PALETTE) == 20


def test_text_on_every_color_reaches_wcag_aa():
    for color in PALETTE:
        assert contrast(color, text_color_on(color)) >= 4.5
    worst = min(contrast((v, v, v), text_color_on((v, v, v))) for v in range(256))
    assert worst >= 4.5


def test_contrast_of_black_and_white_is_21():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)


def test_class_color_ignores_the_instance_and_instance_color_the_class():
    by_class, by_instance = View(), View(color_by=ColorBy.INSTANCE)
    assert (
        color_of(by_class, 3, 0) == color_of(by_class, 3, 7) == color_of(by_class, 23) == PALETTE[3]
    )
    assert color_of(by_instance, 3, 5) == color_of(by_instance, 8, 5) == PALETTE[5]


def test_lighter_ends_at_white():
    assert lighter((10, 20, 30), 0) == (10, 20, 30)
    assert lighter((10, 20, 30), 1) == (255, 255, 255)


def test_the_palette_needs_neither_opencv_nor_numpy_of_the_renderer():
    code = "import sys, rfviewer.palette; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
