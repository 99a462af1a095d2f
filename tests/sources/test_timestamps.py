"""Times, lengths and rates come from what is decoded, not from headers."""

import itertools

import pytest

from rfviewer.frame import SourceKind
from rfviewer.sources.factory import open_source
from tests.sources.makers import ffmpeg, make_clip, numbers, read_all


def test_constant_rate(tmp_path):
    source = open_source(str(make_clip(tmp_path / "a.mp4", 30, options={"bf": "3"})))
    info = source.info
    assert (info.width, info.height, info.kind) == (160, 96, SourceKind.FILE)
    assert (info.fps, info.frame_count, info.seekable, info.live) == (25.0, 30, True, False)
    assert info.duration_s == pytest.approx(1.2)
    assert (info.name, info.codec, info.notice) == ("a.mp4", "h264 yuv420p", "")
    frames = read_all(source)
    assert numbers(frames) == list(range(30))
    assert [f.pts_s for f in frames] == pytest.approx([i / 25 for i in range(30)])
    assert all(f.duration_s == pytest.approx(0.04, abs=1e-3) for f in frames)
    stamps = [f.capture_time_ns for f in frames]
    assert stamps == sorted(stamps)
    assert source.damaged == 0
    source.close()


def test_variable_rate_keeps_each_time(tmp_path):
    times_ms = [0, 33, 66, 500, 533, 1000, 1900, 1933]
    source = open_source(str(make_clip(tmp_path / "v.mkv", 8, pts_ms=times_ms)))
    frames = read_all(source)
    assert [round(f.pts_s * 1000) for f in frames] == times_ms
    assert numbers(frames) == list(range(8))
    source.close()


def test_first_time_stamp_is_zero_wherever_the_clock_starts(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", 10)
    ffmpeg("-i", clip, "-c", "copy", "-output_ts_offset", "5000", tmp_path / "late.ts")
    source = open_source(str(tmp_path / "late.ts"))
    frames = read_all(source)
    assert [f.pts_s for f in frames] == pytest.approx([i / 25 for i in range(10)])
    assert source.info.duration_s == pytest.approx(0.4)
    source.close()


def test_no_time_stamps_play_at_a_rate_that_is_told(tmp_path):
    source = open_source(str(make_clip(tmp_path / "raw.h264", 10)))
    assert "no time stamps and plays at 25 fps" in source.info.notice
    assert (source.info.frame_count, source.info.duration_s) == (10, pytest.approx(0.4))
    assert [f.pts_s for f in read_all(source)] == pytest.approx([i / 25 for i in range(10)])
    source.close()


def test_a_broken_clock_goes_on(tmp_path):
    """Two recordings joined: the clock starts anew in the middle."""
    clip = make_clip(tmp_path / "a.ts", 10)
    clip.write_bytes(clip.read_bytes() * 2)
    source = open_source(str(clip))
    frames = read_all(source)
    assert numbers(frames) == [*range(10)] * 2
    steps = [b.pts_s - a.pts_s for a, b in itertools.pairwise(frames)]
    assert steps == pytest.approx([0.04] * 19)
    source.close()


def test_an_absurd_gap_is_closed(tmp_path):
    times_ms = [0, 40, 80, 10**9, 10**9 + 40]
    source = open_source(str(make_clip(tmp_path / "gap.mkv", 5, pts_ms=times_ms)))
    assert [round(f.pts_s, 3) for f in read_all(source)] == [0.0, 0.04, 0.08, 0.12, 0.16]
    source.close()


def test_avi_with_b_frames_runs_evenly(tmp_path):
    """FFmpeg's presentation times of such files run to and fro."""
    source = open_source(str(make_clip(tmp_path / "b.avi", 20, options={"bf": "2"})))
    frames = read_all(source)
    assert numbers(frames) == list(range(20))
    assert [f.pts_s for f in frames] == pytest.approx([i / 25 for i in range(20)])
    source.close()


def test_a_lying_frame_count_is_not_believed(tmp_path):
    clip = make_clip(tmp_path / "lies.avi", 12, codec="mpeg4")
    data = bytearray(clip.read_bytes())
    header = data.index(b"avih") + 8
    data[header + 16 : header + 20] = (2_000_000_000).to_bytes(4, "little")
    stream = data.index(b"strh") + 8
    data[stream + 32 : stream + 36] = (2_000_000_000).to_bytes(4, "little")
    clip.write_bytes(data)
    source = open_source(str(clip))
    assert source.info.frame_count == 12
    assert source.info.duration_s == pytest.approx(0.48, abs=0.05)
    assert numbers(read_all(source)) == list(range(12))
    source.close()


def test_a_hidden_reference_is_no_frame(tmp_path):
    options = {"auto-alt-ref": "1", "lag-in-frames": "12", "g": "30"}
    source = open_source(str(make_clip(tmp_path / "h.webm", 40, codec="libvpx", options=options)))
    assert source.info.frame_count == 40
    assert numbers(read_all(source)) == list(range(40))
    source.close()
