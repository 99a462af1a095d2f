"""What breaks is told in one sentence, the video goes on, and recordings keep what they have."""

import itertools
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rfviewer.config import EngineConfig, Playback, Policy, Settings, View
from rfviewer.errors import EngineError, SinkError
from rfviewer.interfaces import Engine, Progress, RecordingRequest
from rfviewer.optimizations import Optimizations
from rfviewer.result import FrameResult
from rfviewer.session.local import LocalSession
from rfviewer.snapshot import EnginePhase, PlayState, Snapshot
from tests.fake_engine import FakeEngine
from tests.fakes import Bench, FakeSink, FakeSource, wait_until

FAST = Playback(policy=Policy.EVERY_FRAME, rate=None)
REQUEST = RecordingRequest(video=Path("never-written.mp4"))


def ended(snapshot: Snapshot) -> bool:
    return snapshot.state is PlayState.ENDED


def recorded(session: LocalSession) -> Snapshot:
    return session.wait(lambda s: s.recording is not None and not s.recording.active, 60)


def test_a_failed_frame_is_told_and_the_others_come() -> None:
    bench = Bench({"clip": FakeSource}, {"fails_at": 5})
    session = bench.session()
    session.open("clip", FAST)
    notices = []
    snapshot = session.wait(lambda s: notices.extend(s.notices) is not None or ended(s), 60)
    session.close()
    assert snapshot.counters.inferred == 19
    assert notices == [("error", "The fake network failed on this frame.")]


def test_a_model_that_cannot_be_read_leaves_the_video_running() -> None:
    bench = Bench({"clip": FakeSource})
    session = bench.session(Settings(engine=EngineConfig(model="broken")))
    session.open("clip", FAST)
    snapshot = session.wait(ended, 60)
    assert snapshot.engine.phase is EnginePhase.FAILED
    assert snapshot.engine.step == "The model broken cannot be read; choose another."
    assert snapshot.counters.captured == 20
    assert snapshot.counters.inferred == 0
    session.set_engine(EngineConfig(model="fine"))
    session.play()
    session.wait(lambda s: s.counters.inferred == 20 and ended(s), 60)
    session.close()


def test_a_second_model_that_fails_leaves_the_first_in_use() -> None:
    bench = Bench({"clip": lambda: FakeSource(100_000)})
    session = bench.session()
    session.open("clip", FAST)
    session.wait(lambda s: s.counters.inferred > 5, 60)
    session.set_engine(EngineConfig(model="broken"))
    notices = []
    session.wait(lambda s: notices.extend(s.notices) is not None or bool(notices), 60)
    assert "stays in use" in notices[0][1]
    snapshot = session.wait(lambda s: s.engine.phase is EnginePhase.READY, 60)
    assert snapshot.engine_config.model == "demo"
    session.wait(lambda s: s.counters.inferred > snapshot.counters.inferred + 5, 60)
    assert not bench.engines[0].closed
    session.close()


def test_optimizations_are_applied_with_nothing_in_flight_and_tag_the_results() -> None:
    bench = Bench({"clip": lambda: FakeSource(100_000)})
    session = bench.session()
    session.open("clip", FAST)
    session.wait(lambda s: s.counters.inferred > 5, 60)
    wanted = Optimizations(depth=3, roi_masks=False)
    session.set_optimizations(wanted)
    session.wait(lambda s: any(x.optimizations == wanted for x in s.samples), 60)
    session.close()
    assert not bench.engines[0].configured_while_busy


def test_a_job_runs_with_nothing_in_flight_and_its_error_reaches_the_caller() -> None:
    bench = Bench({"clip": lambda: FakeSource(100_000)})
    session = bench.session()
    session.open("clip", FAST)
    session.wait(lambda s: s.counters.inferred > 5, 60)
    assert session.run_on_engine(lambda engine: engine.in_flight).result(60) == 0

    def fail(engine: Engine) -> None:
        raise EngineError("no")

    with pytest.raises(EngineError, match="no"):
        session.run_on_engine(fail).result(60)
    session.close()


@pytest.mark.parametrize("policy", list(Policy))
def test_recording_before_open_holds_every_frame_from_the_first(policy: Policy) -> None:
    bench = Bench({"clip": FakeSource})
    session = bench.session()
    session.start_recording(REQUEST)
    session.open("clip", replace(FAST, policy=policy))
    snapshot = recorded(session)
    session.close()
    assert [item.frame.frame_index for item in bench.sink.items] == list(range(20))
    assert bench.sink.closed_with is None
    assert snapshot.recording is not None
    assert snapshot.recording.frames == 20
    assert snapshot.recording.duration_s == pytest.approx(0.8)


def test_every_recorded_frame_has_its_own_detections() -> None:
    bench = Bench({"clip": FakeSource})
    session = bench.session()
    session.start_recording(REQUEST)
    session.open("clip", FAST)
    recorded(session)
    session.close()
    for item in bench.sink.items:
        assert item.inferred
        assert list(item.detections.class_ids) == [item.frame.frame_index]


def test_recorded_time_increases_across_a_loop() -> None:
    bench = Bench({"clip": lambda: FakeSource(5)})
    session = bench.session()
    session.start_recording(REQUEST)
    session.open("clip", replace(FAST, loop=True))
    wait_until(lambda: len(bench.sink.items) > 12)
    session.stop_recording()
    recorded(session)
    session.close()
    times = [item.recorded_pts_s for item in bench.sink.items]
    assert all(later > earlier for earlier, later in itertools.pairwise(times))


def test_a_full_disk_stops_the_recording_and_not_the_video() -> None:
    bench = Bench({"clip": FakeSource}, sink=FakeSink(fails_at=7))
    session = bench.session()
    session.start_recording(REQUEST)
    session.open("clip", FAST)
    snapshot = session.wait(lambda s: ended(s), 60)
    assert snapshot.counters.inferred == 20
    snapshot = recorded(session)
    session.close()
    assert snapshot.recording is not None
    assert snapshot.recording.error == "The disk is full; the first frames are kept."
    assert len(bench.sink.items) == 7
    assert bench.sink.closed_with is SinkError


def test_an_output_that_cannot_be_made_is_told() -> None:
    bench = Bench({"clip": FakeSource}, make_sinks_error="The folder is not writable.")
    session = bench.session()
    session.start_recording(REQUEST)
    session.open("clip", FAST)
    snapshot = recorded(session)
    session.close()
    assert snapshot.recording is not None
    assert snapshot.recording.error == "The folder is not writable."


def test_closing_finalises_the_recording() -> None:
    bench = Bench({"clip": lambda: FakeSource(100_000)})
    session = bench.session()
    session.start_recording(REQUEST)
    session.open("clip", FAST)
    wait_until(lambda: len(bench.sink.items) > 10)
    status = session.close()
    assert status is not None
    assert not status.active
    assert bench.sink.closed_with is None


def test_lowering_the_threshold_while_paused_finds_what_was_filtered() -> None:
    bench = Bench({"clip": FakeSource})
    session = bench.session(Settings(view=View(threshold=0.95)))
    session.open("clip", replace(FAST, paused=True))
    session.wait(lambda s: s.counters.inferred >= 1, 60)
    snapshot = session.poll()
    assert snapshot is not None
    assert snapshot.class_counts == {}
    session.set_view(View(threshold=0.5))
    session.wait(lambda s: s.class_counts == {0: 1}, 60)
    session.close()


def test_stopping_at_the_end_of_the_source_loses_no_frame() -> None:
    bench = Bench({"clip": FakeSource})
    session = bench.session()
    session.start_recording(REQUEST)
    session.open("clip", FAST)
    session.wait(ended, 60)
    session.stop_recording()
    recorded(session)
    session.close()
    assert len(bench.sink.items) == 20


def test_closing_gives_up_a_long_load() -> None:
    started = threading.Event()

    def slow_load(config: EngineConfig, optimizations: Optimizations, progress: Progress) -> Engine:
        while True:
            progress("Exporting", 1, 2)
            started.set()
            time.sleep(0.005)

    parts = replace(Bench().parts(), make_engine=slow_load)
    session = LocalSession(parts, Settings(), lambda p, i, m: None)
    assert started.wait(60)
    session.close()  # the fixture fails if the engine thread still loads


class Stubborn(FakeEngine):
    """Cannot be set to depth 3."""

    def configure(self, optimizations: Optimizations) -> None:
        if optimizations.depth == 3:
            raise EngineError("Depth 3 needs more memory than is free.")
        super().configure(optimizations)


def test_optimizations_that_cannot_be_applied_leave_the_others_in_effect() -> None:
    bench = Bench({"clip": lambda: FakeSource(100_000)})
    parts = replace(bench.parts(), make_engine=lambda c, o, p: Stubborn(o))
    session = LocalSession(parts, Settings(), lambda p, i, m: None)
    session.open("clip", FAST)
    session.wait(lambda s: s.counters.inferred > 5, 60)
    session.set_optimizations(Optimizations(depth=3))
    notices: list[tuple[str, str]] = []
    session.wait(lambda s: notices.extend(s.notices) is not None or bool(notices), 60)
    assert notices == [("error", "Depth 3 needs more memory than is free.")]
    before = session.wait(lambda s: s.engine.phase is EnginePhase.READY, 60).counters.inferred
    session.wait(lambda s: s.counters.inferred > before + 5, 60)
    session.set_optimizations(Optimizations(depth=1))
    session.wait(lambda s: any(x.optimizations.depth == 1 for x in s.samples), 60)
    session.close()


class Broken(FakeEngine):
    """Fails on every frame."""

    def collect(self) -> FrameResult:
        super().collect()
        raise EngineError("The device is gone.")


def test_an_engine_that_fails_on_every_frame_is_given_up_and_the_video_goes_on() -> None:
    bench = Bench({"clip": lambda: FakeSource(60)})
    parts = replace(bench.parts(), make_engine=lambda c, o, p: Broken(o))
    session = LocalSession(parts, Settings(), lambda p, i, m: None)
    session.open("clip", FAST)
    snapshot = session.wait(ended, 60)
    assert snapshot.engine.phase is EnginePhase.FAILED
    assert snapshot.engine.step.startswith("The engine failed on 10 frames in a row")
    assert snapshot.frame_index == 59
    session.close()


def test_opening_with_a_recording_holds_every_frame_even_while_another_source_plays() -> None:
    bench = Bench({"clip": FakeSource, "long": lambda: FakeSource(100_000)})
    session = bench.session()
    session.open("long", FAST)
    session.wait(lambda s: s.counters.inferred > 5, 60)
    session.open("clip", FAST, recording=REQUEST)
    recorded(session)
    session.close()
    assert [item.frame.frame_index for item in bench.sink.items] == list(range(20))
