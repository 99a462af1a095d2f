"""Frames that share a pass of the network: only without a viewer, and with nothing lost by it."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from rfviewer.config import EngineConfig, Playback, Policy, Settings
from rfviewer.interfaces import Engine, Progress, RecordingRequest
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.frames_a_pass import WHY_NOT, given_to_engine, shown_to_user
from rfviewer.result import EngineInfo, ToggleState
from rfviewer.session.local import LocalSession
from rfviewer.snapshot import EnginePhase, PlayState, Snapshot
from tests.fake_engine import FakeEngine
from tests.fakes import FPS, Bench, FakeSource

FAST = Playback(policy=Policy.EVERY_FRAME, rate=None)
REQUEST = RecordingRequest(video=Path("never-written.mp4"))


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no pass run part-filled because this machine was busy."""
    monkeypatch.setattr("rfviewer.pipeline.engine_loop.BATCH_WAIT_S", 30.0)


def settings(frames: int, depth: int = 2) -> Settings:
    return Settings(optimizations=Optimizations(depth=depth, micro_batch=frames))


def export(bench: Bench, frames: int, depth: int = 2) -> tuple[Snapshot, list[str]]:
    """Record the source "clip" from its first to its last frame; return the end and what failed."""
    session, told = bench.session(settings(frames, depth)), []
    session.wait(lambda s: s.engine.phase is EnginePhase.READY, 60)
    session.open("clip", FAST, recording=REQUEST)

    def over(snapshot: Snapshot) -> bool:
        told.extend(text for severity, text in snapshot.notices if severity == "error")
        return snapshot.recording is not None and not snapshot.recording.active

    last = session.wait(over, 60)
    session.close()
    return last, told


def unhurried(count: int, **engine: object) -> Bench:
    return Bench({"clip": lambda: FakeSource(count)}, dict(engine), frames_may_wait=True)


def written(bench: Bench) -> list[tuple[int, int]]:
    """Return index and class id, which is the index that the engine saw, of each frame."""
    return [(i.frame.frame_index, int(i.detections.class_ids[0])) for i in bench.sink.items]


@pytest.mark.parametrize("count", [1, 3, 8, 13, 21])
@pytest.mark.parametrize("frames", [2, 4, 8])
@pytest.mark.parametrize("depth", [1, 3])
def test_an_export_has_the_frames_of_one_a_pass_in_their_order(
    count: int, frames: int, depth: int
) -> None:
    bench = unhurried(count)
    last, told = export(bench, frames, depth)
    assert written(bench) == [(index, index) for index in range(count)]
    assert (told, last.counters.inferred, last.counters.dropped) == ([], count, 0)
    passes = bench.engines[0].passes
    assert [index for each in passes for index in each] == list(range(count))
    assert bench.engines[0].peak_in_flight <= depth * frames


@pytest.mark.usefixtures("patient")
def test_passes_are_full_but_for_the_last() -> None:
    bench = unhurried(22)
    export(bench, 4)
    assert [len(each) for each in bench.engines[0].passes] == [4, 4, 4, 4, 4, 2]


@pytest.mark.parametrize("bad", [4, 6, 7, 12])
def test_a_frame_that_fails_inside_a_pass_costs_no_other(bad: int) -> None:
    bench = unhurried(13, fails_at=bad)
    _, told = export(bench, 4)
    assert written(bench) == [(index, index) for index in range(13) if index != bad]
    assert told == ["The fake network failed on this frame."]


@pytest.mark.usefixtures("patient")
def test_a_pass_that_fails_is_told_frame_by_frame_and_the_export_goes_on() -> None:
    bench = unhurried(15, loses=6)
    _, told = export(bench, 4)
    assert written(bench) == [(index, index) for index in (*range(4), *range(8, 15))]
    assert told == [f"The fake network lost frame {index}." for index in range(4, 8)]


def test_a_source_that_stands_still_leaves_no_frame_waiting() -> None:
    loading = threading.Event()
    bench = Bench({"clip": lambda: FakeSource(20, blocks_at=3)}, frames_may_wait=True)
    parts = bench.parts()

    def make(config: EngineConfig, wanted: Optimizations, progress: Progress) -> Engine:
        loading.wait()
        return parts.make_engine(config, wanted, progress)

    session = LocalSession(replace(parts, make_engine=make), settings(2), lambda p, i, m: None)
    session.open("clip", FAST)
    session.wait(lambda s: s.queues["to engine"][0] == 3, 60)
    loading.set()  # with all that the source gives there already: only the rest of a pass waits
    session.wait(lambda s: s.counters.inferred == 3, 60)
    assert bench.engines[0].passes == [[0, 1], [2]]
    session.close()


def test_a_step_lets_one_frame_through_and_a_seek_leaves_the_pass_behind() -> None:
    bench = Bench({"clip": lambda: FakeSource(1000)}, frames_may_wait=True)
    session = bench.session(settings(4))
    session.open("clip", replace(FAST, paused=True))
    for steps, index in ((0, 0), (1, 1), (3, 4), (1, 5)):
        if steps:
            session.step(steps)
        shown = session.wait(lambda s, index=index: s.frame_index == index, 60)
        assert shown.state is PlayState.PAUSED
    session.seek(700 / FPS)
    session.wait(lambda s: s.frame_index == 700, 60)
    session.close()


@pytest.mark.usefixtures("patient")
def test_settings_change_between_passes() -> None:
    bench = Bench({"clip": lambda: FakeSource(100_000)}, frames_may_wait=True)
    session = bench.session(settings(4))
    session.open("clip", FAST)
    session.wait(lambda s: s.counters.inferred > 9, 60)
    session.set_optimizations(Optimizations(depth=1, micro_batch=8))
    session.wait(lambda s: any(x.optimizations.micro_batch == 8 for x in s.samples), 60)
    session.set_optimizations(Optimizations(depth=2))
    session.wait(lambda s: any(x.optimizations.micro_batch == 1 for x in s.samples), 60)
    session.close()
    assert not bench.engines[0].configured_while_busy
    passes = bench.engines[0].passes
    indices = [index for each in passes for index in each]
    assert indices == list(range(len(indices)))
    assert {4, 8, 1} <= {len(each) for each in passes}


def test_where_frames_are_shown_each_has_a_pass_of_its_own_and_the_reason_is_told() -> None:
    bench = Bench({"clip": lambda: FakeSource(20)})
    session = bench.session(settings(4))
    session.open("clip", FAST)
    last = session.wait(lambda s: s.state is PlayState.ENDED, 60)
    assert [len(each) for each in bench.engines[0].passes] == [1] * 20
    assert last.optimizations.micro_batch == 4
    assert last.engine.info is not None
    state = next(t for t in last.engine.info.toggles if t.name == "micro_batch")
    assert (state.requested, state.effective, state.reason) == (4, 1, WHY_NOT)
    session.set_optimizations(Optimizations(depth=2))
    quiet = session.wait(
        lambda s: s.optimizations.micro_batch == 1 and _state(s).requested == 1, 60
    )
    assert _state(quiet).reason == ""
    session.close()


def _state(snapshot: Snapshot) -> ToggleState:
    assert snapshot.engine.info is not None
    return next(t for t in snapshot.engine.info.toggles if t.name == "micro_batch")


def test_an_engine_that_cannot_keeps_its_own_reason() -> None:
    wanted = Optimizations(micro_batch=8)
    assert given_to_engine(wanted, frames_may_wait=True) == wanted
    given = given_to_engine(wanted, frames_may_wait=False)
    assert given == Optimizations()
    state = ToggleState("micro_batch", 1, 1, "one frame a pass", available=False)
    info = _info(state, given)
    shown = shown_to_user(info, wanted, frames_may_wait=False)
    assert shown.toggles[-1] == ToggleState("micro_batch", 8, 1, "one frame a pass", False)
    assert shown_to_user(info, wanted, frames_may_wait=True) is info


def _info(state: ToggleState, optimizations: Optimizations) -> EngineInfo:
    info: EngineInfo = FakeEngine(optimizations).info
    others = tuple(other for other in info.toggles if other.name != state.name)
    return EngineInfo(
        *(getattr(info, name) for name in list(EngineInfo.__dataclass_fields__)[:-1]),
        toggles=(*others, state),
    )


def test_frames_in_flight_are_passes_times_frames_a_pass() -> None:
    wanted = Optimizations(depth=3, micro_batch=4, early_relaunch=False)
    assert FakeEngine(wanted).info.frames_in_flight == 12
    with_a_spare_pass = FakeEngine(wanted.set("early_relaunch", "on"))
    assert with_a_spare_pass.info.frames_in_flight == 16
