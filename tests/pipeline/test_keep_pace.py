"""Keep pace: the video runs on, the newest masks are drawn, and what was left out is counted."""

import threading

from rfviewer.config import Playback, Policy
from rfviewer.frame import Frame
from rfviewer.snapshot import PlayState
from tests.fakes import Bench, FakeSource, wait_until

KEEP = Playback(policy=Policy.KEEP_PACE, rate=None)


def test_video_runs_while_the_engine_is_stuck_and_drops_are_counted() -> None:
    gate = threading.Event()
    bench = Bench({"clip": lambda: FakeSource(50, live=True)}, {"gate": gate})
    session = bench.session()
    session.open("clip", Playback(reconnect_s=0.0))
    session.wait(lambda s: s.counters.captured == 50, 60)
    snapshot = session.poll()
    assert snapshot is not None
    assert snapshot.policy is Policy.KEEP_PACE
    assert snapshot.counters.inferred == 0
    gate.set()
    snapshot = session.wait(lambda s: s.state is PlayState.ENDED, 60)
    counters = snapshot.counters
    assert counters.dropped > 40
    assert counters.inferred + counters.dropped == counters.captured == 50
    session.close()


def test_shown_frames_tell_the_age_of_their_masks() -> None:
    bench = Bench({"clip": lambda: FakeSource(100_000)}, {"latency_s": 0.02})
    session = bench.session()
    session.open("clip", Playback(policy=Policy.KEEP_PACE, rate=4.0))
    ages = []

    def some_aged() -> bool:
        image = session.take_image()
        if image is not None and image.masks_age_s is not None:
            ages.append(image.masks_age_s)
        return len(ages) > 30 and max(ages) > 0.0

    wait_until(some_aged)
    session.close()
    assert min(ages) >= 0.0
    assert max(ages) > 0.0


def test_pausing_ends_with_the_masks_of_the_shown_frame() -> None:
    bench = Bench({"clip": lambda: FakeSource(100_000)}, {"latency_s": 0.02})
    session = bench.session()
    session.open("clip", Playback(policy=Policy.KEEP_PACE, rate=4.0))
    session.wait(lambda s: s.counters.inferred > 3, 60)
    session.pause()
    seen = []

    def own_masks() -> bool:
        image = session.take_image()
        if image is not None:
            seen.append(image)
        return bool(seen) and seen[-1].masks_age_s == 0.0

    wait_until(own_masks)
    assert seen[-1].image[0, 1, 0] == seen[-1].frame_index & 255
    session.step(1)
    wait_until(lambda: own_masks() and seen[-1].frame_index > seen[0].frame_index)
    session.close()


def test_changing_the_policy_while_playing_loses_no_frame_from_then_on() -> None:
    gate = threading.Event()

    class Waiting(FakeSource):
        """Stands still at frame 1000 until the policy has changed."""

        def read(self) -> Frame | None:
            if self._next == 1000:
                gate.wait()
            return super().read()

    bench = Bench({"clip": lambda: Waiting(3000)})
    session = bench.session()
    session.open("clip", KEEP)
    session.wait(lambda s: s.counters.captured > 100, 60)
    session.set_playback(Playback(policy=Policy.EVERY_FRAME, rate=None))
    session.poll()
    gate.set()
    indices: list[int] = []
    session.wait(
        lambda s: (
            indices.extend(x.frame_index for x in s.samples) is not None
            or s.state is PlayState.ENDED
        ),
        60,
    )
    tail = indices[-500:]
    assert tail == list(range(2500, 3000))
    session.close()
