"""How a number of frames is shared among the rounds, and how a signal ends it."""

import pytest

from rfviewer import bench as bench_module
from rfviewer.bench import ROUNDS, blocks_of
from rfviewer.config import EngineConfig, Settings
from rfviewer.errors import EngineError
from tests.cli.stopping import stop_of


@pytest.mark.parametrize("frames", [1, 2, 3, 17, 18, 30, 1000])
def test_rounds_hold_exactly_the_frames_that_were_asked_for(frames: int) -> None:
    blocks = blocks_of(frames)
    assert sum(blocks) == frames
    assert max(blocks) - min(blocks) <= 1
    assert len(blocks) == min(ROUNDS, max(1, frames // 2))


@pytest.mark.parametrize("step", ["Warming up", "Round 1"])
def test_a_signal_ends_it_in_the_middle_of_a_block(
    monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    stop = stop_of(monkeypatch, bench_module)

    def watch(text: str) -> None:
        if text.startswith(step):
            stop.set()

    settings = Settings(engine=EngineConfig(model="none"))
    with pytest.raises(EngineError, match="Stopped"):  # a whole block takes too long: another error
        bench_module.bench("synthetic:64x48@25,frames=20", settings, frames=10**9, watch=watch)
