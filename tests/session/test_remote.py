"""The engine in a real child process: images, commands, death, restart, and nothing left behind."""

import itertools
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import active_children
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import pytest

from rfviewer.config import Playback, Policy, Settings, View
from rfviewer.interfaces import RecordingRequest
from rfviewer.optimizations import Optimizations
from rfviewer.session.remote import RemoteSession
from rfviewer.snapshot import EnginePhase, PlayState, PresentedFrame, Snapshot
from tests.fakes import FPS, shown_index, wait_until

MAKER = "tests.fakes:make_child_session"
EVERY = Playback(policy=Policy.EVERY_FRAME)


class Watcher:
    """Polls as the window does, and keeps the newest snapshot and image."""

    def __init__(self, session: RemoteSession) -> None:
        self.session = session
        self.snapshot: Snapshot | None = None
        self.image: PresentedFrame | None = None

    def sees(self, state: PlayState, *, images: bool = True) -> bool:
        snapshot, image = self.session.poll(), self.session.take_image()
        self.snapshot, self.image = snapshot or self.snapshot, image or self.image
        ready = self.image is not None or not images
        return self.snapshot is not None and self.snapshot.state is state and ready


@pytest.fixture
def session() -> Iterator[RemoteSession]:
    session = RemoteSession(MAKER, Settings(), log_folder=None)
    yield session
    ring = session._link._ring.segment
    session.close()
    wait_until(lambda: not active_children())
    if ring is not None:
        with pytest.raises(FileNotFoundError):
            SharedMemory(ring.name)


def test_images_and_snapshots_cross(session: RemoteSession) -> None:
    watcher = Watcher(session)
    session.open("clip", EVERY)
    wait_until(lambda: watcher.sees(PlayState.PLAYING))
    assert watcher.image is not None
    assert shown_index(watcher.image.image) == watcher.image.frame_index
    session.pause()
    wait_until(lambda: watcher.sees(PlayState.PAUSED))
    session.seek(100 / FPS)
    wait_until(lambda: watcher.sees(PlayState.PAUSED) and watcher.image.frame_index == 100)  # type: ignore[union-attr]
    session.step(-1)
    wait_until(lambda: watcher.sees(PlayState.PAUSED) and watcher.image.frame_index == 99)  # type: ignore[union-attr]


def test_settings_reach_the_child(session: RemoteSession) -> None:
    watcher = Watcher(session)
    session.set_view(View(threshold=0.25))
    session.set_optimizations(Optimizations(depth=3))
    session.open("clip", EVERY)
    wait_until(lambda: watcher.sees(PlayState.PLAYING))
    assert watcher.snapshot is not None
    assert watcher.snapshot.view.threshold == 0.25
    assert watcher.snapshot.optimizations.depth == 3


def test_a_larger_source_gets_a_larger_ring(session: RemoteSession) -> None:
    watcher = Watcher(session)
    session.open("clip", EVERY)
    wait_until(lambda: watcher.sees(PlayState.PLAYING))
    session.open("big", EVERY)
    wait_until(
        lambda: watcher.sees(PlayState.PLAYING) and watcher.image.image.shape == (480, 640, 4)  # type: ignore[union-attr]
    )


def test_a_killed_child_is_told_in_one_sentence_and_restarts_where_it_was(
    session: RemoteSession,
) -> None:
    watcher = Watcher(session)
    session.open("clip", EVERY)
    wait_until(
        lambda: watcher.sees(PlayState.PLAYING) and (watcher.snapshot.frame_index or 0) > 20  # type: ignore[union-attr]
    )
    assert session.pid is not None
    os.kill(session.pid, signal.SIGKILL)
    wait_until(lambda: watcher.sees(PlayState.FAILED), timeout_s=60)
    assert watcher.snapshot is not None
    assert watcher.snapshot.engine.phase is EnginePhase.FAILED
    assert "SIGKILL" in watcher.snapshot.error
    assert watcher.snapshot.error.count(".") == 1
    last = watcher.snapshot.frame_index or 0
    session.restart()
    wait_until(
        lambda: watcher.sees(PlayState.PLAYING) and (watcher.snapshot.frame_index or 0) >= last  # type: ignore[union-attr]
    )


def test_after_a_restart_a_loop_still_begins_at_the_beginning(session: RemoteSession) -> None:
    watcher = Watcher(session)
    session.open("clip", replace(EVERY, loop=True, rate=None, paused=True))
    session.seek(150 / FPS)
    wait_until(
        lambda: watcher.sees(PlayState.PAUSED) and watcher.snapshot.frame_index == 150  # type: ignore[union-attr]
    )
    assert session.pid is not None
    os.kill(session.pid, signal.SIGKILL)
    wait_until(lambda: watcher.sees(PlayState.FAILED), timeout_s=60)
    session.restart()
    wait_until(
        lambda: watcher.sees(PlayState.PAUSED) and watcher.snapshot.frame_index == 150  # type: ignore[union-attr]
    )
    session.play()
    wait_until(
        lambda: watcher.sees(PlayState.PLAYING) and (watcher.snapshot.frame_index or 200) < 100  # type: ignore[union-attr]
    )


def test_a_recording_ends_with_its_child(session: RemoteSession) -> None:
    watcher = Watcher(session)
    session.start_recording(RecordingRequest(video=Path("never-written.mp4")))
    session.open("clip", EVERY)
    wait_until(
        lambda: (
            watcher.sees(PlayState.PLAYING)
            and watcher.snapshot.recording is not None  # type: ignore[union-attr]
            and watcher.snapshot.recording.frames > 0  # type: ignore[union-attr]
        )
    )
    assert session.pid is not None
    os.kill(session.pid, signal.SIGKILL)
    wait_until(lambda: watcher.sees(PlayState.FAILED), timeout_s=60)
    assert watcher.snapshot is not None
    assert watcher.snapshot.recording is not None
    assert not watcher.snapshot.recording.active
    assert watcher.snapshot.recording.error


def test_snapshots_come_while_commands_do(session: RemoteSession) -> None:
    opacities = itertools.cycle((0.1, 0.2))
    sequences: set[int] = set()

    def several() -> bool:
        session.set_view(View(opacity=next(opacities)))
        snapshot = session.poll()
        if snapshot is not None:
            sequences.add(snapshot.sequence)
        return len(sequences) >= 5

    wait_until(several)


def test_a_ring_replaced_before_its_use_does_no_harm(session: RemoteSession) -> None:
    watcher = Watcher(session)
    for image_bytes in (512, 1024):
        session._link._make_ring(image_bytes)
    session.open("clip", EVERY)
    wait_until(lambda: watcher.sees(PlayState.PLAYING))


def test_commands_to_a_dead_child_do_no_harm(session: RemoteSession) -> None:
    assert session.pid is not None
    os.kill(session.pid, signal.SIGKILL)
    watcher = Watcher(session)
    wait_until(lambda: watcher.sees(PlayState.FAILED, images=False))
    session.play()
    session.set_view(View(threshold=0.3))
    session.restart()
    session.open("clip", EVERY)
    wait_until(lambda: watcher.sees(PlayState.PLAYING))
    assert watcher.snapshot is not None
    assert watcher.snapshot.view.threshold == 0.3


def test_closing_right_after_the_start_leaves_nothing() -> None:
    before = set(threading.enumerate())
    session = RemoteSession(MAKER, Settings(), log_folder=None)
    session.close()
    session.close()
    wait_until(lambda: not active_children())
    assert set(threading.enumerate()) <= before
