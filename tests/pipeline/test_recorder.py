"""One recording after another: each keeps its own end and its own error."""

import threading
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from rfviewer.config import Playback, Policy
from rfviewer.interfaces import RecordingRequest, SinkItem
from rfviewer.snapshot import PlayState
from tests.fakes import Bench, FakeSink, FakeSource, wait_until

FAST = Playback(policy=Policy.EVERY_FRAME, rate=None)
REQUEST = RecordingRequest(video=Path("never-written.mp4"))


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
    session.wait(lambda s: s.queues["to write"][0] == 6, 10)
    gate.set()
    session.wait(lambda s: s.state is PlayState.ENDED, 10)
    snapshot = session.wait(
        lambda s: (
            s.recording is not None and not s.recording.active and s.queues["to write"][0] == 0
        ),
        10,
    )
    session.close()
    assert snapshot.recording is not None
    assert snapshot.recording.error == "The disk is full; the first frames are kept."
    assert session.close() == snapshot.recording


def test_a_recording_asked_for_while_the_last_one_is_finished_is_refused_in_words() -> None:
    gate, leaving = threading.Event(), threading.Event()

    class SlowEnd(FakeSink):
        def __exit__(
            self,
            kind: type[BaseException] | None,
            error: BaseException | None,
            trace: TracebackType | None,
        ) -> None:
            leaving.set()
            gate.wait()
            super().__exit__(kind, error, trace)

    bench = Bench({"clip": lambda: FakeSource(100_000)}, sink=SlowEnd())
    session = bench.session()
    session.start_recording(REQUEST)
    session.open("clip", FAST)
    wait_until(lambda: len(bench.sink.items) > 3)
    session.stop_recording()
    assert leaving.wait(10)
    session.start_recording(REQUEST)
    notices: list[str] = []
    session.wait(lambda s: bool(notices.extend(text for _, text in s.notices) or notices), 10)
    assert "still being finished" in notices[0]
    gate.set()
    session.wait(lambda s: s.recording is not None and not s.recording.active, 10)
    session.start_recording(REQUEST)
    session.wait(lambda s: s.recording is not None and s.recording.frames > 3, 10)
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
