import numpy as np
import pytest

from rfviewer.drawing import OPACITY_STEPS, DrawSizes, opacity_share, outline_pen


@pytest.mark.parametrize("outline_px", range(1, 10))
def test_along_a_straight_edge_the_line_has_its_width(outline_px):
    pen = outline_pen(outline_px)
    side = 2 * pen.reach + 1
    rows = np.arange(-2 * side, 2 * side)  # the mask is set from row 0 on
    near = np.clip(rows + pen.reach + 1, 0, side) * side
    shares = pen.shares[near + (rows >= 0) * (side * side + 1)].astype(int)
    assert shares.sum() == outline_px * OPACITY_STEPS
    assert shares[rows == 0] == OPACITY_STEPS
    middle = (rows * shares).sum() / shares.sum()
    assert middle == pytest.approx(0, abs=0.01), "it runs through the outermost pixels"


@pytest.mark.parametrize("outline_px", range(1, 10))
def test_nothing_shows_far_from_the_edge_and_thin_parts_are_all_line(outline_px):
    pen = outline_pen(outline_px)
    area = (2 * pen.reach + 1) ** 2
    assert pen.shares[0] == pen.shares[-1] == 0
    assert pen.shares[area + 2] == OPACITY_STEPS, "a set pixel alone"
    assert pen.shares.max() == OPACITY_STEPS
    assert len(pen.shares) == 2 * (area + 1) <= 256, "OpenCV looks it up by a byte"


def test_sizes_have_limits():
    assert DrawSizes.for_frame(20_000, 20_000).outline_px == 9
    assert DrawSizes.for_frame(1, 1).outline_px == 1
    assert [opacity_share(value) for value in (0.0, 0.5, 1.0)] == [0, 128, 256]
