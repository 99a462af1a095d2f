"""One recording after another: each keeps its own end and its own error."""

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

import pytest

from rfviewer.config import Playback, Policy
from rfviewer.interfaces import RecordingRequest, SinkItem
from rfviewer.pipeline.hang import size_factor
from rfviewer.snapshot import PlayState
from tests.fakes import Bench, FakeSink, FakeSource, wait_until

FAST = Playback(policy=Policy.EVERY_FRAME, rate=None)
ENDLESS = replace(FAST, loop=True)
REQUEST = RecordingRequest(video=Path("never-written.mp4"))


@dataclass
class SlowEnd(FakeSink):
    """Tells when it is being finished, and waits then until it may be."""

    leaving: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leaving.set()
        self.gate.wait()
        super().__exit__(kind, error, trace)


def test_an_error_in_the_last_frames_outlives_the_stop_behind_them() -> None:
    gate = threading.Event()

    class SlowSink(FakeSink):
        def write(self, item: SinkItem) -> None:
            gate.wait()
            super().write(item)

    session = Bench({"clip": FakeSource}, sink=SlowSink(fails_at=16)).session()
    session.start_recording(REQUEST)
    session.open("clip", replace(FAST, max_frames=18))
    # Six frames wait for the sink, one is in it and the presenter holds another one.
    session.wait(lambda s: s.queues["to write"][0] == 6, 60)
    gate.set()
    session.wait(lambda s: s.state is PlayState.ENDED, 60)
    snapshot = session.wait(
        lambda s: (
            s.recording is not None and not s.recording.active and s.queues["to write"][0] == 0
        ),
        60,
    )
    session.close()
    assert snapshot.recording is not None
    assert snapshot.recording.error == "The disk is full; the first frames are kept."
    assert session.close() == snapshot.recording


def test_a_recording_asked_for_while_the_last_one_is_finished_is_refused_in_words() -> None:
    sink = SlowEnd()
    bench = Bench({"clip": lambda: FakeSource(100_000)}, sink=sink)
    session = bench.session()
    session.start_recording(REQUEST)
    session.open("clip", FAST)
    wait_until(lambda: len(bench.sink.items) > 3)
    session.stop_recording()
    assert sink.leaving.wait(60)
    session.start_recording(REQUEST)
    notices: list[str] = []
    session.wait(lambda s: bool(notices.extend(text for _, text in s.notices) or notices), 60)
    assert "still being finished" in notices[0]
    sink.gate.set()
    session.wait(lambda s: s.recording is not None and not s.recording.active, 60)
    session.start_recording(REQUEST)
    session.wait(lambda s: s.recording is not None and s.recording.frames > 3, 60)
    session.close()


def test_after_a_loop_masks_of_the_end_are_not_taken_for_those_of_the_start() -> None:
    bench = Bench({"clip": lambda: FakeSource(5)}, {"latency_s": 0.05})
    session = bench.session()
    session.start_recording(REQUEST)
    session.open("clip", Playback(policy=Policy.KEEP_PACE, loop=True))
    wait_until(lambda: len(bench.sink.items) > 20)
    session.close()
    wrong = [
        item.frame.frame_index
        for item in bench.sink.items
        if item.inferred and list(item.detections.class_ids) != [item.frame.frame_index]
    ]
    assert wrong == []


@dataclass
class HangingSink(FakeSink):
    """Blocks in its third frame until released, as a dead network disk or encoder does."""

    hangs: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    partial: Path | None = Path("never-written.partial.mp4")

    def write(self, item: SinkItem) -> None:
        super().write(item)
        if len(self.items) == 3:
            self.hangs.set()
            self.release.wait()


@pytest.mark.parametrize(
    ("size", "factor"), [((64, 48), 1.0), ((3840, 2160), 1.0), ((9800, 9800), 11.58)]
)
def test_huge_frames_may_take_longer_to_write(size, factor) -> None:
    assert size_factor(size[0] * size[1]) == pytest.approx(factor, abs=0.01)


def test_an_encoder_that_hangs_stops_neither_the_video_nor_the_next_recording(monkeypatch) -> None:
    monkeypatch.setattr("rfviewer.pipeline.recorder._LOOK_EVERY_S", 0.02)
    sink = HangingSink()
    bench = Bench({"clip": lambda: FakeSource(100_000)}, sink=sink)
    session = bench.session()
    session.start_recording(REQUEST)
    session.open("clip", ENDLESS)
    assert sink.hangs.wait(60)
    # For this frame only: a machine that is busy for a moment does not hang.
    session._pipeline.recorder._work._limit_s = 0.1
    notices: list[str] = []
    snapshot = session.wait(
        lambda s: (
            notices.extend(text for _, text in s.notices) is not None
            or bool(notices and s.recording is not None and not s.recording.active)
        ),
        60,
    )
    assert notices == [
        "The recording hangs: the disk or the encoder does not answer."
        " What was written is in never-written.partial.mp4."
    ]
    hanging = bench.sink
    inferred = snapshot.counters.inferred
    session.wait(lambda s: s.counters.inferred > inferred + 20, 60)
    bench.sink = FakeSink()
    session.start_recording(REQUEST)
    session.wait(lambda s: s.recording is not None and s.recording.frames > 10, 60)
    sink.release.set()  # the one given up comes back, and disturbs nothing
    wait_until(lambda: hanging.closed_with != "open")
    last = session.close(60.0)
    assert last is not None
    assert not last.error
    assert last.frames == len(bench.sink.items)


def test_finishing_that_hangs_is_given_up_by_those_who_ask(monkeypatch) -> None:
    sink = SlowEnd()
    bench = Bench({"clip": lambda: FakeSource(100_000)}, sink=sink)
    session = bench.session()
    session.start_recording(REQUEST)
    session.open("clip", ENDLESS)
    wait_until(lambda: len(bench.sink.items) > 3)
    session.stop_recording()
    assert sink.leaving.wait(60)
    with monkeypatch.context() as now:  # for this end only: a busy machine may need its time
        now.setattr("rfviewer.pipeline.hang.FINISH_STUCK_S", 0.1)
        session._pipeline.recorder._work._limit_s = 0.1
        status = session.wait(lambda s: s.recording is not None and bool(s.recording.error), 60)
    assert status.recording is not None
    assert status.recording.error.startswith("The recording hangs")
    bench.sink = FakeSink()
    session.start_recording(REQUEST)
    wait_until(lambda: len(bench.sink.items) > 3)
    sink.gate.set()
    session.close()


def test_the_status_names_the_unfinished_file_and_the_coco_file(tmp_path) -> None:
    bench = Bench({"clip": lambda: FakeSource(100_000)})
    bench.sink.partial = tmp_path / "a.partial.mp4"
    session = bench.session()
    session.start_recording(RecordingRequest(video=tmp_path / "a.mp4", coco=tmp_path / "a.json"))
    session.open("clip", ENDLESS)
    snapshot = session.wait(lambda s: s.recording is not None and s.recording.frames > 0, 60)
    assert snapshot.recording is not None
    assert snapshot.recording.partial == tmp_path / "a.partial.mp4"
    assert snapshot.recording.coco == tmp_path / "a.json"
    last = session.close()
    assert last is not None
    assert last.partial is None


def test_what_a_sink_has_to_tell_meanwhile_is_told_at_once() -> None:
    class Telling(FakeSink):
        def write(self, item: SinkItem) -> None:
            super().write(item)
            self.notice = "The disk runs full."

    session = Bench({"clip": lambda: FakeSource(100_000)}, sink=Telling()).session()
    session.start_recording(REQUEST)
    session.open("clip", ENDLESS)
    notices: list[str] = []
    snapshot = session.wait(
        lambda s: bool(notices.extend(text for _, text in s.notices) or notices), 60
    )
    assert snapshot.recording is not None
    assert snapshot.recording.active
    assert notices == ["The disk runs full."]
    session.close()
