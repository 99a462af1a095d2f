"""Random commands against a session: whatever a user does, it stays whole and closes at once."""

import threading
import time
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rfviewer.config import EngineConfig, Playback, Policy, Settings, View
from rfviewer.interfaces import RecordingRequest
from rfviewer.optimizations import Optimizations
from rfviewer.snapshot import EnginePhase, PlayState
from tests.fakes import FPS, Bench, FakeSource, wait_until

FRAMES = 40
MARKS = 2
"""Marks between frames, e.g. the end of a recording, may exceed a queue's capacity."""
SETTLED = {PlayState.PAUSED, PlayState.ENDED, PlayState.FAILED, PlayState.IDLE}


class SessionMachine(RuleBasedStateMachine):
    """Drives a `LocalSession` with fake parts; its frames carry their number in their pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.threads_before = set(threading.enumerate())
        self.bench = Bench(
            {
                "clip": lambda: FakeSource(FRAMES),
                "short": lambda: FakeSource(1),
                "live": lambda: FakeSource(10_000, live=True),
                "breaks": lambda: FakeSource(FRAMES, breaks_at=5),
                "blocks": lambda: FakeSource(FRAMES, blocks_at=3),
            }
        )
        self.session = self.bench.session(Settings(playback=Playback(rate=None)))
        self.opened = ""

    @initialize()
    def begin(self) -> None:
        wait_until(lambda: self._snapshot().engine.phase is EnginePhase.READY)

    @rule(
        source=st.sampled_from(["clip", "clip", "short", "live", "breaks", "blocks", "missing"]),
        paused=st.booleans(),
        loop=st.booleans(),
        policy=st.sampled_from([None, *Policy]),
    )
    def open(self, source: str, paused: bool, loop: bool, policy: Policy | None) -> None:
        self.opened = source
        self.session.open(source, Playback(rate=None, paused=paused, loop=loop, policy=policy))

    @rule()
    def play(self) -> None:
        self.session.play()

    @rule()
    def pause(self) -> None:
        self.session.pause()

    @rule(pts_s=st.floats(-1, 3))
    def seek(self, pts_s: float) -> None:
        self.session.seek(pts_s)

    @rule(frames=st.integers(-3, 3))
    def step(self, frames: int) -> None:
        self.session.step(frames)

    @rule(depth=st.integers(1, 4), roi=st.booleans())
    def configure(self, depth: int, roi: bool) -> None:
        self.session.set_optimizations(Optimizations(depth=depth, roi_masks=roi))

    @rule(threshold=st.floats(0, 1), hidden=st.frozensets(st.integers(0, 50)))
    def view(self, threshold: float, hidden: frozenset[int]) -> None:
        self.session.set_view(View(threshold=threshold, hidden_class_ids=hidden))

    @rule(model=st.sampled_from(["demo", "demo", "broken"]))
    def load(self, model: str) -> None:
        self.session.set_engine(EngineConfig(model=model))

    @rule()
    def record(self) -> None:
        self.session.start_recording(RecordingRequest(video=Path("out.mp4")))

    @rule()
    def stop_recording(self) -> None:
        self.session.stop_recording()

    @rule()
    def screenshot(self) -> None:
        self.session.screenshot(Path("shot.png"), "annotated")

    @rule()
    def restart(self) -> None:
        self.session.restart()

    @precondition(lambda self: self.opened == "clip")
    @rule(index=st.integers(0, FRAMES - 1))
    def pause_and_seek_shows_that_frame(self, index: int) -> None:
        self.session.open("clip", Playback(rate=None, policy=Policy.EVERY_FRAME))
        self.session.pause()
        self.session.seek(index / FPS)
        wait_until(lambda: self._snapshot().frame_index == index)
        assert self._snapshot().state in SETTLED

    @invariant()
    def counts_and_queues_are_bounded(self) -> None:
        snapshot = self._snapshot()
        for name, (fill, capacity) in snapshot.queues.items():
            assert fill <= max(capacity, 1) + MARKS, name
        assert snapshot.error == "" or snapshot.error.endswith(".")
        for engine in self.bench.engines:
            assert not engine.configured_while_busy
            assert engine.peak_in_flight <= 4

    @invariant()
    def a_drawn_frame_has_its_own_detections(self) -> None:
        shown = self.session.take_image()
        if shown is None or shown.masks_age_s != 0:
            return
        index, found = int(shown.image[0, 0, 0]), int(shown.image[0, 1, 0])
        assert index == shown.frame_index & 255
        assert found in (index, 255)

    def teardown(self) -> None:
        started_s = time.monotonic()
        self.session.close(600.0)
        assert time.monotonic() - started_s < 300.0  # at once: not the time that it was given
        # A source is left to its own thread, since a driver may hang in it.
        wait_until(lambda: set(threading.enumerate()) <= self.threads_before)
        assert all(source.closed for source in self.bench.opened)
        assert all(engine.closed for engine in self.bench.engines)

    def _snapshot(self):
        snapshot = self.session.poll()
        assert snapshot is not None
        return snapshot


TestSession = SessionMachine.TestCase
TestSession.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
