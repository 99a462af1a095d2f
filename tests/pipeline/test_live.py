"""Live sources that break: noticed, shown, opened again; a recording goes on over it."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rfviewer.config import Playback, Policy, Settings
from rfviewer.errors import SourceError
from rfviewer.frame import Frame
from rfviewer.interfaces import RecordingRequest
from rfviewer.pipeline.live_times import LiveTimes, Silence
from rfviewer.session.local import LocalSession
from rfviewer.snapshot import LivePhase, LiveStatus, PlayState, Snapshot
from tests.fakes import Bench, FakeSource, wait_until

QUICK = Silence(stalled_s=0.05, broken_s=0.12, longest_retry_s=0.08)
TIMES = LiveTimes(
    camera=QUICK, network=QUICK, first_retry_s=0.02, open_s=0.3, healthy_s=60.0, look_s=0.01
)
ENDLESS = 1_000_000


class HangingSource(FakeSource):
    """Its driver never returns from the read of frame `hangs_at`, whatever is asked."""

    def __init__(self, hangs_at: int, gate: threading.Event) -> None:
        super().__init__(ENDLESS, live=True)
        self._hangs_at, self._gate = hangs_at, gate

    def read(self) -> Frame | None:
        if self._next == self._hangs_at:
            self._gate.wait()
        return super().read()


class Camera:
    """Opens one scripted connection after the other; the last one for ever."""

    def __init__(self, *makers: Callable[[], FakeSource]) -> None:
        self.makers = list(makers)
        self.opened: list[FakeSource] = []
        self.calls = 0

    def __call__(self) -> FakeSource:
        maker = self.makers[min(self.calls, len(self.makers) - 1)]
        self.calls += 1
        source = maker()
        self.opened.append(source)
        return source


def live(frames: int = ENDLESS, **options: object) -> Callable[[], FakeSource]:
    return lambda: FakeSource(frames, live=True, **options)  # type: ignore[arg-type]


def absent(sentence: str = "There is no camera 7; connect it.") -> Callable[[], FakeSource]:
    def refuse() -> FakeSource:
        raise SourceError(sentence)

    return refuse


@pytest.fixture
def play() -> Iterator[Callable[..., tuple[LocalSession, Bench]]]:
    sessions: list[LocalSession] = []

    def start(
        camera: Camera, times: LiveTimes = TIMES, **playback: object
    ) -> tuple[LocalSession, Bench]:
        bench = Bench({"camera:7": camera})
        parts = replace(bench.parts(), live_times=times)
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
    lost = session.wait(lambda s: status(s).attempt == 2, 10)
    assert lost.state is PlayState.PLAYING
    assert lost.error == ""
    assert "There is no camera 7" in status(lost).reason
    assert status(lost).last_frame_age_s is not None
    back = session.wait(lambda s: phase(LivePhase.PLAYING)(s) and s.counters.captured > 20, 10)
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
    slow = replace(TIMES, first_retry_s=60.0, camera=replace(QUICK, longest_retry_s=60.0))
    session, _ = play(Camera(live(breaks_at=5), live()), slow)
    lost = session.wait(phase(LivePhase.LOST), 10)
    first_s = status(lost).retry_in_s
    assert first_s is not None
    assert 55 < first_s <= 60
    later = session.wait(lambda s: (status(s).retry_in_s or 0) < first_s, 10)
    assert (status(later).last_frame_age_s or 0) > 0
    session.retry_now()
    session.wait(phase(LivePhase.PLAYING), 10)


def test_a_driver_that_never_returns_is_left_behind(play) -> None:
    gate = threading.Event()
    camera = Camera(lambda: HangingSource(5, gate), live())
    session, _ = play(camera)
    seen = set()
    session.wait(lambda s: bool(seen.add(status(s).phase)) or camera.calls == 2, 10)
    session.wait(lambda s: s.counters.captured > 20, 10)
    assert seen >= {LivePhase.PLAYING, LivePhase.STALLED}
    assert session._pipeline.playing._care.strays.count == 1
    gate.set()
    wait_until(lambda: camera.opened[0].closed)
    wait_until(lambda: session._pipeline.playing._care.strays.count == 0)


def test_no_more_attempts_while_too_many_threads_hang(play) -> None:
    gate = threading.Event()
    camera = Camera(lambda: HangingSource(2, gate))
    session, _ = play(camera)
    snapshot = session.wait(lambda s: "hangs in its driver" in status(s).reason, 10)
    assert snapshot.live is not None
    assert camera.calls == TIMES.max_strays
    gate.set()
    session.wait(lambda s: s.counters.captured > 50, 10)


def test_an_opening_that_hangs_is_told_and_left_behind(play) -> None:
    gate = threading.Event()

    def hang() -> FakeSource:
        gate.wait()
        return FakeSource(live=True)

    camera = Camera(hang, live())
    session, _ = play(camera)
    assert status(session.poll()).phase is LivePhase.CONNECTING
    failed = session.wait(lambda s: s.state is PlayState.FAILED, 10)
    assert "has not opened within" in failed.error
    session.open("camera:7", Playback())
    session.wait(lambda s: s.counters.captured > 5, 10)
    gate.set()
    wait_until(lambda: camera.opened[-1].closed)


def test_a_source_that_just_ends_is_opened_again(play) -> None:
    camera = Camera(live(5))
    session, _ = play(camera)
    session.wait(lambda s: s.counters.captured >= 15, 10)
    assert camera.calls >= 3


def test_work_without_a_viewer_ends_with_its_source(play) -> None:
    session, _ = play(Camera(live(5)), reconnect_s=30.0)
    ended = session.wait(lambda s: s.state is PlayState.ENDED, 10)
    assert ended.counters.captured == 5
    assert ended.live is None


def test_work_without_a_viewer_waits_so_long_and_no_longer(play) -> None:
    session, _ = play(Camera(live(breaks_at=5), absent()), reconnect_s=0.1)
    failed = session.wait(lambda s: s.state is PlayState.FAILED, 10)
    assert "There is no camera 7" in failed.error


def test_a_first_opening_that_fails_is_told_at_once(play) -> None:
    session, _ = play(Camera(absent("Cam is in use by another program; close that program.")))
    failed = session.wait(lambda s: s.state is PlayState.FAILED, 10)
    assert "in use by another program" in failed.error


def test_a_recording_goes_on_over_a_reconnection_and_a_new_size(play) -> None:
    camera = Camera(live(breaks_at=8), live(size_wh=(32, 24)))
    session, bench = play(camera)
    session.start_recording(RecordingRequest(video=Path("never-written.mp4")))

    def both_sizes(snapshot: Snapshot) -> bool:
        return any(item.frame.width == 32 for item in bench.sink.items)

    session.wait(both_sizes, 10)
    session.wait(lambda s: s.source is not None and s.source.width == 32, 10)
    session.stop_recording()
    session.wait(lambda s: s.recording is not None and not s.recording.active, 10)
    items = bench.sink.items
    assert {item.frame.width for item in items} == {16, 32}
    times = [item.recorded_pts_s for item in items]
    assert all(a < b for a, b in itertools.pairwise(times))
    numbers = [item.frame.frame_index for item in items]
    assert numbers == sorted(set(numbers))
    assert bench.sink.closed_with is None


@pytest.mark.parametrize("policy", list(Policy))
def test_a_pause_leaves_no_freeze_in_the_recording(play, policy: Policy) -> None:
    class WallClock(FakeSource):
        def read(self) -> Frame | None:
            frame = super().read()
            return None if frame is None else replace(frame, pts_s=time.monotonic() - born)

    born = time.monotonic()
    camera = Camera(lambda: WallClock(ENDLESS, live=True))
    session, bench = play(camera, policy=policy)
    session.start_recording(RecordingRequest(video=Path("never-written.mp4")))
    session.wait(lambda s: s.recording is not None and s.recording.frames > 5, 10)
    session.pause()
    session.wait(lambda s: s.state is PlayState.PAUSED, 10)
    read = camera.opened[0]
    paused_s, paused_at = time.monotonic(), read._next
    wait_until(lambda: time.monotonic() - paused_s > 0.5 and read._next > paused_at + 20)
    before = session.poll().recording.frames
    session.play()
    session.wait(lambda s: s.recording is not None and s.recording.frames > before + 5, 10)
    session.stop_recording()
    session.wait(lambda s: s.recording is not None and not s.recording.active, 10)
    times = [item.recorded_pts_s for item in bench.sink.items]
    steps = [b - a for a, b in itertools.pairwise(times)]
    assert min(steps) > 0
    assert max(steps) < 0.4


def test_giving_up_is_possible_at_once(play) -> None:
    camera = Camera(live(breaks_at=5), absent())
    session, bench = play(camera)
    session.start_recording(RecordingRequest(video=Path("never-written.mp4")))
    session.wait(lambda s: status(s).attempt >= 1, 10)
    session.give_up()
    failed = session.poll()
    assert failed.state is PlayState.FAILED
    assert "Reconnecting was stopped." in failed.error
    assert failed.live is None
    session.wait(lambda s: s.recording is not None and not s.recording.active, 10)
    bench.sources["clip"] = lambda: FakeSource(ENDLESS)
    session.open("clip", Playback())
    session.wait(lambda s: s.state is PlayState.PLAYING and s.counters.captured > 3, 10)
    assert session.poll().live is None


def test_another_source_opens_at_once_while_the_driver_hangs(play) -> None:
    gate = threading.Event()
    session, bench = play(Camera(lambda: HangingSource(5, gate)))
    session.wait(lambda s: s.counters.captured == 5, 10)
    bench.sources["clip"] = lambda: FakeSource(ENDLESS)
    started = time.monotonic()
    session.open("clip", Playback())
    assert time.monotonic() - started < 0.5
    session.wait(lambda s: s.source is not None and not s.source.live, 10)
    gate.set()


def test_a_live_source_in_slow_steps_is_not_held_up(play) -> None:
    camera = Camera(live())
    session, _ = play(camera, paused=True)
    first = session.wait(lambda s: s.frame_index is not None, 10).frame_index
    wait_until(lambda: camera.opened[0]._next > 30)
    session.step(1)
    session.wait(lambda s: s.frame_index == first + 1, 10)
