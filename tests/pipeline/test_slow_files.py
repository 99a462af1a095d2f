"""A file that gives no frame for a while says so, and plays on when it does."""

import threading

import pytest

from rfviewer.config import Playback, Policy
from rfviewer.pipeline import file_loop
from rfviewer.snapshot import LivePhase, LiveStatus, PlayState, Snapshot
from tests.fakes import Bench, FakeSource

FAST = Playback(policy=Policy.EVERY_FRAME, rate=None)


class SlowFile(FakeSource):
    """Waits at one frame, or in every seek, until it is let go."""

    def __init__(self, gate: threading.Event, at: int | None = None, *, seeks: bool = False):
        super().__init__(50)
        self._gate, self._at, self._slow_seeks = gate, at, seeks

    def read(self):
        if self._next == self._at:
            self._gate.wait()
        return super().read()

    def seek(self, pts_s):
        if self._slow_seeks:
            self._gate.wait()
        super().seek(pts_s)


@pytest.fixture
def gate():
    event = threading.Event()
    yield event
    event.set()


def told(snapshot: Snapshot) -> bool:
    live = snapshot.live
    return live is not None and live.phase is LivePhase.STALLED and (live.last_frame_age_s or 0) > 0


def well(snapshot: Snapshot) -> bool:
    return snapshot.live is None and snapshot.state is PlayState.ENDED


def test_a_read_that_takes_long_is_told(gate, monkeypatch) -> None:
    monkeypatch.setattr(file_loop, "SLOW_S", 0.05)
    bench = Bench({"slow": lambda: SlowFile(gate, 10)})
    session = bench.session()
    session.open("slow", FAST)
    live = session.wait(told, 60).live
    assert isinstance(live, LiveStatus)
    assert "is being read" in live.reason
    gate.set()
    assert session.wait(well, 60).counters.captured == 50
    session.close()


def test_a_seek_that_takes_long_is_told(gate, monkeypatch) -> None:
    monkeypatch.setattr(file_loop, "SLOW_S", 0.05)
    bench = Bench({"slow": lambda: SlowFile(gate, seeks=True)})
    session = bench.session()
    session.open("slow", FAST)
    session.wait(lambda s: s.state is PlayState.ENDED, 60)
    session.seek(0.4)
    live = session.wait(told, 60).live
    assert isinstance(live, LiveStatus)
    assert "position is being looked for" in live.reason
    gate.set()
    session.wait(lambda s: s.live is None and s.frame_index == 10, 60)
    session.close()


def test_a_file_that_is_read_at_once_says_nothing(gate, monkeypatch) -> None:
    monkeypatch.setattr(file_loop, "SLOW_S", 600.0)  # a busy machine is no slow file
    gate.set()
    bench = Bench({"slow": lambda: SlowFile(gate, 10)})
    session = bench.session()
    session.open("slow", FAST)
    seen = []
    session.wait(lambda s: seen.append(s.live) is not None or well(s), 60)
    session.close()
    assert set(seen) == {None}
