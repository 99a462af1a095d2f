"""How a number of frames is shared among the rounds."""

import pytest

from rfviewer.bench import ROUNDS, blocks_of


@pytest.mark.parametrize("frames", [1, 2, 3, 17, 18, 30, 1000])
def test_rounds_hold_exactly_the_frames_that_were_asked_for(frames: int) -> None:
    blocks = blocks_of(frames)
    assert sum(blocks) == frames
    assert max(blocks) - min(blocks) <= 1
    assert len(blocks) == min(ROUNDS, max(1, frames // 2))
