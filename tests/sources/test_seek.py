"""Every frame of every kind of file is found again, and looks as it did in passing."""

import os
import random

import numpy as np
import pytest

from rfviewer.errors import SourceError
from rfviewer.sources.factory import open_source
from rfviewer.sources.synthetic import read_frame_index
from tests.sources.makers import ffmpeg, make_clip, numbers, read_all

COUNT = 40
ENCODED = {
    "b_frames.mp4": ("libx264", {"bf": "3", "g": "12"}),
    "pyramid.mkv": ("libx264", {"x264-params": "bframes=7:b-pyramid=normal:keyint=16:open-gop=1"}),
    "open_gop.ts": ("libx264", {"x264-params": "bframes=3:keyint=10:open-gop=1"}),
    "one_gop.mp4": ("libx264", {"g": "250", "bf": "3"}),
    "hevc.mp4": ("libx265", {"x265-params": "log-level=none:keyint=12:bframes=4:open-gop=1"}),
    "hidden.webm": ("libvpx", {"auto-alt-ref": "1", "lag-in-frames": "10", "g": "12"}),
    "no_clock.h264": ("libx264", {"bf": "2", "g": "10"}),
    "b_frames.avi": ("libx264", {"bf": "2", "g": "10"}),
    "mpeg4.avi": ("mpeg4", {"g": "10"}),
    "flash.flv": ("libx264", {"bf": "2", "g": "10"}),
    "intra.mov": ("mjpeg", {}),
}
REMUXED = {
    "late_start.ts": ("-c", "copy", "-output_ts_offset", "1000"),
    "edit_list.mp4": ("-ss", "0.52", "-c", "copy"),
    "fragments.mp4": ("-c", "copy", "-movflags", "frag_keyframe+empty_moov"),
    "mpeg2.mpg": ("-c:v", "mpeg2video", "-bf", "2", "-g", "10", "-q:v", "2"),
    "variable.mkv": ("-vf", "select=not(mod(n\\,3))+lt(n\\,9)", "-fps_mode", "vfr", "-g", "6"),
}


@pytest.fixture(params=[*ENCODED, *REMUXED, "joined.ts", "starts_late.ts"])
def clip(request, tmp_path):
    name = request.param
    path = tmp_path / name
    if name in ENCODED:
        codec, options = ENCODED[name]
        pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        return make_clip(path, COUNT, codec=codec, options=options, pix_fmt=pixels)
    plain = make_clip(tmp_path / "plain.mp4", COUNT, options={"bf": "2", "g": "10"})
    if name in REMUXED:
        before = REMUXED[name][:2] if name == "edit_list.mp4" else ()
        after = REMUXED[name][len(before) :]
        ffmpeg(*before, "-i", plain, *after, path)
        return path
    ffmpeg("-i", plain, "-c", "copy", path)
    data = path.read_bytes()
    path.write_bytes(data + data if name == "joined.ts" else data[len(data) // 3 // 188 * 188 :])
    return path


@pytest.mark.parametrize("cores", [1, 16])
def test_every_frame_is_found_again(clip, cores, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)  # how many threads decode
    source = open_source(str(clip))
    played = read_all(source)
    assert len(played) == source.info.frame_count
    assert [frame.frame_index for frame in played] == list(range(len(played)))
    assert played[0].pts_s == 0.0
    order = list(range(len(played)))
    random.Random(3).shuffle(order)
    for place in order:
        source.seek(played[place].pts_s)
        found = source.read()
        assert (found.frame_index, found.pts_s) == pytest.approx((place, played[place].pts_s))
        assert np.array_equal(found.image, played[place].image), f"frame {place} looks different"
        following = source.read()
        assert (following is None) == (place + 1 == len(played))
        if following is not None:
            assert following.frame_index == place + 1
            assert np.array_equal(following.image, played[place + 1].image)
    source.close()


def test_stepping_back_visits_every_frame(clip):
    source = open_source(str(clip))
    played = read_all(source)
    source.seek(1e6)
    frame = source.read()
    assert frame.frame_index == len(played) - 1
    visited = [frame.frame_index]
    while frame.frame_index > 0 and len(visited) <= len(played):
        source.seek_before(frame.pts_s)
        frame = source.read()
        visited.append(frame.frame_index)
        assert read_frame_index(frame.image) == read_frame_index(played[frame.frame_index].image)
    assert visited == list(range(len(played)))[::-1]
    source.seek_before(frame.pts_s)
    assert source.read().frame_index == 0
    source.close()


def test_step_back_then_on(tmp_path):
    source = open_source(str(make_clip(tmp_path / "a.mp4", COUNT, options={"g": "12", "bf": "2"})))
    source.seek(20 / 25)
    shown = [source.read()]
    for _ in range(3):
        source.seek_before(shown[-1].pts_s)
        shown.append(source.read())
    shown += read_all(source)
    assert numbers(shown) == [20, 19, 18, 17, *range(18, COUNT)]
    source.close()


def test_between_two_frames_seek_goes_on_and_seek_before_goes_back(tmp_path):
    source = open_source(str(make_clip(tmp_path / "a.mp4", COUNT)))
    source.seek(0.41)
    assert source.read().frame_index == 11
    source.seek_before(0.41)
    assert source.read().frame_index == 10
    source.close()


def test_a_video_too_large_to_index_is_searched_by_time(tmp_path, monkeypatch):
    monkeypatch.setattr("rfviewer.sources.pyav_source._INDEX_AT_OPEN_BYTES", 0)
    monkeypatch.setattr("rfviewer.sources.index._MAX_PACKETS", 0)
    monkeypatch.setattr("rfviewer.sources.index._CHECK_EVERY", 1)
    source = open_source(str(make_clip(tmp_path / "a.mp4", COUNT, options={"g": "12", "bf": "2"})))
    assert source.info.frame_count is None
    for number in (33, 4, 25, 26, 0):
        source.seek(number / 25)
        assert numbers([source.read()]) == [number]
        source.seek_before(number / 25)
        frame = source.read()
        assert (read_frame_index(frame.image), frame.frame_index) == (max(0, number - 1),) * 2
    source.close()


def test_a_closed_source_says_so(tmp_path):
    source = open_source(str(make_clip(tmp_path / "a.mp4", 3)))
    source.close()
    source.close()
    with pytest.raises(SourceError, match="closed"):
        source.read()


def test_interrupt_ends_reading(tmp_path):
    source = open_source(str(make_clip(tmp_path / "a.mp4", 5)))
    source.interrupt()
    assert source.read() is None
    source.seek(0.1)
    assert source.read() is None
    source.close()
