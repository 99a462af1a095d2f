"""Live sources that break: noticed, shown, opened again; a recording goes on over it."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from rfviewer.config import Playback, Policy, Settings
from rfviewer.frame import Frame
from rfviewer.interfaces import RecordingRequest
from rfviewer.pipeline.live_times import LiveTimes
from rfviewer.pipeline.threads import join_all
from rfviewer.session.local import LocalSession
from rfviewer.snapshot import LivePhase, LiveStatus, PlayState, Snapshot
from tests.fakes import PATIENT_SILENCE, Bench, FakeSource, wait_until
from tests.pipeline.scripted_camera import (
    ENDLESS,
    TIMES,
    Camera,
    HangingSource,
    absent,
    live,
)


@pytest.fixture
def play() -> Iterator[Callable[..., tuple[LocalSession, Bench]]]:
    sessions: list[LocalSession] = []

    def start(
        camera: Camera, times: LiveTimes | None = None, **playback: object
    ) -> tuple[LocalSession, Bench]:
        bench = Bench({"camera:7": camera})
        parts = replace(bench.parts(), live_times=times or camera.times)
        session = LocalSession(parts, Settings(), lambda p, i, m: None)
        sessions.append(session)
        session.open("camera:7", Playback(**playback))  # type: ignore[arg-type]
        return session, bench

    yield start
    for session in sessions:
        session.close()


def status(snapshot: Snapshot) -> LiveStatus:
    return snapshot.live or LiveStatus(LivePhase.PLAYING, -1)


def phase(wanted: LivePhase) -> Callable[[Snapshot], bool]:
    return lambda s: s.live is not None and s.live.phase is wanted


def test_a_camera_that_breaks_is_lost_and_comes_back_by_itself(play) -> None:
    camera = Camera(live(breaks_at=5), absent(), absent(), live())
    session, _ = play(camera)
    lost = session.wait(lambda s: status(s).attempt == 2, 60)
    assert lost.state is PlayState.PLAYING
    assert lost.error == ""
    assert "There is no camera 7" in status(lost).reason
    assert status(lost).last_frame_age_s is not None
    back = session.wait(lambda s: phase(LivePhase.PLAYING)(s) and s.counters.captured > 20, 60)
    assert status(back).attempt == 3  # until it has been healthy for a while
    assert status(back).retry_in_s is None
    assert camera.opened[0].closed
    assert (back.frame_index or 0) > 5


def test_the_countdown_runs_and_doubles_up_to_its_limit() -> None:
    from rfviewer.frame import SourceKind

    times = LiveTimes()
    waits = [times.retry_s(attempt, SourceKind.STREAM) for attempt in range(1, 8)]
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    assert times.retry_s(5000, SourceKind.STREAM) == 30
    assert times.retry_s(9, SourceKind.CAMERA) == 3


def test_the_wait_is_counted_down_and_can_be_cut_short(play) -> None:
    slow = replace(
        TIMES, first_retry_s=3600.0, camera=replace(PATIENT_SILENCE, longest_retry_s=3600.0)
    )
    session, _ = play(Camera(live(breaks_at=5), live()), slow)
    lost = session.wait(phase(LivePhase.LOST), 60)
    first_s = status(lost).retry_in_s
    assert first_s is not None
    assert 3500 < first_s <= 3600
    later = session.wait(lambda s: (status(s).retry_in_s or 0) < first_s, 60)
    assert (status(later).last_frame_age_s or 0) > 0
    session.retry_now()
    session.wait(phase(LivePhase.PLAYING), 60)


def test_a_driver_that_never_returns_is_left_behind(play) -> None:
    gate = threading.Event()
    camera = Camera(lambda: HangingSource(5, gate), live())
    session, _ = play(camera)
    session.wait(phase(LivePhase.STALLED), 60)
    assert session.poll().counters.captured == 5
    camera.silence.may_break.set()
    session.wait(lambda s: s.counters.captured > 20, 60)
    assert camera.calls == 2
    assert session._pipeline.playing._care.strays.count == 1
    gate.set()
    wait_until(lambda: camera.opened[0].closed)
    wait_until(lambda: session._pipeline.playing._care.strays.count == 0)


def test_no_more_attempts_while_too_many_threads_hang(play) -> None:
    gate = threading.Event()
    camera = Camera(lambda: HangingSource(2, gate))
    camera.silence.may_break.set()
    session, _ = play(camera)
    snapshot = session.wait(lambda s: "hangs in its driver" in status(s).reason, 60)
    assert snapshot.live is not None
    assert camera.calls == TIMES.max_strays
    gate.set()
    session.wait(lambda s: s.counters.captured > 50, 60)


def test_an_opening_that_hangs_is_told_and_left_behind(play, monkeypatch) -> None:
    monkeypatch.setattr("rfviewer.pipeline.capture.CAPTURE_JOIN_S", 0.1)  # it hangs anyway
    gate = threading.Event()

    def hang() -> FakeSource:
        gate.wait()
        return FakeSource(live=True)

    camera = Camera(hang, live())
    session, _ = play(camera, replace(TIMES, open_s=0.3))
    assert status(session.poll()).phase is LivePhase.CONNECTING
    failed = session.wait(lambda s: s.state is PlayState.FAILED, 60)
    assert "has not opened within" in failed.error
    playing = session._pipeline.playing
    playing._care = replace(playing._care, times=TIMES)  # the next one may be as slow as it likes
    session.open("camera:7", Playback())
    session.wait(lambda s: s.counters.captured > 5, 60)
    gate.set()
    wait_until(lambda: camera.opened[-1].closed)


def test_a_source_that_just_ends_is_opened_again(play) -> None:
    camera = Camera(live(5))
    session, _ = play(camera)
    session.wait(lambda s: s.counters.captured >= 15, 60)
    assert camera.calls >= 3


def test_work_without_a_viewer_ends_with_its_source(play) -> None:
    session, _ = play(Camera(live(5)), reconnect_s=30.0)
    ended = session.wait(lambda s: s.state is PlayState.ENDED, 60)
    assert ended.counters.captured == 5
    assert ended.live is None


def test_work_without_a_viewer_waits_so_long_and_no_longer(play, monkeypatch) -> None:
    """On a clock that goes on by a minute with every attempt that fails."""
    late_s = [0.0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + late_s[0])
    monkeypatch.setattr("rfviewer.pipeline.live.time", clock)
    refuse = absent()

    def fail() -> FakeSource:
        late_s[0] += 60.0
        return refuse()

    camera = Camera(live(breaks_at=5), fail)
    session, _ = play(camera, reconnect_s=100.0)
    failed = session.wait(lambda s: s.state is PlayState.FAILED, 60)
    assert "There is no camera 7" in failed.error
    assert camera.calls == 3  # a minute of silence was not too long, two were


def test_a_first_opening_that_fails_is_told_at_once(play) -> None:
    session, _ = play(Camera(absent("Cam is in use by another program; close that program.")))
    failed = session.wait(lambda s: s.state is PlayState.FAILED, 60)
    assert "in use by another program" in failed.error


def test_a_recording_goes_on_over_a_reconnection_and_a_new_size(play) -> None:
    camera = Camera(live(breaks_at=8), live(size_wh=(32, 24)))
    session, bench = play(camera)
    session.start_recording(RecordingRequest(video=Path("never-written.mp4")))

    def both_sizes(snapshot: Snapshot) -> bool:
        return any(item.frame.width == 32 for item in bench.sink.items)

    session.wait(both_sizes, 60)
    session.wait(lambda s: s.source is not None and s.source.width == 32, 60)
    session.stop_recording()
    session.wait(lambda s: s.recording is not None and not s.recording.active, 60)
    items = bench.sink.items
    assert {item.frame.width for item in items} == {16, 32}
    times = [item.recorded_pts_s for item in items]
    assert all(a < b for a, b in itertools.pairwise(times))
    numbers = [item.frame.frame_index for item in items]
    assert numbers == sorted(set(numbers))
    assert bench.sink.closed_with is None


@pytest.mark.parametrize("policy", list(Policy))
def test_a_pause_leaves_no_freeze_in_the_recording(play, policy: Policy) -> None:
    """On a source's clock by which the pause takes a hundred seconds, and all else next to none."""
    paused_s = [0.0]

    class OwnClock(FakeSource):
        def read(self) -> Frame | None:
            frame = super().read()
            if frame is None:
                return None
            return replace(frame, pts_s=frame.frame_index / 1000 + paused_s[0])

    camera = Camera(lambda: OwnClock(ENDLESS, live=True))
    session, bench = play(camera, policy=policy)
    session.start_recording(RecordingRequest(video=Path("never-written.mp4")))
    session.wait(lambda s: s.recording is not None and s.recording.frames > 5, 60)
    session.pause()
    session.wait(lambda s: s.state is PlayState.PAUSED, 60)
    paused_s[0] = 100.0
    read = camera.opened[0]
    paused_at = read._next
    wait_until(lambda: read._next > paused_at + 20)
    before = session.poll().recording.frames
    session.play()
    session.wait(lambda s: s.recording is not None and s.recording.frames > before + 5, 60)
    session.stop_recording()
    session.wait(lambda s: s.recording is not None and not s.recording.active, 60)
    times = [item.recorded_pts_s for item in bench.sink.items]
    steps = [b - a for a, b in itertools.pairwise(times)]
    assert min(steps) > 0
    assert max(steps) < 50


def test_giving_up_is_possible_at_once(play) -> None:
    camera = Camera(live(breaks_at=5), absent())
    session, bench = play(camera)
    session.start_recording(RecordingRequest(video=Path("never-written.mp4")))
    session.wait(lambda s: status(s).attempt >= 1, 60)
    session.give_up()
    failed = session.poll()
    assert failed.state is PlayState.FAILED
    assert "Reconnecting was stopped." in failed.error
    assert failed.live is None
    session.wait(lambda s: s.recording is not None and not s.recording.active, 60)
    bench.sources["clip"] = lambda: FakeSource(ENDLESS)
    session.open("clip", Playback())
    session.wait(lambda s: s.state is PlayState.PLAYING and s.counters.captured > 3, 60)
    assert session.poll().live is None


def test_another_source_opens_at_once_while_the_driver_hangs(play, monkeypatch) -> None:
    gate = threading.Event()
    session, bench = play(Camera(lambda: HangingSource(5, gate)))
    session.wait(lambda s: s.counters.captured == 5, 60)
    bench.sources["clip"] = lambda: FakeSource(ENDLESS)
    monkeypatch.setattr("rfviewer.pipeline.capture.CAPTURE_JOIN_S", 0.1)  # it hangs anyway
    waiting: list[str] = []

    def join(threads: list[threading.Thread], timeout_s: float) -> list[str]:
        waiting.append(threading.current_thread().name)
        return join_all(threads, timeout_s)

    monkeypatch.setattr("rfviewer.pipeline.capture.join_all", join)
    session.open("clip", Playback())
    assert threading.current_thread().name not in waiting
    session.wait(lambda s: s.source is not None and not s.source.live, 60)
    assert waiting == ["rfviewer-capture"]  # on its own thread, which opens the next source then
    gate.set()


def test_a_live_source_in_slow_steps_is_not_held_up(play) -> None:
    camera = Camera(live())
    session, _ = play(camera, paused=True)
    first = session.wait(lambda s: s.frame_index is not None, 60).frame_index
    wait_until(lambda: camera.opened[0]._next > 30)
    session.step(1)
    session.wait(lambda s: s.frame_index == first + 1, 60)
