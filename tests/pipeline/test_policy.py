"""The automatic policy follows the engine's speed, not the source's or the user's."""

from dataclasses import replace

import pytest

from rfviewer.config import Playback, Policy, Settings
from rfviewer.frame import Frame
from rfviewer.pipeline.policy import engine_fps
from rfviewer.result import FrameResult
from rfviewer.session.local import LocalSession
from rfviewer.snapshot import PlayState
from rfviewer.timing import Stage, StageTimings
from tests.fake_engine import FakeEngine
from tests.fakes import Bench, FakeSource

AUTO = Playback(rate=100.0)


class SlowShow(FakeSource):
    """An image every two minutes of media time."""

    def read(self) -> Frame | None:
        frame = super().read()
        return None if frame is None else replace(frame, pts_s=120.0 * frame.frame_index)


class TimedEngine(FakeEngine):
    """Says that each frame took so long."""

    infer_ms = 1400.0

    def collect(self) -> FrameResult:
        result = super().collect()
        timings = StageTimings({Stage.PREPROCESS: 1.0, Stage.INFER: self.infer_ms}, 0, 0)
        return replace(result, timings=timings)


class FastEngine(TimedEngine):
    infer_ms = 2.0


def test_files_show_every_frame_however_slow_the_engine() -> None:
    session = session_with(TimedEngine, FakeSource(100_000))
    session.open("clip", AUTO)
    snapshot = session.wait(lambda s: s.counters.inferred > 10, 60)
    assert snapshot.policy is Policy.EVERY_FRAME
    session.close()


def test_a_live_source_keeps_pace_with_a_slow_engine() -> None:
    session = session_with(TimedEngine, FakeSource(100_000, live=True))
    session.open("clip", AUTO)
    snapshot = session.wait(lambda s: s.counters.inferred > 10, 60)
    assert snapshot.policy is Policy.KEEP_PACE
    session.close()


def test_a_fast_engine_masks_every_frame_of_a_live_source_and_never_holds_it_up() -> None:
    session = session_with(FastEngine, FakeSource(150, live=True))
    session.open("clip", replace(AUTO, reconnect_s=0.0))
    session.wait(lambda s: s.policy is Policy.EVERY_FRAME, 60)
    snapshot = session.wait(lambda s: s.state is PlayState.ENDED, 60)
    counters = snapshot.counters
    assert counters.captured == 150
    assert counters.inferred + counters.dropped == 150
    session.close()


def session_with(engine: type[FakeEngine], source: FakeSource) -> LocalSession:
    parts = replace(Bench({"clip": lambda: source}).parts(), make_engine=lambda c, o, p: engine(o))
    return LocalSession(parts, Settings(), lambda p, i, m: None)


@pytest.mark.parametrize(("depth", "expected"), [(1, 2.0), (3, 4.0)])
def test_stages_in_flight_together_overlap(depth: int, expected: float) -> None:
    from rfviewer.optimizations import Optimizations

    engine = FakeEngine(Optimizations(depth=depth))
    frame = FakeSource().read()
    assert frame is not None
    engine.submit(frame, 0.5)
    timings = StageTimings({Stage.PREPROCESS: 250.0, Stage.INFER: 250.0}, 0, 0)
    assert engine_fps(replace(engine.collect(), timings=timings)) == expected
