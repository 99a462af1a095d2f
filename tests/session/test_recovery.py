"""Engine processes that die, hang or lose their device: told, replaced, and given up in the end."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

import pytest

from rfviewer.config import EngineConfig, Playback, Policy, Settings
from rfviewer.experiment import CeilingsRequest, LabStatus
from rfviewer.interfaces import RecordingRequest
from rfviewer.optimizations import Optimizations
from rfviewer.session.guard import ChildGuard, GuardLimits
from rfviewer.session.obituary import cut_short, what_next
from rfviewer.session.remote import RemoteSession
from rfviewer.snapshot import EnginePhase, PlayState, Snapshot
from tests.fakes import wait_until
from tests.session.faulty import AT

EVERY = Playback(policy=Policy.EVERY_FRAME)
LIMITS = GuardLimits(silent_s=600.0, starting_s=600.0, restarts=2, finalise_s=1.0)


class Story:
    """Polls as the window does and remembers all that was told."""

    def __init__(self, session: RemoteSession) -> None:
        self.session = session
        self.last: Snapshot | None = None
        self.states: list[PlayState] = []
        self.sentences: list[str] = []
        self.frame_at_death: int | None = None

    def poll(self) -> Snapshot | None:
        snapshot = self.session.poll()
        self.session.take_image()
        if snapshot is not None:
            self.last = snapshot
            if not self.states or self.states[-1] is not snapshot.state:
                self.states.append(snapshot.state)
            self.sentences += [text for _, text in snapshot.notices]
            if snapshot.state is PlayState.FAILED and self.frame_at_death is None:
                self.frame_at_death = snapshot.frame_index or 0
        return self.last

    def until(self, done: Callable[[Snapshot], object]) -> Snapshot:
        wait_until(lambda: (s := self.poll()) is not None and bool(done(s)))
        assert self.last is not None
        return self.last


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Story]]:
    sessions: list[RemoteSession] = []

    def make(maker: str, lives: int = 0) -> Story:
        engine = EngineConfig(model=str(tmp_path / "lives"), threads=lives)
        session = RemoteSession(
            f"tests.session.faulty:{maker}",
            Settings(engine=engine),
            log_folder=None,
            limits=LIMITS,
        )
        sessions.append(session)
        return Story(session)

    yield make
    for session in sessions:
        session.close()
    wait_until(lambda: not active_children())


def ready(snapshot: Snapshot) -> bool:
    return snapshot.engine.phase is EnginePhase.READY and snapshot.state is PlayState.PLAYING


@pytest.mark.parametrize(
    ("maker", "words"), [("loses_device", "error 700"), ("never_returns", "has not answered")]
)
def test_a_fault_of_the_device_is_told_and_the_video_goes_on(start, maker, words) -> None:
    story = start(maker, lives=1)
    story.session.start_recording(RecordingRequest(video=Path("never-written.mp4")))
    story.session.open("clip", EVERY)
    story.until(lambda s: s.state is PlayState.FAILED)
    assert words in story.last.error
    assert story.last.error.endswith("it is started again where it was.")
    assert story.last.engine.phase is EnginePhase.FAILED
    died_at = story.last.frame_index or 0
    assert 0 < died_at <= AT
    story.until(lambda s: ready(s) and (s.frame_index or 0) > AT + 20)
    assert story.session._guard.deaths == 1
    # The child finished its file before it ended; an export does not go on by itself.
    assert any("The recording ended with the engine process" in t for t in story.sentences)
    assert story.last.recording is None


def test_a_stopped_process_is_replaced(start) -> None:
    story = start("loses_device")
    story.session.open("clip", EVERY)
    story.until(lambda s: ready(s) and (s.frame_index or 0) > AT)
    os.kill(story.session.pid, signal.SIGSTOP)
    for number in range(3000):  # a dragged slider must not block on the full pipe
        story.session.seek(float(number % 3))
    guard = story.session._guard
    guard.limits = replace(LIMITS, silent_s=0.4)
    story.until(lambda s: s.state is PlayState.FAILED)
    guard.limits = LIMITS  # the next one may be as slow as the machine is
    assert "has not answered for" in story.last.error
    before = story.last.frame_index or 0
    story.until(lambda s: ready(s) and (s.frame_index or 0) >= before)


def test_a_live_recording_goes_on_in_a_new_file(start, tmp_path) -> None:
    story = start("loses_device")
    video = tmp_path / "night.mp4"
    story.session.open("camera:7", Playback(), recording=RecordingRequest(video=video))
    story.until(lambda s: ready(s) and s.recording is not None and s.recording.frames > 5)
    os.kill(story.session.pid, signal.SIGKILL)
    story.until(lambda s: s.state is PlayState.FAILED)
    assert "SIGKILL" in story.last.error
    story.until(lambda s: ready(s) and s.recording is not None and s.recording.frames > 5)
    assert story.last.recording.video == tmp_path / "night-continued.mp4"
    assert story.last.recording.active


def test_after_some_times_in_a_row_it_is_given_up_and_restart_begins_anew(start) -> None:
    story = start("loses_device", lives=3)
    story.session.open("clip", EVERY)
    story.until(lambda s: "not started again" in s.error)
    assert "3 times in a row" in story.last.error
    wait_until(lambda: (story.poll(), story.session.pid is None)[1])
    assert story.poll().state is PlayState.FAILED
    wait_until(lambda: not active_children())
    story.session.restart()
    story.until(lambda s: ready(s) and (s.frame_index or 0) > AT)


def test_what_is_asked_for_meanwhile_is_not_lost(start, tmp_path) -> None:
    story = start("loses_device")
    story.session.open("clip", EVERY)
    story.until(lambda s: ready(s) and (s.frame_index or 0) > AT)
    os.kill(story.session.pid, signal.SIGKILL)
    story.until(lambda s: s.state is PlayState.FAILED)
    other = EngineConfig(model=str(tmp_path / "lives"), backend="onnxruntime")
    story.session.set_engine(other)
    request = RecordingRequest(video=Path("never-written.mp4"))
    story.session.open("camera:7", Playback(), recording=request)
    story.until(lambda s: ready(s) and s.source is not None and s.source.live)
    assert story.last.engine_config == other
    story.until(lambda s: s.recording is not None and s.recording.frames > 0)
    assert story.last.recording.video == request.video


def test_closing_while_it_is_replaced(start) -> None:
    story = start("loses_device", lives=9)
    story.session.open("clip", EVERY)
    story.until(lambda s: s.state is PlayState.FAILED)
    started = time.monotonic()
    story.session.close(600.0)
    assert time.monotonic() - started < 300  # not the time that it was given
    wait_until(lambda: not active_children())


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def heard(phase: EnginePhase) -> Snapshot:
    from rfviewer.snapshot import EngineStatus
    from tests.gui.fake_session import FakeSession

    return replace(FakeSession().poll(), engine=EngineStatus(phase))


def test_only_silence_that_was_listened_to_counts() -> None:
    """A machine that slept, or a window that was stopped, has heard nothing and blames nobody."""
    clock = Clock()
    guard = ChildGuard(GuardLimits(silent_s=10.0), clock)
    guard.started()
    guard.heard(heard(EnginePhase.READY))
    clock.now_s += 3600
    assert guard.silence() is None
    for _ in range(8):
        clock.now_s += 1
        assert guard.silence() is None
    clock.now_s += 1
    assert guard.silence() is not None


def test_loading_may_take_its_time() -> None:
    clock = Clock()
    guard = ChildGuard(GuardLimits(silent_s=10.0, starting_s=120.0), clock)
    guard.started()
    guard.heard(heard(EnginePhase.LOADING))
    for _ in range(119):
        clock.now_s += 1
        assert guard.silence() is None
    clock.now_s += 1
    assert guard.silence() is not None


def test_health_forgives() -> None:
    clock = Clock()
    guard = ChildGuard(GuardLimits(restarts=1, healthy_s=60.0), clock)
    assert guard.died()
    guard.heard(heard(EnginePhase.READY))
    clock.now_s += 61
    guard.heard(heard(EnginePhase.READY))
    assert guard.died()
    assert not guard.died()


def test_the_remedy_after_suspend_is_named() -> None:
    sentence = what_next("The GPU is lost (CUDA error 999).", 4, again=False)
    assert "modprobe nvidia_uvm" in sentence


def test_an_experiment_ends_with_its_process() -> None:
    running = LabStatus(CeilingsRequest(target=Optimizations()), active=True, step="block 3")
    ended = cut_short(running)
    assert ended is not None
    assert not ended.active
    assert "ended with the engine process" in ended.error
    assert cut_short(ended) is ended
    assert cut_short(None) is None
