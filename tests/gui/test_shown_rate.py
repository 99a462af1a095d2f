"""What counts as shown: frames that reached the screen, each of them once."""

from dataclasses import replace

import numpy as np
import pytest

from rfviewer.gui.video_view import VideoView
from rfviewer.snapshot import PresentedFrame


@pytest.fixture
def view(qtbot):
    made = VideoView()
    qtbot.addWidget(made)
    return made


def frame(index: int, epoch: int = 0) -> PresentedFrame:
    return PresentedFrame(np.zeros((4, 8, 4), np.uint8), index, 0.04 * index, epoch, 0, 0.0)


def shown(view: VideoView, *frames: PresentedFrame) -> list[tuple[int, int]]:
    """Return the frames, as (epoch, index), that were counted while these were painted in turn."""
    counted: list[tuple[int, int]] = []
    view.on_painted = lambda painted, _: counted.append((painted.epoch, painted.frame_index))
    for one in frames:
        view.set_frame(one)
        view.grab()
    return counted


def test_a_frame_that_is_drawn_anew_counts_once(view):
    again = [replace(frame(7), image=np.full((4, 8, 4), n, np.uint8)) for n in range(5)]
    assert shown(view, frame(6), *again, frame(8)) == [(0, 6), (0, 7), (0, 8)]


def test_the_newest_drawing_of_a_frame_is_on_the_screen(view):
    shown(view, frame(7), replace(frame(7), image=np.full((4, 8, 4), 90, np.uint8)))
    assert view.image.pixelColor(0, 0).red() == 90


def test_the_same_frame_after_a_jump_is_a_new_one(view):
    assert shown(view, frame(0), frame(0, epoch=1)) == [(0, 0), (1, 0)]


def test_a_frame_drawn_anew_before_it_was_painted_counts(view):
    counted = shown(view, frame(6))
    view.on_painted = lambda painted, _: counted.append((painted.epoch, painted.frame_index))
    view.set_frame(frame(7))
    view.set_frame(frame(7))
    view.grab()
    assert counted == [(0, 6), (0, 7)]


def test_the_first_frame_of_another_source_counts(view):
    counted = shown(view, frame(0))
    view.clear()
    assert counted + shown(view, frame(0)) == [(0, 0), (0, 0)]
