"""A signal leaves some seconds: a recording that is too long for a copy stays in fragments."""

import math
import time
from pathlib import Path

import pytest

from rfviewer.interfaces import RecordingRequest
from rfviewer.sinks import remux, video
from rfviewer.sinks.video import VideoSink
from tests.fakes import Bench, FakeSource
from tests.sinks.media import context, file_context, item, probe, read_video, write_source


def write(path: Path, sink_context, *, until_s: float, frames: int = 90) -> VideoSink:
    sink = VideoSink(path, sink_context)
    with sink:
        for index in range(frames):
            sink.write(item(index))
        sink.hurry(until_s)
    return sink


def test_without_time_the_fragments_get_the_name(tmp_path):
    source = write_source(tmp_path / "source.mp4", frames=100)
    path = tmp_path / "out.mp4"
    sink = write(path, file_context(source), until_s=time.monotonic())
    assert sink.path == path
    assert b"moof" in path.read_bytes()
    assert len(read_video(path)[0]) == 90
    assert sink.notice == "The recording has no sound: there was no time for it."
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.mp4", "source.mp4"]


def test_what_was_wanted_and_lacks_nothing_is_no_warning(tmp_path, caplog):
    """As where bench throws the video away that it wrote: that would only puzzle."""
    assert write(tmp_path / "out.mp4", context(), until_s=time.monotonic()).notice == ""
    assert b"moof" in (tmp_path / "out.mp4").read_bytes()
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_a_start_that_is_slow_foretells_nothing(tmp_path, monkeypatch):
    """Opening the files takes most of the time that a short recording needs."""
    monkeypatch.setattr(remux, "_LOOK_EVERY", 1)
    tenths = iter(range(100_000))
    path = tmp_path / "out.mp4"
    sink = VideoSink(path, context())
    with sink:
        for index in range(300):
            sink.write(item(index))
        monkeypatch.setattr(video.time, "monotonic", lambda: 0.9 + next(tenths) / 1000)
        sink.hurry(5.9)
    assert b"moof" not in path.read_bytes()


@pytest.mark.parametrize("until_s", [math.inf, 1e12])
def test_with_time_it_becomes_an_ordinary_file(tmp_path, until_s):
    source = write_source(tmp_path / "source.mp4", frames=100)
    path = tmp_path / "out.mp4"
    sink = write(path, file_context(source), until_s=until_s)
    assert b"moof" not in path.read_bytes()
    assert sink.notice == ""
    assert [s["codec_type"] for s in probe(path)["streams"]] == ["video", "audio"]


def test_a_copy_that_would_take_too_long_is_broken_off(tmp_path, monkeypatch):
    """On a clock on which every look costs ten seconds."""
    monkeypatch.setattr(remux, "_LOOK_EVERY", 1)
    seconds = iter(range(0, 100_000, 10))
    path = tmp_path / "out.mp4"
    sink = VideoSink(path, context())
    with sink:
        for index in range(90):
            sink.write(item(index))
        monkeypatch.setattr(video.time, "monotonic", lambda: float(next(seconds)))
        sink.hurry(500.0)
    asked = next(seconds) / 10
    assert 2 < asked < 40, "neither at once nor at the deadline"
    assert b"moof" in path.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_closing_a_session_hurries_what_is_recorded():
    bench = Bench({"long": lambda: FakeSource(100_000)})
    session = bench.session()
    session.start_recording(RecordingRequest(video=Path("fake.mp4")))
    session.open("long", session.poll().playback)
    session.wait(lambda s: s.recording is not None and s.recording.frames > 2, 60)
    before_s = time.monotonic()
    session.close(4.0)
    assert before_s + 3.9 <= bench.sink.until_s <= time.monotonic() + 4.0
    assert bench.sink.closed_with is None
