"""Recovered recordings get the sound of their source, in sync, as a clean end gives it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from rfviewer.sinks.recovery import recover
from rfviewer.sinks.running import RunningFiles
from rfviewer.sinks.sound import SoundNote
from rfviewer.sinks.video import VideoSink
from rfviewer.sources.factory import open_source
from tests.sinks.media import clicks_s, file_context, item, probe, record, write_source
from tests.sources.makers import ffmpeg

ROOT = Path(__file__).resolve().parents[2]
FIRST = 30
"""The recording begins at this frame."""


@pytest.fixture
def running(tmp_path) -> RunningFiles:
    folder = tmp_path / "entries"
    folder.mkdir()
    return RunningFiles(folder)


@pytest.fixture
def source(tmp_path) -> Path:
    return write_source(tmp_path / "source.mp4", frames=100)


def cut_off(running, source, items) -> Path:
    """Leave what a crash would."""
    sink = VideoSink(source.with_name("out.mp4"), file_context(source), running=running)
    for one in items:
        sink.write(one)
    sink._held.close()
    sink._encoder.abandon()
    return sink.partial


def recorded(first=FIRST, end=90):
    return [item(i, pts_s=i / 25, recorded_s=(i - first) / 25) for i in range(first, end)]


def kinds(path) -> list[str]:
    return [stream["codec_type"] for stream in probe(path)["streams"]]


def test_sound_comes_back_in_sync(running, source):
    recovered = recover(cut_off(running, source, recorded()), running)
    assert recovered.notice == ""
    assert kinds(recovered.path) == ["video", "audio"]
    start_s = FIRST / 25
    expected = [t - start_s for t in clicks_s(source) if start_s + 0.1 <= t < 3.5]
    assert len(expected) >= 2
    found = [t for t in clicks_s(recovered.path) if t >= 0.1][: len(expected)]
    np.testing.assert_allclose(found, expected, atol=0.04)
    assert list(running.entries()) == []


def test_a_killed_export_gets_its_sound_back(tmp_path, source, monkeypatch):
    """The whole way: a real process, SIGKILL, the verb."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    long = tmp_path / "long.mp4"
    ffmpeg("-stream_loop", "200", "-i", source, "-c", "copy", long)
    output = tmp_path / "export.mp4"
    command = [sys.executable, "-m", "rfviewer"]
    export = subprocess.Popen(
        [*command, "export", str(long), "--model", "none", "-o", str(output), "--quiet"], cwd=ROOT
    )
    partial = tmp_path / "export.partial.mp4"
    while not partial.exists() or partial.stat().st_size < 50_000:
        assert export.poll() is None
        time.sleep(0.005)
    export.kill()
    export.wait()
    done = subprocess.run(
        [*command, "recover", str(tmp_path), "--json"], cwd=ROOT, capture_output=True, check=True
    )
    (report,) = json.loads(done.stdout)["recordings"]
    assert report["notice"] == ""
    assert kinds(output) == ["video", "audio"]
    found = [t for t in clicks_s(output) if t > 0.1]
    assert len(found) > 3
    expected = [t for t in clicks_s(long, found[-1] + 2) if t > 0.1][: len(found)]
    np.testing.assert_allclose(found, expected, atol=0.04)


def test_a_source_that_changed_gives_no_sound(running, source):
    partial = cut_off(running, source, recorded())
    source.write_bytes(source.read_bytes() + b"more")
    recovered = recover(partial, running)
    assert recovered.notice == "The recording has no sound: source.mp4 was changed since."
    assert kinds(recovered.path) == ["video"]


def test_a_source_that_is_gone_gives_no_sound(running, source):
    partial = cut_off(running, source, recorded())
    source.unlink()
    recovered = recover(partial, running)
    assert recovered.notice == "The recording has no sound: source.mp4 is not there any more."
    assert kinds(recovered.path) == ["video"]


def test_after_a_jump_there_is_no_sound_either(running, source):
    items = [*recorded(end=50), item(80, recorded_s=20 / 25), item(81, recorded_s=21 / 25)]
    recovered = recover(cut_off(running, source, items), running)
    assert kinds(recovered.path) == ["video"]


def test_without_sound_on_request_none_is_noted(running, source):
    sink = VideoSink(source.with_name("o.mp4"), file_context(source), running=running, audio=False)
    with sink:
        sink.write(item(0))
        ((_, file),) = running.entries()
    assert file.sound is None


@pytest.mark.parametrize("values", [None, [], {}, {"path": "/x"}, {"path": 1, "size_bytes": "a"}])
def test_a_note_of_another_shape_means_no_sound(values):
    assert SoundNote.from_json(values) is None


def test_mp3_is_copied(tmp_path, source):
    with_mp3 = tmp_path / "mp3.mkv"
    ffmpeg("-i", source, "-c:v", "copy", "-c:a", "libmp3lame", with_mp3)
    sink = record(tmp_path / "out.mp4", recorded(0), file_context(with_mp3))
    assert sink.notice == ""
    assert kinds(tmp_path / "out.mp4") == ["video", "audio"]


def test_the_first_stream_that_can_be_copied_is(tmp_path, source):
    two = tmp_path / "two.mkv"
    maps = ("-map", "0:v", "-map", "0:a", "-map", "0:a")
    ffmpeg("-i", source, *maps, "-c:v", "copy", "-c:a:0", "pcm_s16le", "-c:a:1", "aac", two)
    sink = record(tmp_path / "out.mp4", recorded(0), file_context(two))
    assert sink.notice == ""
    assert kinds(tmp_path / "out.mp4") == ["video", "audio"]


def test_sound_ends_where_the_clock_goes_back(tmp_path, source):
    part = tmp_path / "part.ts"
    ffmpeg("-i", source, "-c", "copy", part)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part.read_bytes() * 2)
    sink = record(tmp_path / "out.mp4", recorded(0, 200), file_context(joined))
    assert "where videos were joined" in sink.notice
    streams = {s["codec_type"]: s for s in probe(tmp_path / "out.mp4")["streams"]}
    assert float(streams["audio"]["duration"]) == pytest.approx(4.0, abs=0.2)


def test_a_file_cut_between_key_frames_stays_in_sync(tmp_path):
    """Its first pictures cannot be decoded, its sound begins at once."""
    whole = write_source(tmp_path / "whole.mp4", frames=150)
    stream = tmp_path / "whole.ts"
    ffmpeg("-i", whole, "-c:v", "libx264", "-g", "50", "-bf", "2", "-c:a", "copy", stream)
    data = stream.read_bytes()
    cut = tmp_path / "cut.ts"
    tables = data[: 3 * 188]
    cut.write_bytes(tables + data[len(data) // 8 // 188 * 188 :])
    opened = open_source(str(cut))
    info, frames = opened.info, []
    while (frame := opened.read()) is not None:
        frames.append(frame)
    opened.close()
    assert 90 <= len(frames) <= 110, "begins at the second key frame"
    context = file_context(cut)
    object.__setattr__(context, "source", info)
    items = [item(f.frame_index, pts_s=f.pts_s, recorded_s=f.pts_s) for f in frames]
    record(tmp_path / "out.mp4", items, context)
    # Each click of the source is at a whole second, and so is every 25th picture.
    first_s = 6.0 - len(frames) / 25
    expected = [second - first_s for second in range(6) if second - first_s > 0.1]
    found = [t for t in clicks_s(tmp_path / "out.mp4") if t > 0.1][: len(expected)]
    np.testing.assert_allclose(found, expected[: len(found)], atol=0.04)
    assert len(found) >= 3
