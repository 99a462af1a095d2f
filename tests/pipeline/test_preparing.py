"""Settings that an engine makes ready step by step: those before serve meanwhile."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from rfviewer.config import EngineConfig, Playback, Policy, Settings, View
from rfviewer.errors import EngineError
from rfviewer.frame import Frame
from rfviewer.optimizations import Optimizations
from rfviewer.session.local import LocalSession
from rfviewer.snapshot import Snapshot
from tests.fake_engine import FakeEngine
from tests.fakes import Bench, FakeSource, wait_until

FAST = Playback(policy=Policy.EVERY_FRAME, rate=None)
BEFORE, AFTER = Optimizations(depth=2), Optimizations(depth=2, roi_masks=False)
STEPS = 4


class PreparingFake(FakeEngine):
    """Needs `STEPS` steps for each setting; notes the order of calls."""

    def __init__(self, optimizations: Optimizations, *, refuses: bool = False) -> None:
        self._left: dict[Optimizations, int] = {}
        self.calls: list[str] = []
        self.configured: list[Optimizations] = []
        self._refuses = refuses
        super().__init__(optimizations)

    def prepare(self, optimizations: Optimizations) -> bool:
        self.calls.append("prepare" if self.in_flight else "prepare idle")
        if self._refuses:
            raise EngineError("The fake memory does not suffice.")
        left = self._left.setdefault(optimizations, STEPS) - 1
        self._left[optimizations] = left
        return left <= 0

    def configure(self, optimizations: Optimizations) -> None:
        self.configured.append(optimizations)
        super().configure(optimizations)

    def submit(self, frame: Frame, threshold: float, overlay: View | None = None) -> None:
        self.calls.append("submit")
        super().submit(frame, threshold, overlay)


type Start = Callable[..., tuple[LocalSession, PreparingFake]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Return a function that opens an endless source with a preparing engine."""
    sessions: list[LocalSession] = []

    def build(playback: Playback = FAST, **options: bool) -> tuple[LocalSession, PreparingFake]:
        bench = Bench({"clip": lambda: FakeSource(1_000_000)})
        engines: list[PreparingFake] = []

        def make(config: EngineConfig, wanted: Optimizations, progress: object) -> PreparingFake:
            engines.append(PreparingFake(wanted, **options))
            return engines[0]

        parts = replace(bench.parts(), make_engine=make)
        session = LocalSession(parts, Settings(optimizations=BEFORE), lambda p, i, m: None)
        sessions.append(session)
        session.open("clip", playback)
        session.wait(lambda s: s.counters.inferred > 0, 60)
        return session, engines[0]

    yield build
    for session in sessions:
        session.close()


def test_what_was_in_effect_serves_until_all_is_there(start: Start, monkeypatch) -> None:
    monkeypatch.setattr("rfviewer.pipeline.statistics.MAX_SAMPLES", 10_000_000)  # none is forgotten
    session, engine = start()
    session.set_optimizations(AFTER)
    samples = []

    def changed(snapshot: Snapshot) -> bool:
        samples.extend(snapshot.samples)
        return any(sample.optimizations == AFTER for sample in samples)

    session.wait(changed, 60)
    assert not engine.configured_while_busy
    assert engine.configured == [BEFORE, AFTER]
    indices = [sample.frame_index for sample in samples]
    assert indices == list(range(indices[0], indices[0] + len(indices)))
    # The engine has just got a frame to work on at every step, but for the first one and for those
    # while there is no frame.
    steps = [index for index, call in enumerate(engine.calls) if call.startswith("prepare")]
    assert len(steps) == STEPS
    busy = [index for index in steps[1:] if engine.calls[index] == "prepare"]
    assert all(engine.calls[index - 1] == "submit" for index in busy)


def test_a_pause_lets_it_get_ready_too(start: Start) -> None:
    session, engine = start(replace(FAST, paused=True))
    session.set_optimizations(AFTER)
    wait_until(lambda: engine.configured[-1] == AFTER)
    assert not engine.configured_while_busy


def test_of_two_requests_only_the_newer_is_applied(start: Start) -> None:
    session, engine = start(replace(FAST, paused=True))
    session.set_optimizations(AFTER)
    wait_until(lambda: any(call.startswith("prepare") for call in engine.calls))
    newer = replace(AFTER, packed_masks=False)
    session.set_optimizations(newer)
    wait_until(lambda: engine.configured[-1] == newer)
    session.set_optimizations(newer)
    assert set(engine.configured[1:]) <= {AFTER, newer}


def test_back_to_what_is_in_effect_ends_it(start: Start) -> None:
    session, engine = start()
    for wanted in (AFTER, BEFORE) * 20:
        session.set_optimizations(wanted)
    count = session.wait(lambda s: s.optimizations == BEFORE, 60).counters.inferred
    session.wait(lambda s: s.counters.inferred > count + 20, 60)
    assert engine.info.toggles[0].requested == BEFORE.cuda_graph
    assert engine.configured[-1] == BEFORE


def test_what_cannot_be_had_is_told_once_and_the_video_goes_on(start: Start) -> None:
    session, engine = start(refuses=True)
    told: list[str] = []
    session.set_optimizations(AFTER)
    session.wait(lambda s: told.extend(t for _, t in s.notices) is not None or bool(told), 60)
    count = session.wait(lambda s: True, 60).counters.inferred
    session.wait(
        lambda s: (
            told.extend(t for _, t in s.notices) is not None or s.counters.inferred > count + 50
        ),
        60,
    )
    assert told == ["The fake memory does not suffice."]
    assert sum(call.startswith("prepare") for call in engine.calls) == 1
    assert engine.configured == [BEFORE]
