"""A fault that nobody foresaw is told in one sentence, and closing still ends every thread."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from rfviewer.config import Playback, Policy, Settings
from rfviewer.frame import Frame
from rfviewer.interfaces import RecordingRequest
from rfviewer.result import FrameResult
from rfviewer.session.local import LocalSession
from rfviewer.snapshot import EnginePhase, PlayState
from tests.fake_engine import FakeEngine
from tests.fakes import Bench, FakeRenderer, FakeSink, FakeSource

FAST = Playback(policy=Policy.EVERY_FRAME, rate=None)


class BrokenSource(FakeSource):
    def read(self) -> Frame | None:
        raise ValueError("no such plane")


class BrokenEngine(FakeEngine):
    def collect(self) -> FrameResult:
        raise RuntimeError("illegal address")


class BrokenRenderer(FakeRenderer):
    def render(self, *_: object, **__: object) -> NoReturn:
        raise ValueError("no such colour")


def test_a_source_with_a_bug_is_a_failed_source() -> None:
    bench = Bench({"bad": BrokenSource, "clip": FakeSource})
    session = bench.session()
    session.open("bad", FAST)
    snapshot = session.wait(lambda s: s.state is PlayState.FAILED, 60)
    assert "no such plane" in snapshot.error
    assert bench.opened[0].closed
    session.open("clip", FAST)
    session.wait(lambda s: s.state is PlayState.ENDED, 60)
    session.close()


def test_a_start_in_a_source_without_positions_is_told() -> None:
    class Live(FakeSource):
        def seek(self, pts_s: float) -> None:
            from rfviewer.errors import SourceError

            raise SourceError("The fake camera is live and has no other position.")

    session = Bench({"live": lambda: Live(live=True)}).session()
    session.open("live", replace(FAST, start_s=3.0))
    snapshot = session.wait(lambda s: s.state is PlayState.FAILED, 60)
    assert "no other position" in snapshot.error
    session.close()


@pytest.mark.parametrize("part", ["engine", "presenter"])
def test_a_thread_that_dies_is_told_and_closing_ends_the_rest(part: str) -> None:
    parts = Bench({"clip": lambda: FakeSource(100_000)}).parts()
    if part == "engine":
        parts = replace(parts, make_engine=lambda c, o, p: BrokenEngine(o))
    else:
        parts = replace(parts, renderer=BrokenRenderer())
    session = LocalSession(parts, Settings(), lambda p, i, m: None)
    session.start_recording(RecordingRequest(video=Path("never-written.mp4")))
    session.open("clip", FAST)
    snapshot = session.wait(lambda s: s.state is PlayState.FAILED, 60)
    assert snapshot.engine.phase is EnginePhase.FAILED
    assert snapshot.error.startswith(f"The {part} stopped because of an unexpected fault")
    status = session.close()
    assert status is not None
    assert not status.active


def test_closing_is_bounded_while_the_disk_hangs() -> None:
    gate, writing = threading.Event(), threading.Event()

    class HangingSink(FakeSink):
        def write(self, item: object) -> None:
            writing.set()
            gate.wait()

    session = Bench({"clip": lambda: FakeSource(100_000)}, sink=HangingSink()).session()
    session.start_recording(RecordingRequest(video=Path("never-written.mp4")))
    session.open("clip", FAST)
    assert writing.wait(60)
    session.wait(lambda s: s.queues["to write"][0] == s.queues["to write"][1], 60)
    closing = threading.Thread(target=session.close, args=(1.0,))
    closing.start()
    closing.join(60)
    hung = closing.is_alive()
    gate.set()
    closing.join(60)
    assert not hung
