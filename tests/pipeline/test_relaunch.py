"""An engine with a spare slot gets the next frame before the oldest result is read."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rfviewer.config import EngineConfig, Playback, Policy, Settings, View
from rfviewer.frame import Frame
from rfviewer.optimizations import Optimizations
from rfviewer.result import FrameResult
from rfviewer.session.local import LocalSession
from tests.fake_engine import FakeEngine
from tests.fakes import Bench, FakeSource

FAST = Playback(policy=Policy.EVERY_FRAME, rate=None)


class RelaunchingFake(FakeEngine):
    """Has one slot more than `depth`; notes the order of calls."""

    def __init__(
        self, optimizations: Optimizations, gate: threading.Event, *, relaunches: bool = True
    ) -> None:
        self.calls: list[str] = []
        self.most = 0
        self._relaunches, self._oldest_is_done = relaunches, False
        super().__init__(optimizations, gate=gate)

    def make_room(self) -> bool:
        if self.in_flight < self.depth:
            return True
        if self._relaunches and self.in_flight == self.depth:
            if not self._oldest_is_done:
                self.calls.append("wait")
            self._oldest_is_done = True
        return self._oldest_is_done and self.in_flight == self.depth

    def submit(self, frame: Frame, threshold: float, overlay: View | None = None) -> None:
        assert self.in_flight < self.depth or self._oldest_is_done
        self.calls.append(f"submit {frame.frame_index}")
        self.most = max(self.most, self.in_flight + 1)
        spare = self._in_flight.popleft() if self.in_flight == self.depth else None
        super().submit(frame, threshold, overlay)
        if spare is not None:
            self._in_flight.appendleft(spare)

    def collect(self) -> FrameResult:
        self._oldest_is_done = False
        result = super().collect()
        self.calls.append(f"collect {result.frame.frame_index}")
        return result


class Opened:
    """A session over `source`, closed at the end of the test.

    Its engine gives results once so many frames are `there`: without them nothing is in flight
    together.
    """

    def __init__(
        self, source: FakeSource, optimizations: Optimizations, there: int = 6, **options: bool
    ) -> None:
        bench = Bench({"clip": lambda: source})
        engines: list[RelaunchingFake] = []
        gate = threading.Event()

        def make(config: EngineConfig, wanted: Optimizations, progress: object) -> RelaunchingFake:
            engines.append(RelaunchingFake(wanted, gate, **options))
            return engines[0]

        parts = replace(bench.parts(), make_engine=make)
        self.session = LocalSession(
            parts, Settings(optimizations=optimizations), lambda p, i, m: None
        )
        self.session.open("clip", FAST)
        self.session.wait(lambda s: s.counters.captured >= there, 60)
        gate.set()
        self.session.wait(lambda s: bool(engines) and s.counters.inferred > 0, 60)
        self.engine = engines[0]


@pytest.fixture
def opened() -> Iterator[list[Opened]]:
    """Yield a list whose sessions are closed in the end."""
    all_of: list[Opened] = []
    yield all_of
    for each in all_of:
        each.session.close()


@pytest.mark.parametrize("depth", [1, 3])
def test_the_next_frame_is_launched_first_and_every_result_comes_in_order(
    opened: list[Opened], depth: int
) -> None:
    run = Opened(FakeSource(60), Optimizations(depth=depth))
    opened.append(run)
    run.session.wait(lambda s: s.counters.inferred == 60, 60)
    calls = run.engine.calls
    collected = [call for call in calls if call.startswith("collect")]
    assert collected == [f"collect {index}" for index in range(60)]
    assert run.engine.most == depth + 1
    for index in range(60):  # a result waits for one more launch at most
        before = calls[: calls.index(f"collect {index}")]
        submitted = sum(call.startswith("submit") for call in before)
        assert submitted - index <= depth + 1
    # A launch beyond `depth` comes right after the wait for the oldest frame, before its result.
    for at, call in enumerate(calls):
        if call == "wait":
            following = calls[at + 1].partition(" ")[0]
            assert following in {"submit", "collect"}


def test_without_a_spare_slot_each_result_is_read_first(opened: list[Opened]) -> None:
    run = Opened(FakeSource(30), Optimizations(depth=2), relaunches=False)
    opened.append(run)
    run.session.wait(lambda s: s.counters.inferred == 30, 60)
    assert run.engine.most == 2
    assert "wait" not in run.engine.calls


def test_a_result_is_not_held_back_for_a_frame_that_does_not_come(opened: list[Opened]) -> None:
    class Stalling(FakeSource):
        def __init__(self) -> None:
            super().__init__(1000)
            self.stalled = threading.Event()

        def read(self) -> Frame | None:
            if self._next == 5:
                self.stalled.set()
                self._interrupted.wait()
                return None
            return super().read()

    source = Stalling()
    run = Opened(source, Optimizations(depth=1), there=5)
    opened.append(run)
    run.session.wait(lambda s: s.counters.inferred == 5, 60)
    assert source.stalled.is_set()
    assert run.engine.in_flight == 0
