"""Requests that come while something else is under way are neither lost nor undone."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rfviewer.config import EngineConfig, Playback, Policy, Settings, View
from rfviewer.frame import Frame
from rfviewer.interfaces import Engine, Progress
from rfviewer.optimizations import Optimizations
from rfviewer.session.local import LocalSession
from rfviewer.snapshot import EnginePhase, PlayState, Snapshot
from tests.fakes import FPS, Bench, FakeRenderer, FakeSource, wait_until

FAST = Playback(policy=Policy.EVERY_FRAME, rate=None)
PAUSED = replace(FAST, paused=True)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    gate = threading.Event()
    yield gate
    gate.set()


def gated_session(bench: Bench, gate: threading.Event) -> LocalSession:
    """Return a session whose second engine loads only when `gate` is open."""
    parts = bench.parts()

    def make(config: EngineConfig, optimizations: Optimizations, progress: Progress) -> Engine:
        if bench.engines:
            gate.wait()
        return parts.make_engine(config, optimizations, progress)

    return LocalSession(replace(parts, make_engine=make), Settings(), lambda p, i, m: None)


def loading(snapshot: Snapshot) -> bool:
    return snapshot.engine.phase is EnginePhase.LOADING


def test_a_toggle_flipped_while_a_model_loads_is_applied_without_a_frame(
    gate: threading.Event,
) -> None:
    session = gated_session(Bench(), gate)
    session.wait(lambda s: s.engine.phase is EnginePhase.READY, 60)
    session.set_engine(EngineConfig(model="other"))
    session.wait(loading, 60)
    session.set_optimizations(Optimizations(depth=3))
    gate.set()
    session.wait(
        lambda s: (
            s.engine.info is not None
            and any(t.name == "depth" and t.effective == 3 for t in s.engine.info.toggles)
        ),
        60,
    )
    session.close()


@pytest.mark.parametrize("policy", list(Policy))
def test_a_seek_while_a_model_loads_is_not_taken_back(
    policy: Policy, gate: threading.Event
) -> None:
    session = gated_session(Bench({"clip": lambda: FakeSource(1000)}), gate)
    session.open("clip", replace(PAUSED, policy=policy))
    session.wait(lambda s: s.counters.inferred >= 1 and s.frame_index == 0, 60)
    session.set_engine(EngineConfig(model="other"))
    session.wait(loading, 60)
    session.seek(500 / FPS)
    session.wait(lambda s: s.counters.captured >= 2, 60)
    gate.set()
    session.wait(lambda s: s.class_counts == {500: 1} and s.frame_index == 500, 60)
    session.close()


def test_quick_steps_add_up(gate: threading.Event) -> None:
    session = Bench({"clip": FakeSource}, {"gate": gate}).session()
    session.open("clip", PAUSED)
    session.wait(lambda s: s.counters.captured >= 1, 60)
    session.step(1)
    session.step(1)
    gate.set()
    session.wait(lambda s: s.frame_index == 2, 60)
    gate.clear()
    session.step(-1)
    session.step(-1)
    gate.set()
    session.wait(lambda s: s.frame_index == 0, 60)
    session.close()


def test_a_held_step_key_does_not_run_on_for_long(gate: threading.Event) -> None:
    session = Bench({"clip": FakeSource}, {"gate": gate}).session()
    gate.set()
    session.open("clip", PAUSED)
    session.wait(lambda s: s.frame_index == 0, 60)
    gate.clear()
    for _ in range(15):
        session.step(1)
    gate.set()
    session.wait(lambda s: s.frame_index is not None and s.frame_index >= 5, 60)
    session.step(-1)  # behind whatever was still due
    assert (session.wait(lambda s: s.frame_index in (4, 5), 60)).state is PlayState.PAUSED
    session.close()


def test_a_pause_right_after_a_seek_shows_the_frame_sought(gate: threading.Event) -> None:
    session = Bench({"clip": lambda: FakeSource(100_000)}, {"gate": gate}).session()
    gate.set()
    session.open("clip", FAST)
    session.wait(lambda s: s.counters.inferred >= 3, 60)
    gate.clear()
    session.seek(50_000 / FPS)
    session.pause()
    gate.set()
    snapshot = session.wait(lambda s: (s.frame_index or 0) >= 50_000, 60)
    assert snapshot.frame_index == 50_000
    assert snapshot.state is PlayState.PAUSED
    session.close()


def test_the_last_of_several_views_is_drawn(gate: threading.Event) -> None:
    drawn: list[float] = []
    drawing = threading.Event()

    class SlowRenderer(FakeRenderer):
        def render(self, frame: Frame, detections, view: View, class_names, **more):  # type: ignore[no-untyped-def,override]
            if view.opacity == 0.5:
                drawing.set()
                gate.wait()
            drawn.append(view.opacity)
            return super().render(frame, detections, view, class_names, **more)

    parts = replace(Bench({"clip": FakeSource}).parts(), renderer=SlowRenderer())
    session = LocalSession(parts, Settings(), lambda p, i, m: None)
    session.open("clip", PAUSED)
    wait_until(lambda: session.take_image() is not None)
    session.set_view(View(opacity=0.5))
    assert drawing.wait(60)
    session.set_view(View(opacity=0.9))
    gate.set()
    wait_until(lambda: session.take_image() is None and drawn[-1] == 0.9)
    session.close()


def test_play_after_the_end_of_a_source_without_seeking_opens_it_again() -> None:
    bench = Bench({"stream": lambda: FakeSource(5, live=True)})
    session = bench.session()
    session.open("stream", replace(FAST, reconnect_s=0.0))
    session.wait(lambda s: s.state is PlayState.ENDED, 60)
    session.play()
    wait_until(lambda: len(bench.opened) == 2)
    session.wait(lambda s: s.state is PlayState.ENDED and s.counters.captured == 5, 60)
    session.close()
