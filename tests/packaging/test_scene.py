"""The drawn world stays what the demo model was trained on and the demo clip was made from."""

import hashlib

import numpy as np
import pytest

from scene import Clip, demo_frames, random_scene
from scene_objects import NAMES, View

CLIP_SHA256_STARTS = {
    0: ("5bf869b0534c0982", "d63b2b6fe289252b"),
    1: ("887ca05b77604549", "4632701738ba2625"),
    40: ("4dd21d66f78ee2e3", "dd128f18aedb4063"),
}
"""Of the original script's frames, before it was rewritten for this repository."""


def _digest(array):
    return hashlib.sha256(array.tobytes()).hexdigest()[:16]


def test_clip_frames_are_those_of_the_original_scene():
    clip = Clip()
    for index in range(41):
        image, ids, classes = clip.frame(index)
        if index in CLIP_SHA256_STARTS:
            assert (_digest(image), _digest(ids)) == CLIP_SHA256_STARTS[index], index
        assert set(np.unique(ids)) <= {0, *classes}
        assert set(classes.values()) <= set(NAMES)


def test_training_scene_is_that_of_the_original_scene():
    image, ids, classes = random_scene(np.random.default_rng(10_000))
    assert (_digest(ids), len(classes)) == ("dc4b1e5be4004b59", 22)
    # Not the image's digest: OpenCV rounds its blur otherwise on a CPU without AVX.
    np.testing.assert_allclose(image.mean((0, 1)), [67.81, 101.26, 62.89], atol=0.05)


def test_clip_refuses_to_skip_a_frame():
    clip = Clip()
    clip.frame(0)
    with pytest.raises(ValueError, match="expected 1, got 5"):
        clip.frame(5)


def test_demo_frames_halve_image_and_ids_alike():
    frames = list(demo_frames(2))
    assert [frame.frame_index for frame in frames] == [0, 1]
    for frame in frames:
        assert frame.image.shape == (176, 312, 3)
        assert frame.drawn_ids.shape == (352, 624)
        np.testing.assert_array_equal(frame.ids, frame.drawn_ids[::2, ::2])


def test_larger_view_shows_the_same_world_drawn_at_its_own_size():
    view = View.covering(1280, 720)
    base_ids = Clip().frame(0)[1]
    image, ids, _ = Clip(view=view).frame(0)
    assert image.shape == (720, 1280, 3)
    rows, columns = np.mgrid[0:720, 0:1280]
    base_columns = np.clip(np.round((columns - view.offset_xy[0]) / view.scale), 0, 623)
    base_rows = np.clip(np.round((rows - view.offset_xy[1]) / view.scale), 0, 351)
    assert np.mean(ids == base_ids[base_rows.astype(int), base_columns.astype(int)]) > 0.985
