"""The picture of two results, and the split line."""

from dataclasses import replace

import numpy as np

from rfviewer.detections import Detections, InstanceMasks
from rfviewer.frame import Frame
from rfviewer.render.comparison import ONLY_CANDIDATE, ONLY_REFERENCE, side_by_side
from rfviewer.render.masks import bgra
from rfviewer.render.split import compose_split, split_column

NAMES = ("car",)


def frame(width: int = 600, height: int = 300) -> Frame:
    return Frame(np.full((height, width, 3), 90, np.uint8), width, height, 7, 0.28, 0)


def square(left: int, top: int, side: int, width: int = 600, height: int = 300) -> Detections:
    data = np.zeros((1, height, width), np.uint8)
    data[0, top : top + side, left : left + side] = 1
    regions = np.array([[left, top, left + side, top + side]], np.int32)
    masks = InstanceMasks(data, regions, width, height, packed=False)
    boxes = regions.astype(np.float32)
    return Detections(boxes, np.array([0.9], np.float32), np.array([0], np.int32), masks)


def plain(value: int, width: int = 200, height: int = 90) -> np.ndarray:
    image = np.full((height, width, 4), value, np.uint8)
    image[..., 3] = 255
    return image


def compared(reference: Detections, candidate: Detections, shown: Frame, lines: int = 1):
    return side_by_side(
        shown,
        reference,
        candidate,
        NAMES,
        titles=("baseline", "default"),
        caption=["frame 7"] * lines,
        marks=[(100, 100, 150, 150)],
    )


def count(image: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((image[:] == bgra(color)).all(axis=2).sum())


def test_pixels_that_one_side_has_alone_are_told_apart() -> None:
    sheet = compared(square(200, 100, 50), square(210, 100, 50), frame())
    height, width = sheet.shape[:2]
    third = sheet[height // 2 :, : width // 2]
    assert count(third, ONLY_REFERENCE) == count(third, ONLY_CANDIDATE) == 10 * 50
    assert (sheet[..., 3] == 255).all()


def test_wide_frames_stand_two_by_two_with_the_caption_in_the_last_place() -> None:
    sheet = compared(square(200, 100, 50), Detections.empty(), frame())
    assert sheet.shape[:2] == (2 * (24 + 4 + 300 + 10), 2 * 600 + 3 * 10)
    more = compared(square(200, 100, 50), Detections.empty(), frame(), lines=4)
    assert more.shape == sheet.shape
    quarter = np.s_[sheet.shape[0] // 2 :, sheet.shape[1] // 2 :]
    assert (more[quarter] != sheet[quarter]).any()
    assert compared(Detections.empty(), Detections.empty(), frame(), lines=40).shape[0] > 40 * 24


def test_upright_frames_stand_in_one_row_above_the_caption() -> None:
    upright, found = frame(600, 900), square(200, 100, 50, 600, 900)
    sheet = compared(found, Detections.empty(), upright)
    assert sheet.shape[1] == 3 * 600 + 4 * 10
    assert sheet.shape[0] > 900
    more = compared(found, Detections.empty(), upright, lines=4)
    assert more.shape[0] == sheet.shape[0] + 3 * 24


def test_small_frames_grow_by_whole_pixels_and_large_ones_shrink() -> None:
    small = compared(Detections.empty(), square(10, 10, 5, 100, 50), frame(100, 50))
    assert small.shape[1] == 2 * 500 + 30
    assert count(small, ONLY_CANDIDATE) == 25 * 25
    large = compared(Detections.empty(), square(10, 10, 5, 2560, 1440), frame(2560, 1440))
    assert large.shape[1] == 2 * 1280 + 30


def test_results_without_masks_can_be_compared() -> None:
    bare = replace(square(200, 100, 50), masks=None)
    sheet = compared(bare, bare, frame())
    assert count(sheet, ONLY_REFERENCE) == 0


def test_the_line_divides_the_picture() -> None:
    left, right = plain(10), plain(200)
    image = compose_split(left, right, 0.25)
    assert (image[:, :49, :3] == 10).all()
    assert (image[:, 53:, :3] == 200).all()
    assert (image[..., 3] == 255).all()
    assert (image[:, 50, :3] == 255).all()
    assert (left == plain(10)).all()


def test_the_line_may_stand_at_either_edge() -> None:
    for share, value in ((0.0, 200), (1.0, 10)):
        image = compose_split(plain(10), plain(200), share)
        assert (image[60, 20:180, :3] == value).all()
    assert split_column(200, 0.5) == 100
