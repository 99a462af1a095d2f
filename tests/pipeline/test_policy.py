"""The automatic policy follows the engine's speed, not the source's or the user's."""

from dataclasses import replace

import pytest

from rfviewer.config import Playback, Policy
from rfviewer.frame import Frame
from rfviewer.pipeline.policy import engine_fps
from rfviewer.result import FrameResult
from rfviewer.timing import Stage, StageTimings
from tests.fakes import Bench, FakeEngine, FakeSource

AUTO = Playback(rate=100.0)


class SlowShow(FakeSource):
    """An image every two minutes of media time."""

    def read(self) -> Frame | None:
        frame = super().read()
        return None if frame is None else replace(frame, pts_s=120.0 * frame.frame_index)


class SlowEngine(FakeEngine):
    """Says that each frame took 1.5 s."""

    def collect(self) -> FrameResult:
        result = super().collect()
        timings = StageTimings({Stage.PREPROCESS: 100.0, Stage.INFER: 1400.0}, 0, 0)
        return replace(result, timings=timings)


def test_a_source_with_few_frames_is_shown_frame_by_frame() -> None:
    session = Bench({"clip": lambda: SlowShow(4)}).session()
    session.open("clip", AUTO)
    snapshot = session.wait(lambda s: s.counters.inferred == 4, 10)
    assert snapshot.inferred_fps is not None
    assert snapshot.inferred_fps < 1.0  # the rate of results alone would mislead
    assert snapshot.policy is Policy.EVERY_FRAME
    session.close()


def test_an_engine_too_slow_to_watch_keeps_pace() -> None:
    bench = Bench({"clip": lambda: FakeSource(100_000)})
    parts = replace(bench.parts(), make_engine=lambda c, o, p: SlowEngine(o))
    bench.parts = lambda: parts  # type: ignore[method-assign]
    session = bench.session()
    session.open("clip", AUTO)
    session.wait(lambda s: s.policy is Policy.KEEP_PACE, 10)
    session.close()


@pytest.mark.parametrize(("depth", "expected"), [(1, 2.0), (3, 4.0)])
def test_stages_in_flight_together_overlap(depth: int, expected: float) -> None:
    from rfviewer.optimizations import Optimizations

    engine = FakeEngine(Optimizations(depth=depth))
    frame = FakeSource().read()
    assert frame is not None
    engine.submit(frame, 0.5)
    timings = StageTimings({Stage.PREPROCESS: 250.0, Stage.INFER: 250.0}, 0, 0)
    assert engine_fps(replace(engine.collect(), timings=timings)) == expected
