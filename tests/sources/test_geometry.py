"""Frames are upright with square pixels, and follow a change of size."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from rfviewer.sources.factory import open_source
from rfviewer.sources.orientation import UPRIGHT, Orientation
from tests.sources.makers import ffmpeg_rgb, make_clip, numbered_images, numbers, read_all

SIZE = (160, 96)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270, -90])
def test_rotation_is_applied_as_by_ffmpeg(tmp_path, degrees):
    clip = make_clip(tmp_path / "a.mp4", 3, SIZE, rotation=(degrees, False, False))
    source = open_source(str(clip))
    frame = source.read()
    expected_size = SIZE if degrees % 180 == 0 else SIZE[::-1]
    assert (frame.width, frame.height) == expected_size
    assert (source.info.width, source.info.height) == expected_size
    expected = ffmpeg_rgb(clip, *expected_size, "-frames:v", "1")[0]
    assert np.abs(frame.image[:, :, ::-1].astype(int) - expected).mean() <= 3
    source.close()


@pytest.mark.parametrize(
    ("degrees", "hflip", "vflip", "undo"),
    [
        (0, True, False, lambda i: cv2.flip(i, 1)),
        (0, False, True, lambda i: cv2.flip(i, 0)),
        (90, False, False, lambda i: cv2.rotate(i, cv2.ROTATE_90_COUNTERCLOCKWISE)),
        (-90, False, False, lambda i: cv2.rotate(i, cv2.ROTATE_90_CLOCKWISE)),
    ],
)
def test_turns_and_mirrors(tmp_path, degrees, hflip, vflip, undo):
    """A positive angle turns counterclockwise (libavutil/display.h)."""
    clip = make_clip(tmp_path / "a.mp4", 3, SIZE, rotation=(degrees, hflip, vflip))
    source = open_source(str(clip))
    image = source.read().image
    expected = undo(numbered_images(1, *SIZE)[0])
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() < 6
    source.close()


def test_a_crooked_angle_is_told(tmp_path):
    source = open_source(str(make_clip(tmp_path / "a.mp4", 3, SIZE, rotation=(30, False, False))))
    assert "no multiple of 90 degrees" in source.info.notice
    assert (source.info.width, source.info.height) == SIZE
    source.close()


def test_upright_images_are_not_copied():
    image = np.zeros((4, 5, 3), np.uint8)
    assert UPRIGHT.apply(image) is image
    assert Orientation(transpose=True).apply(image).shape == (5, 4, 3)


@pytest.mark.parametrize(("aspect", "width"), [((2, 1), 320), ((1, 2), 80), ((16, 15), 171)])
def test_pixels_become_square(tmp_path, aspect, width):
    clip = make_clip(tmp_path / "a.mp4", 3, SIZE, aspect=Fraction(*aspect))
    source = open_source(str(clip))
    frame = source.read()
    assert (frame.width, frame.height) == (width, 96)
    assert f"its pixels are {aspect[0]}:{aspect[1]}" in source.info.notice
    assert numbers([frame]) == [0]
    source.close()


def test_an_absurd_pixel_shape_is_ignored(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", 3, SIZE, aspect=Fraction(1000, 1))
    source = open_source(str(clip))
    assert source.info.width == SIZE[0]
    source.close()


def test_a_change_of_size_is_followed(tmp_path):
    small = make_clip(tmp_path / "small.ts", 10, (160, 96)).read_bytes()
    large = make_clip(tmp_path / "large.ts", 10, (320, 180)).read_bytes()
    joined = tmp_path / "joined.ts"
    joined.write_bytes(small + large + small)
    source = open_source(str(joined))
    frames = read_all(source)
    assert numbers(frames) == [*range(10)] * 3
    sizes = [(f.width, f.height) for f in frames]
    assert sizes == [(160, 96)] * 10 + [(320, 180)] * 10 + [(160, 96)] * 10
    source.close()
