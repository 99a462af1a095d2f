"""What cannot or must not be played is refused with one sentence."""

import os
import subprocess
import sys

import av
import numpy as np
import pytest

from rfviewer.errors import RfviewerError, SourceError, UsageError
from rfviewer.sources.factory import open_source
from tests.sources.makers import ffmpeg, make_clip, numbers, read_all


def refusal(text):
    with pytest.raises(RfviewerError) as caught:
        open_source(str(text))
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.mp4", b""),
        ("text.mp4", b"hello world\n" * 1000),
        ("noise.mp4", np.random.default_rng(1).bytes(50_000)),
        ("page.mp4", b"<!DOCTYPE html><html><body>404</body></html>"),
    ],
)
def test_no_video(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert f"{name} is no video that can be read here" in refusal(path)


def test_end_of_the_file_missing(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", 20)
    clip.write_bytes(clip.read_bytes()[:-400])
    assert "a.mp4" in refusal(clip)


def test_missing_file(tmp_path):
    assert "There is no file" in refusal(tmp_path / "nothing.mp4")


def test_only_sound(tmp_path):
    sound = tmp_path / "a.mp3"
    ffmpeg("-f", "lavfi", "-i", "sine=d=0.3", sound)
    assert "holds only sound" in refusal(sound)


def test_a_cover_picture_is_no_video(tmp_path):
    song = tmp_path / "song.mp3"
    ffmpeg(
        "-f", "lavfi", "-i", "sine=d=0.3", "-f", "lavfi", "-i", "color=red:s=64x64:d=0.04",
        "-map", "0", "-map", "1", "-c:v", "mjpeg", "-frames:v", "1", "-disposition:v",
        "attached_pic", song,
    )  # fmt: skip
    assert "sound with a cover picture" in refusal(song)


def test_the_film_is_chosen_not_its_cover(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", 8)
    both = tmp_path / "both.mp4"
    ffmpeg(
        "-i", clip, "-f", "lavfi", "-i", "color=red:s=640x640:d=0.04", "-map", "0", "-map", "1",
        "-c:v:0", "copy", "-c:v:1", "png", "-frames:v:1", "1", "-disposition:v:1", "attached_pic",
        both,
    )  # fmt: skip
    source = open_source(str(both))
    assert numbers(read_all(source)) == list(range(8))
    source.close()


def test_the_best_of_several_video_streams(tmp_path):
    small = make_clip(tmp_path / "small.mp4", 6, (96, 64))
    large = make_clip(tmp_path / "large.mp4", 6, (320, 180))
    both = tmp_path / "both.mkv"
    ffmpeg(
        "-i", small, "-i", large, "-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "0",
        "-disposition:v:1", "default", both,
    )  # fmt: skip
    source = open_source(str(both))
    assert (source.info.width, source.info.height) == (320, 180)
    assert "1 further video stream is not shown" in source.info.notice
    assert numbers(read_all(source)) == list(range(6))
    source.close()


def test_a_codec_that_is_not_listed_is_never_decoded(tmp_path, monkeypatch):
    clip = tmp_path / "magic.avi"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=5:d=0.4", "-c:v", "magicyuv", clip)
    monkeypatch.setattr("rfviewer.sources.decoder.PacketDecoder.next_frame", None)
    assert "codec magicyuv" in refusal(clip)


@pytest.mark.parametrize("name", ["list.m3u8", "list.mp4", "concat.txt", "session.sdp", "x.mpd"])
def test_playlists_are_refused(tmp_path, name):
    make_clip(tmp_path / "good.ts", 3)
    content = {
        "concat.txt": "ffconcat version 1.0\nfile good.ts\n",
        "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=video 5004 RTP/AVP 33\n",
        "x.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    }.get(name, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\ngood.ts\n#EXT-X-ENDLIST\n")
    path = tmp_path / name
    path.write_text(content)
    assert name in refusal(path)


def test_a_fifo_is_not_waited_for(tmp_path):
    path = tmp_path / "pipe.mp4"
    os.mkfifo(path)
    assert "no ordinary file" in refusal(path)


@pytest.mark.parametrize("name", ["a:b.mp4", "-i.mp4", "pipe:0.mp4", "sp ace'\".mp4", "ü漢.mp4"])
def test_awkward_names(tmp_path, monkeypatch, name):
    make_clip(tmp_path / "a.mp4", 4).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for text in (name, str(tmp_path / name)):
        source = open_source(text)
        assert source.info.name == name
        assert numbers(read_all(source)) == list(range(4))
        source.close()


def test_a_name_that_is_no_text(tmp_path):
    name = os.fsdecode(b"bad\xff\xfe.mp4")
    make_clip(tmp_path / "a.mp4", 4).rename(tmp_path / name)
    source = open_source(str(tmp_path / name))
    assert source.info.name == "bad\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}.mp4"
    source.info.uri.encode("utf-8")
    assert numbers(read_all(source)) == list(range(4))
    source.close()


def test_escape_sequences_do_not_reach_messages(tmp_path):
    path = tmp_path / "\x1b[31m\u202egp.mp4"
    path.write_bytes(b"")
    assert not {"\x1b", "\u202e"} & set(refusal(path))


def test_pictures_that_are_too_large(tmp_path):
    clip = make_clip(tmp_path / "a.mkv", 2, codec="ffv1")
    data = bytearray(clip.read_bytes())
    width = data.index(b"\xb0\x81\xa0")  # PixelWidth, one byte: 160
    height = data.index(b"\xba\x81\x60")  # PixelHeight, one byte: 96
    assert abs(width - height) < 20
    bomb = bytes(data).replace(b"\xb0\x81\xa0\xba\x81\x60", b"\xb0\x82\xff\xff\xba\x80", 1)
    clip.write_bytes(bomb)
    assert "a.mkv" in refusal(clip)


@pytest.mark.parametrize("text", ["", "  ", "a\0b", "foo://bar", "synthetic:1x1@5", "?fps=2"])
def test_what_means_nothing(text):
    with pytest.raises((UsageError, SourceError)):
        open_source(text)


def test_ffmpeg_is_recent_enough_for_its_known_holes():
    """CVE-2026-8461 is fixed in 8.1.2."""
    version = tuple(int(part) for part in av.ffmpeg_version_info.split("-")[0].split("."))
    assert version >= (8, 1, 2)


def test_importing_sources_opens_nothing():
    """Composition roots import the factory at start; that must not touch devices or network."""
    code = (
        "import sys, builtins; sys.addaudithook(lambda event, args: "
        "sys.exit(f'{event} {args}') if event.startswith('socket.') or "
        "(event == 'open' and str(args[0]).startswith('/dev/video')) else None);"
        "import rfviewer.sources.factory"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
