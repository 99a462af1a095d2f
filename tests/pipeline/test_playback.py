"""Play, pause, step, seek, loop and end, with every frame getting its own result."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rfviewer.config import Playback, Policy, Settings
from rfviewer.optimizations import Optimizations
from rfviewer.session.local import LocalSession
from rfviewer.snapshot import PlayState, Snapshot
from tests.fakes import FPS, Bench, FakeSource, shown_index, wait_until

FAST = Playback(policy=Policy.EVERY_FRAME, rate=None)


@pytest.fixture
def bench() -> Bench:
    return Bench({"clip": FakeSource, "long": lambda: FakeSource(100_000)})


@pytest.fixture
def session(bench: Bench) -> Iterator[LocalSession]:
    session = bench.session()
    yield session
    session.close()
    assert all(source.closed for source in bench.opened)
    assert all(engine.closed for engine in bench.engines)


def ended(snapshot: Snapshot) -> bool:
    return snapshot.state is PlayState.ENDED


def shows(session: LocalSession, index: int) -> None:
    """Wait until the drawn frame is `index`, with the detections of that very frame."""
    seen: list[tuple[int, int]] = []

    def newest_is_index() -> bool:
        image = session.take_image()
        if image is not None:
            assert shown_index(image.image) == image.frame_index
            seen.append((image.frame_index, int(image.image[0, 1, 0])))
        return bool(seen) and seen[-1] == (index, index & 255)

    wait_until(newest_is_index)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_every_frame_comes_once_and_in_order(depth: int) -> None:
    gate = threading.Event()
    bench = Bench({"clip": FakeSource}, {"gate": gate})
    session = bench.session(Settings(optimizations=Optimizations(depth=depth)))
    session.open("clip", FAST)
    session.wait(lambda s: s.queues["to engine"][0] == s.queues["to engine"][1], 60)
    gate.set()  # with frames waiting, as there must be for some to be in flight together
    samples = []
    snapshot = session.wait(lambda s: samples.extend(s.samples) is not None or ended(s), 60)
    session.close()
    assert [sample.frame_index for sample in samples] == list(range(20))
    assert snapshot.counters.captured == snapshot.counters.inferred == 20
    assert snapshot.counters.dropped == 0
    assert bench.engines[0].peak_in_flight == depth


def test_pause_holds_the_frame_and_steps_are_exact(session: LocalSession) -> None:
    session.open("clip", replace(FAST, paused=True))
    shows(session, 0)
    session.step(1)
    shows(session, 1)
    session.step(3)
    shows(session, 4)
    session.step(-1)
    shows(session, 3)
    session.step(-2)
    shows(session, 1)
    snapshot = session.poll()
    assert snapshot is not None
    assert snapshot.state is PlayState.PAUSED
    assert snapshot.frame_index == 1


def test_step_back_at_the_first_frame_stays_there(session: LocalSession) -> None:
    session.open("clip", replace(FAST, paused=True))
    shows(session, 0)
    session.step(-1)
    shows(session, 0)


def test_seek_while_paused_shows_that_frame_and_stays_paused(session: LocalSession) -> None:
    session.open("clip", replace(FAST, paused=True))
    shows(session, 0)
    session.seek(12 / FPS)
    shows(session, 12)
    session.seek(5 / FPS)
    shows(session, 5)
    session.step(1)
    shows(session, 6)


def test_seek_while_playing_shows_no_stale_frame(session: LocalSession) -> None:
    session.open("long", FAST)
    session.wait(lambda s: s.counters.inferred > 50, 60)
    session.seek(50_000 / FPS)
    session.wait(lambda s: (s.frame_index or 0) >= 50_000, 60)
    session.poll()
    indices = []
    session.wait(
        lambda s: indices.extend(x.frame_index for x in s.samples) is not None or len(indices) > 50,
        60,
    )
    assert min(indices) >= 50_000


def test_end_is_reached_and_play_starts_over(session: LocalSession) -> None:
    session.open("clip", FAST)
    session.wait(ended, 60)
    session.play()
    session.wait(lambda s: s.counters.inferred == 40 and ended(s), 60)


def test_step_back_from_the_end(session: LocalSession) -> None:
    session.open("clip", FAST)
    session.wait(ended, 60)
    shows(session, 19)
    session.step(-1)
    shows(session, 18)


def test_loop_goes_on_until_switched_off(session: LocalSession) -> None:
    session.open("clip", replace(FAST, loop=True))
    session.wait(lambda s: s.counters.inferred > 60, 60)
    session.set_playback(FAST)
    snapshot = session.wait(ended, 60)
    assert snapshot.counters.inferred % 20 == 0


def test_start_end_and_frame_limit(session: LocalSession) -> None:
    session.open("clip", replace(FAST, start_s=5 / FPS, max_frames=4))
    samples = []
    session.wait(lambda s: samples.extend(s.samples) is not None or ended(s), 60)
    assert [sample.frame_index for sample in samples] == [5, 6, 7, 8]
    session.open("clip", replace(FAST, end_s=3 / FPS))
    samples.clear()
    session.wait(lambda s: samples.extend(s.samples) is not None or ended(s), 60)
    assert [sample.frame_index for sample in samples] == [0, 1, 2]


def test_pacing_follows_the_timestamps(session: LocalSession) -> None:
    session.open("clip", replace(FAST, rate=4.0))
    samples = []
    session.wait(lambda s: samples.extend(s.samples) is not None or ended(s), 60)
    # Frame 19 is read once frame 18 was due: 0.18 s after the first one, at 25 fps and fourfold
    # speed. A machine may be late, never early.
    first, *_, last = (sample.capture_time_ns for sample in samples)
    assert (last - first) / 1e9 > 0.17


def test_opening_another_source_replaces_the_first(session: LocalSession, bench: Bench) -> None:
    session.open("long", FAST)
    session.wait(lambda s: s.counters.inferred > 10, 60)
    session.open("clip", FAST)
    snapshot = session.wait(ended, 60)
    assert snapshot.counters.inferred == 20
    assert bench.opened[0].closed


def test_a_missing_source_says_so_in_one_sentence(session: LocalSession) -> None:
    session.open("nowhere", FAST)
    snapshot = session.wait(lambda s: s.state is PlayState.FAILED, 60)
    assert snapshot.error == "There is no source nowhere; choose another."


def test_a_source_that_breaks_says_so_and_another_can_be_opened() -> None:
    bench = Bench({"bad": lambda: FakeSource(breaks_at=7), "clip": FakeSource})
    session = bench.session()
    session.open("bad", FAST)
    snapshot = session.wait(lambda s: s.state is PlayState.FAILED, 60)
    assert "broke" in snapshot.error
    session.open("clip", FAST)
    session.wait(ended, 60)
    session.close()


def test_closing_interrupts_a_blocked_read() -> None:
    bench = Bench({"stuck": lambda: FakeSource(blocks_at=3)})
    session = bench.session()
    session.open("stuck", FAST)
    session.wait(lambda s: s.counters.captured == 3, 60)
    session.close()
    assert bench.opened[0].closed
