"""Closing while a slow network is in the middle of a pass: no fault, and not told as one."""

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rfviewer.config import Playback, Policy, Settings
from rfviewer.pipeline import pipeline, threads
from rfviewer.pipeline.threads import join_all
from rfviewer.pipeline.watch import WatchLimits
from rfviewer.result import FrameResult
from rfviewer.session.local import LocalSession
from tests.fake_engine import FakeEngine
from tests.fakes import Bench, FakeSource

FAST = Playback(policy=Policy.EVERY_FRAME, rate=None)


class Slow:
    """A session in the middle of a pass that ends when `gate` is set, and what it has told."""

    def __init__(self, limits: WatchLimits) -> None:
        self.gate = gate = threading.Event()
        self.told: list[logging.LogRecord] = []
        begun = threading.Event()

        class Engine(FakeEngine):
            def collect(self) -> FrameResult:
                begun.set()
                gate.wait()
                return super().collect()

        parts = Bench({"clip": lambda: FakeSource(100_000)}).parts()
        parts = replace(parts, make_engine=lambda c, o, p: Engine(o), watch_limits=limits)
        self.session = LocalSession(parts, Settings(), lambda p, i, m: None)
        self.session.open("clip", FAST)
        assert begun.wait(60)

    def alarms(self) -> list[str]:
        return [one.getMessage() for one in self.told if one.levelno >= logging.WARNING]


def join_soon(waited: list[threading.Thread], timeout_s: float) -> list[str]:
    """Give the engine no time, and all others as much as a busy machine may need."""
    engines = [thread for thread in waited if thread.name == "rfviewer-engine"]
    return join_all(engines, min(timeout_s, 0.02)) + join_all(
        [thread for thread in waited if thread not in engines], 60.0
    )


@pytest.fixture
def slow(request, monkeypatch) -> Iterator[Slow]:
    monkeypatch.setattr(pipeline, "join_all", join_soon)
    monkeypatch.setattr(pipeline, "CLOSE_CAPTURE_S", 60.0)
    monkeypatch.setattr(threads, "told_on_closing", threading.Event())
    monkeypatch.setattr(pipeline, "told_on_closing", threads.told_on_closing)
    case = Slow(getattr(request, "param", WatchLimits()))
    handler = logging.Handler()
    handler.emit = case.told.append
    topic = logging.getLogger("rfviewer.pipeline")
    before = topic.level
    topic.addHandler(handler)
    topic.setLevel(logging.INFO)
    yield case
    topic.removeHandler(handler)
    topic.setLevel(before)
    case.gate.set()


def test_a_pass_left_behind_goes_to_the_log_and_raises_no_alarm(slow) -> None:
    slow.session.close(120.0)
    assert slow.session.left_behind
    assert slow.alarms() == []
    assert any("rfviewer-engine" in one.getMessage() for one in slow.told)
    assert threads.told_on_closing.is_set()


def test_a_verb_waits_for_the_pass_in_progress(slow, monkeypatch) -> None:
    def opens(waited: list[threading.Thread], timeout_s: float) -> list[str]:
        stuck = join_soon(waited, timeout_s)
        slow.gate.set()  # only after closing was out of patience once
        monkeypatch.setattr(pipeline, "join_all", join_all)
        return stuck

    monkeypatch.setattr(pipeline, "join_all", opens)
    slow.session.close(120.0, finish_pass=True)
    assert not slow.session.left_behind
    assert slow.told == []
    assert not threads.told_on_closing.is_set()


@pytest.mark.parametrize("slow", [WatchLimits(stuck_s=0.1, first_s=0.1)], indirect=True)
def test_a_pass_that_outlasts_what_the_watch_allows_is_told(slow) -> None:
    slow.session.close(120.0, finish_pass=True)
    assert slow.session.left_behind
    assert any("rfviewer-engine" in sentence for sentence in slow.alarms())
