"""The frames kept for experiments: few, bounded, of one size."""

import numpy as np

from rfviewer.frame import Frame
from rfviewer.pipeline.recent import RecentFrames


def frame(index: int, side: int = 10) -> Frame:
    return Frame(np.zeros((side, side, 3), np.uint8), side, side, index, 0.0, 0)


def indices(recent: RecentFrames) -> list[int]:
    return [item.frame_index for item in recent.take()]


def test_the_newest_frames_are_kept_in_order() -> None:
    recent = RecentFrames(max_frames=3)
    for index in range(5):
        recent.add(frame(index))
    assert indices(recent) == [2, 3, 4]
    recent.clear()
    assert indices(recent) == []


def test_memory_is_bounded_but_one_frame_always_stays() -> None:
    recent = RecentFrames(max_bytes=700)
    for index in range(5):
        recent.add(frame(index))
    assert indices(recent) == [3, 4]
    recent = RecentFrames(max_bytes=1)
    recent.add(frame(7))
    assert indices(recent) == [7]


def test_frames_of_another_size_start_anew() -> None:
    recent = RecentFrames()
    recent.add(frame(0))
    recent.add(frame(1, side=12))
    assert indices(recent) == [1]
