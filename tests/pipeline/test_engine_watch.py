"""Engines that hang, lose their device or run out of memory, in one process."""

import threading
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rfviewer.config import Playback, Policy, Settings
from rfviewer.errors import DeviceLostError, EngineError
from rfviewer.interfaces import RecordingRequest
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.patience import Patience
from rfviewer.pipeline.watch import EngineWatch, WatchLimits
from rfviewer.result import FrameResult
from rfviewer.session.local import LocalSession
from rfviewer.snapshot import EnginePhase, PlayState
from tests.fake_engine import FakeEngine
from tests.fakes import PATIENT_WATCH, Bench, FakeSource, wait_until

FAST = Playback(policy=Policy.EVERY_FRAME, rate=None)
RECORD = RecordingRequest(video=Path("never-written.mp4"))


def session_with(
    bench: Bench, engine: type[FakeEngine], limits: WatchLimits = PATIENT_WATCH
) -> LocalSession:
    parts = replace(bench.parts(), make_engine=lambda c, o, p: engine(o), watch_limits=limits)
    return LocalSession(parts, Settings(), lambda p, i, m: None)


class Hang:
    """A call that never returns until `gate` is set. Only then the watch has little patience: a
    machine that is merely busy is not what is tested."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.limits: Any = SimpleNamespace(**asdict(PATIENT_WATCH))

    def __call__(self) -> bool:
        self.limits.stuck_s = self.limits.first_s = 0.2
        return self.gate.wait()


def test_a_launch_that_never_ends_is_told_and_the_recording_kept() -> None:
    hang, bench = Hang(), Bench({"clip": lambda: FakeSource(100_000)})

    class Hangs(FakeEngine):
        def collect(self) -> FrameResult:
            if self._in_flight[0][0].frame_index == 12:
                wait_until(lambda: len(bench.sink.items) == 12)  # what came before is written
                hang()
            return super().collect()

    session = session_with(bench, Hangs, hang.limits)
    session.start_recording(RECORD)
    session.open("clip", FAST)
    failed = session.wait(lambda s: s.lost, 60)
    assert failed.state is PlayState.FAILED
    assert failed.engine.phase is EnginePhase.FAILED
    assert failed.error == failed.engine.step == failed.lost
    assert "has not answered" in failed.error
    kept = session.wait(lambda s: s.recording is not None and not s.recording.active, 60)
    assert kept.recording.frames == len(bench.sink.items) == 12
    assert bench.sink.closed_with is None
    session.close(2.0)
    assert session.left_behind
    hang.gate.set()


def test_a_step_towards_other_settings_that_never_ends_is_told() -> None:
    hang = Hang()

    class Hangs(FakeEngine):
        def prepare(self, optimizations: Optimizations) -> bool:
            return hang()

    session = session_with(Bench({"clip": lambda: FakeSource(100_000)}), Hangs, hang.limits)
    session.open("clip", FAST)
    session.wait(lambda s: s.counters.inferred > 5, 60)
    session.set_optimizations(Optimizations(depth=3))
    assert "has not answered" in session.wait(lambda s: s.lost, 60).error
    session.close(2.0)
    assert session.left_behind
    hang.gate.set()


@pytest.mark.parametrize("where", ["collect", "submit", "configure", "prepare", "load"])
def test_a_lost_device_ends_this_process_work_in_order(where: str) -> None:
    class Lost(FakeEngine):
        def collect(self) -> FrameResult:
            if where == "collect" and self._in_flight[0][0].frame_index == 12:
                raise DeviceLostError("The GPU reported an illegal address (error 700).")
            return super().collect()

        def submit(self, frame, threshold, overlay=None) -> None:
            if where == "submit" and frame.frame_index == 12:
                raise DeviceLostError("The GPU reported an illegal address (error 700).")
            super().submit(frame, threshold, overlay)

        def configure(self, optimizations: Optimizations) -> None:
            if where == "load" or (where == "configure" and optimizations.depth == 3):
                raise DeviceLostError("The GPU reported an illegal address (error 700).")
            super().configure(optimizations)

        def prepare(self, optimizations: Optimizations) -> bool:
            if where == "prepare":
                raise DeviceLostError("The GPU reported an illegal address (error 700).")
            return True

        def close(self) -> None:
            raise AssertionError("a dead context may hang when it is freed")

    bench = Bench({"clip": lambda: FakeSource(100_000)})
    session = session_with(bench, Lost)
    session.start_recording(RECORD)
    session.open("clip", FAST)
    if where in ("configure", "prepare"):
        session.wait(lambda s: s.counters.inferred > 5, 60)
        session.set_optimizations(Optimizations(depth=3))
    failed = session.wait(lambda s: s.lost, 60)
    assert "error 700" in failed.error
    assert failed.state is PlayState.FAILED
    session.wait(lambda s: s.recording is not None and not s.recording.active, 60)
    session.close()
    assert not session.left_behind


def test_out_of_memory_keeps_what_was_in_effect() -> None:
    class Small(FakeEngine):
        def configure(self, optimizations: Optimizations) -> None:
            if optimizations.depth > 2:
                raise EngineError("3 frames in flight need 2.1 GB and 1.4 GB are free; use fewer.")
            super().configure(optimizations)

    session = session_with(Bench({"clip": lambda: FakeSource(100_000)}), Small)
    session.open("clip", FAST)
    session.wait(lambda s: s.counters.inferred > 5, 60)
    session.set_optimizations(Optimizations(depth=3))
    told = session.wait(lambda s: any("1.4 GB" in text for _, text in s.notices), 60)
    assert not told.lost
    after = session.wait(lambda s: s.counters.inferred > told.counters.inferred + 5, 60)
    assert after.engine.phase is EnginePhase.READY
    depth = next(t for t in after.engine.info.toggles if t.name == "depth")
    assert depth.effective == 2
    session.close()


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_honest_slowness_is_no_hang(monkeypatch) -> None:
    clock = Clock()
    monkeypatch.setattr("rfviewer.pipeline.watch.time", SimpleNamespace(monotonic=clock))
    watch = EngineWatch(WatchLimits(stuck_s=10.0, first_s=60.0, times_usual=10.0))
    watch._patience = Patience(1.0, clock)

    def hangs_for(seconds: int) -> float | None:
        watch.look()
        for _ in range(seconds):
            clock.now_s += 1
            silent_s = watch.look()
            if silent_s is not None:
                return silent_s
        return None

    with watch.frame(640, 480):
        assert hangs_for(59) is None  # kernels are compiled with the first frames
        assert hangs_for(2) is not None
    for _ in range(8):
        with watch.frame(640, 480):
            pass
    with watch:
        assert hangs_for(9) is None
        assert hangs_for(2) == 10
    watch._took_s[-1] = 4.0  # a large network on a small processor
    with watch:
        assert hangs_for(39) is None
        assert hangs_for(2) == 40
    with watch.frame(320, 240):  # a new size: graphs are captured again
        assert hangs_for(30) is None
    assert hangs_for(1000) is None  # nothing is in flight


def test_a_machine_that_slept_raises_no_alarm() -> None:
    clock = Clock()
    patience = Patience(1.0, clock)
    clock.now_s += 8 * 3600
    assert patience.look() == 1.0
    clock.now_s += 0.5
    assert patience.look() == 1.5
    patience.reset()
    assert patience.look() == 0.0
