import numpy as np
import pytest

from rfviewer.render.text import SmoothFont, StrokeFont, clean, default_font


@pytest.mark.parametrize("font", [StrokeFont(), default_font()], ids=["stroke", "default"])
@pytest.mark.parametrize("size", [9, 16, 32])
def test_text_fits_the_width_it_measures_and_is_antialiased(font, size):
    text = "traffic light 0.93"
    width = font.width(text, size)
    canvas = np.zeros((size * 3, width + 60, 4), np.uint8)
    font.draw(canvas, text, (20, size * 2), size, (255, 255, 255))
    columns = np.flatnonzero(canvas[..., 0].any(axis=0))
    assert columns.size
    assert columns.min() >= 18
    assert columns.max() <= 20 + width + 2
    assert len(np.unique(canvas[..., 0])) > 5


def test_the_smooth_font_draws_more_than_ascii():
    font = default_font()
    if not isinstance(font, SmoothFont):
        pytest.skip("this OpenCV has no TrueType font")
    images = []
    for text in ("人", "木", "?"):
        canvas = np.zeros((40, 40, 4), np.uint8)
        font.draw(canvas, text, (5, 30), 24, (255, 255, 255))
        images.append(canvas)
    assert (images[0] != images[1]).any()
    assert (images[0] != images[2]).any()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("car", "car"),
        ("a\nb\tc", "a b c"),
        ("\x1b[31mred", "[31mred"),
        ("  ", ""),
        ("x" * 50, "x" * 29 + "..."),
    ],
)
def test_names_become_one_short_line(text, expected):
    assert clean(text) == expected
