"""Damage is counted, and what lies behind it is still shown."""

import random
from itertools import count
from types import SimpleNamespace

import pytest

from rfviewer.errors import SourceError
from rfviewer.sources.factory import open_source
from tests.sources.makers import ffmpeg_rgb, make_clip, numbers, read_all

COUNT = 60


@pytest.fixture
def clip(tmp_path):
    return make_clip(tmp_path / "a.mp4", COUNT, (320, 180), options={"g": "10", "crf": "12"})


def test_a_hole_in_the_middle(clip):
    data = bytearray(clip.read_bytes())
    middle = len(data) // 2
    data[middle : middle + len(data) // 20] = bytes(len(data) // 20)
    clip.write_bytes(data)
    source = open_source(str(clip))
    frames = read_all(source)
    decodable = len(ffmpeg_rgb(clip, 320, 180, "-fps_mode", "passthrough"))
    assert decodable < COUNT
    assert len(frames) >= decodable
    assert source.damaged >= COUNT - len(frames)
    assert numbers(frames)[-5:] == list(range(COUNT - 5, COUNT))
    assert numbers(frames)[:5] == list(range(5))
    counted = source.damaged
    source.seek(0.0)
    read_all(source)
    assert source.damaged == counted, "the same damage counts once"
    source.close()


def test_concealed_damage_is_counted(clip):
    data = bytearray(clip.read_bytes())
    rng = random.Random(7)
    for share in (0.3, 0.5, 0.7):
        place = int(len(data) * share)
        for _ in range(60):
            data[place + rng.randrange(300)] = rng.randrange(256)
    clip.write_bytes(data)
    source = open_source(str(clip))
    assert len(read_all(source)) >= 0.95 * COUNT
    assert source.damaged > 0
    source.close()


HEVC = {"x265-params": "log-level=none:keyint=20:min-keyint=20:open-gop=1:bframes=3"}


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_hole_in_hevc_takes_no_later_frames_with_it(tmp_path, suffix):
    """Its decoder holds back whatever refers to a picture that is missing, unless told not to."""
    clip = make_clip(tmp_path / f"a.{suffix}", COUNT, (320, 180), "libx265", options=HEVC)
    data = bytearray(clip.read_bytes())
    start = len(data) * 4 // 10
    data[start : start + len(data) // 12] = bytes(len(data) // 12)
    clip.write_bytes(data)
    decodable = len(ffmpeg_rgb(clip, 320, 180, "-fps_mode", "passthrough"))
    source = open_source(str(clip))
    frames = read_all(source)
    assert 20 <= decodable < COUNT
    assert len(frames) >= 0.95 * decodable
    assert source.damaged > 0
    source.close()


def test_pictures_before_the_first_key_frame_are_not_shown(tmp_path):
    """They would be grey."""
    clip = make_clip(tmp_path / "a.ts", COUNT, (320, 180), "libx265", options=HEVC)
    data = clip.read_bytes()
    clip.write_bytes(data[: 3 * 188] + data[len(data) // 4 // 188 * 188 :])
    source = open_source(str(clip))
    shown = numbers(read_all(source))
    assert shown == list(range(shown[0], COUNT))
    assert shown[0] in (20, 40)
    source.close()


def test_a_cut_off_file_plays_to_the_cut(tmp_path):
    clip = make_clip(tmp_path / "a.mkv", COUNT, options={"g": "10"})
    data = clip.read_bytes()
    clip.write_bytes(data[: len(data) * 6 // 10])
    source = open_source(str(clip))
    frames = read_all(source)
    assert 20 <= len(frames) < COUNT
    assert numbers(frames) == list(range(len(frames)))
    assert source.info.duration_s == pytest.approx(len(frames) / 25, abs=0.1)
    source.close()


def test_lost_packets_of_a_transport_stream(tmp_path):
    clip = make_clip(tmp_path / "a.ts", COUNT, (320, 180), options={"g": "10", "crf": "12"})
    data = clip.read_bytes()
    start = len(data) // 2 // 188 * 188
    clip.write_bytes(data[:start] + data[start + 188 * 30 :])
    source = open_source(str(clip))
    frames = read_all(source)
    decodable = len(ffmpeg_rgb(clip, 320, 180, "-fps_mode", "passthrough"))
    assert len(frames) >= 0.95 * decodable
    assert source.damaged > 0
    assert numbers(frames)[-5:] == list(range(COUNT - 5, COUNT))
    source.close()


def test_nothing_decodable(clip):
    data = bytearray(clip.read_bytes())
    start = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data[start:end] = bytes(end - start)
    clip.write_bytes(data)
    with pytest.raises(SourceError, match=r"cannot decode its h264 pictures here"):
        open_source(str(clip))


def test_a_decoder_that_cannot_start(tmp_path):
    """Asking PyAV for the name of such a decoder ends the process."""
    clip = make_clip(tmp_path / "a.mkv", 5, codec="ffv1")
    data = clip.read_bytes()
    place = data.index(b"V_FFV1") + 6
    private = data.index(b"\x63\xa2", place)
    clip.write_bytes(data[: private + 3] + bytes([0xFF] * 20) + data[private + 23 :])
    with pytest.raises(SourceError, match="cannot decode"):
        open_source(str(clip))


def test_a_good_file_plays_after_a_bad_one(clip, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(clip.read_bytes()[:2000])
    with pytest.raises(SourceError):
        open_source(str(bad))
    source = open_source(str(clip))
    assert len(read_all(source)) == COUNT
    source.close()


def test_a_machine_that_is_slow_is_no_damage(clip, monkeypatch):
    """The time for the first frame is over before the first packet is read."""
    monkeypatch.setattr("rfviewer.sources.opening._FIRST_FRAME_S", -1.0)
    source = open_source(str(clip))
    assert numbers(read_all(source)) == list(range(COUNT))
    source.close()


def test_what_gives_no_frame_is_given_up(clip, monkeypatch):
    """On a clock that goes on by a second whenever somebody looks at it."""
    decoded = []

    def nothing(self, packet):
        decoded.append(packet)
        return []

    seconds = count()
    clock = SimpleNamespace(monotonic=lambda: next(seconds))
    monkeypatch.setattr("rfviewer.sources.opening.time", clock)
    monkeypatch.setattr("rfviewer.sources.opening._LONGEST_S", 1000)
    monkeypatch.setattr("rfviewer.sources.opening._AGAIN_S", 3)
    monkeypatch.setattr("rfviewer.sources.decoder.PacketDecoder._pictures", nothing)
    monkeypatch.setattr("rfviewer.sources.opening._FEW_PACKETS", 20)
    with pytest.raises(SourceError, match="cannot decode"):
        open_source(str(clip))
    assert 20 <= len(decoded) < 25
