"""A transport stream whose video changes its codec, its PID or its pixel format is followed."""

from pathlib import Path

import numpy as np
import pytest

from rfviewer import exporting
from rfviewer.config import EngineConfig, Settings
from rfviewer.errors import SourceError
from rfviewer.interfaces import RecordingRequest
from rfviewer.sources import media, programs
from rfviewer.sources.factory import open_source
from rfviewer.sources.programs import parts_of
from tests.sources.makers import ffmpeg, ffmpeg_rgb, make_clip, numbers, read_all

COUNT = 20
SIZE = (160, 96)
CODECS = {
    "h264": ("libx264", {"bf": "2", "g": "10"}),
    "hevc": ("libx265", {"x265-params": "log-level=none"}),
}


@pytest.fixture(scope="module")
def streams(tmp_path_factory):
    """One transport stream of each codec, and one with other PIDs."""
    folder = tmp_path_factory.mktemp("streams")
    made = {
        name: make_clip(folder / f"{name}.ts", COUNT, SIZE, codec, options=options)
        for name, (codec, options) in CODECS.items()
    }
    made["mpeg2"] = folder / "mpeg2.ts"
    ffmpeg("-i", made["h264"], "-c:v", "mpeg2video", "-q:v", "2", "-bf", "2", made["mpeg2"])
    made["moved"] = folder / "moved.ts"
    moved = ("-c", "copy", "-mpegts_start_pid", "0x345", "-mpegts_pmt_start_pid", "0x1200")
    ffmpeg("-i", made["h264"], *moved, made["moved"])
    made["sound"] = folder / "sound.ts"
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac", made["sound"])
    made["dirac"] = folder / "dirac.ts"
    ffmpeg("-i", made["h264"], "-c:v", "vc2", "-pix_fmt", "yuv422p", made["dirac"])
    return made


def join(path: Path, *files: Path) -> Path:
    path.write_bytes(b"".join(file.read_bytes() for file in files))
    return path


def assert_same_pictures(frames, files) -> None:
    """Compare with what ffmpeg decodes from each part alone."""
    expected = np.concatenate([ffmpeg_rgb(f, *SIZE, "-fps_mode", "passthrough") for f in files])
    assert len(frames) == len(expected)
    for frame, picture in zip(frames, expected, strict=True):
        assert np.abs(frame.image[:, :, ::-1].astype(int) - picture).mean() <= 3


@pytest.mark.parametrize(
    "order",
    [("h264", "hevc"), ("hevc", "mpeg2", "h264"), ("h264", "moved"), ("h264", "hevc", "h264")],
)
def test_every_part_is_shown(tmp_path, streams, order):
    files = [streams[name] for name in order]
    joined = join(tmp_path / "joined.ts", *files)
    source = open_source(str(joined))
    frames = read_all(source)
    assert_same_pictures(frames, files)
    assert [frame.frame_index for frame in frames] == list(range(len(frames)))
    steps = np.diff([frame.pts_s for frame in frames])
    within = np.arange(1, len(frames)) % COUNT != 0
    assert np.allclose(steps[within], 0.04, atol=1e-3)
    assert np.all((steps > 0) & (steps < 2)), "where the clock goes on a gap is kept"
    assert source.damaged == 0
    assert source.info.frame_count == COUNT * len(order)
    assert source.info.duration_s == pytest.approx(0.8 * len(order), abs=0.05)
    assert f"joined from {len(order)} videos" in source.info.notice
    source.close()


def test_seeks_and_steps_cross_the_change(tmp_path, streams):
    source = open_source(str(join(tmp_path / "a.ts", streams["h264"], streams["hevc"])))
    times = [frame.pts_s for frame in read_all(source)]
    for number in (25, 3, 19, 20, 39, 0):
        source.seek(times[number])
        frame = source.read()
        assert (frame.frame_index, frame.pts_s) == (number, pytest.approx(times[number]))
        assert numbers([frame]) == [number % COUNT]
    at = times[22]
    for number in (21, 20, 19, 18):
        source.seek_before(at)
        frame = source.read()
        assert numbers([frame]) == [number % COUNT]
        at = frame.pts_s
    assert numbers(read_all(source)) == [*range(19, 20), *range(20)]
    source.close()


def test_a_codec_that_is_not_allowed_is_never_decoded(tmp_path, streams, monkeypatch):
    joined = join(tmp_path / "a.ts", streams["h264"], streams["dirac"])
    prepared = []
    set_up = media._set_up_decoder

    def note(stream, *, live):
        prepared.append(stream.codec_context.name)
        set_up(stream, live=live)

    monkeypatch.setattr(media, "_set_up_decoder", note)
    source = open_source(str(joined))
    assert numbers([source.read() for _ in range(COUNT)]) == list(range(COUNT))
    with pytest.raises(SourceError, match=r"After 0\.8 s the video changes.*codec dirac"):
        source.read()
    assert set(prepared) == {"h264"}
    source.seek(0.0)
    assert numbers([source.read()]) == [0], "what came before can be watched again"
    source.close()


def test_a_part_without_video_is_passed_over(tmp_path, streams):
    files = [streams[name] for name in ("sound", "h264", "sound", "hevc")]
    source = open_source(str(join(tmp_path / "a.ts", *files)))
    assert numbers(read_all(source)) == [*range(COUNT)] * 2
    assert source.damaged == 0
    source.close()


def test_an_export_keeps_every_frame(tmp_path, streams):
    files = [streams["h264"], streams["hevc"]]
    joined = join(tmp_path / "a.ts", *files)
    output = tmp_path / "out.mp4"
    settings = Settings(engine=EngineConfig(model="none"))
    report = exporting.export(str(joined), settings, RecordingRequest(video=output))
    assert report.frames_out == 2 * COUNT
    assert report.frames_damaged == 0
    exported = open_source(str(output))
    assert numbers(read_all(exported)) == [*range(COUNT)] * 2
    exported.close()


def test_pixel_format_and_pixel_shape_may_change(tmp_path):
    formats = ("yuv420p", "yuv444p", "yuv420p10le")
    files = [make_clip(tmp_path / f"{f}.ts", COUNT, SIZE, pix_fmt=f) for f in formats]
    wide = tmp_path / "wide.ts"
    ffmpeg("-i", files[0], "-c", "copy", "-bsf:v", "h264_metadata=sample_aspect_ratio=2/1", wide)
    source = open_source(str(join(tmp_path / "joined.ts", *files, wide)))
    frames = read_all(source)
    assert_same_pictures(frames[: 3 * COUNT], files)
    assert {(f.width, f.height) for f in frames[3 * COUNT :]} == {(320, 96)}
    assert len(frames) == 4 * COUNT
    source.close()


def m2ts(data: bytes) -> bytes:
    packets = (data[at : at + 188] for at in range(0, len(data), 188))
    return b"".join(b"\0\0\0\0" + packet for packet in packets)


def test_packets_with_a_time_code(tmp_path, streams):
    joined = tmp_path / "a.m2ts"
    joined.write_bytes(b"".join(m2ts(streams[name].read_bytes()) for name in ("h264", "mpeg2")))
    source = open_source(str(joined))
    assert numbers(read_all(source)) == [*range(COUNT)] * 2
    source.close()


def test_rubbish_between_the_parts(tmp_path, streams):
    joined = tmp_path / "a.ts"
    first, second = streams["h264"].read_bytes(), streams["hevc"].read_bytes()
    joined.write_bytes(first[: len(first) - 100] + bytes(range(251)) + second)
    source = open_source(str(joined))
    frames = read_all(source)
    assert numbers(frames)[-COUNT:] == list(range(COUNT))
    source.close()


def test_a_long_hole_between_the_parts(tmp_path, streams):
    """As in a recording whose room was set aside before it was written."""
    joined = tmp_path / "a.ts"
    joined.write_bytes(streams["h264"].read_bytes() + bytes(20 << 20))
    with joined.open("ab") as file:
        file.write(streams["hevc"].read_bytes())
    assert len(parts_of(joined)) == 2


def test_a_damaged_table_is_no_change(tmp_path, streams):
    data = bytearray(streams["h264"].read_bytes())
    maps = [at for at in range(0, len(data), 188) if data[at + 1 : at + 3] == b"\x50\x00"]
    kind = data.index(0x1B, maps[-1] + 10)
    data[kind] = 0x24
    damaged = tmp_path / "a.ts"
    damaged.write_bytes(data)
    assert len(maps) > 1
    assert parts_of(damaged) == (programs.WHOLE,)


def test_large_files_are_looked_at_in_places(tmp_path, streams, monkeypatch):
    order = ["h264"] * 5 + ["hevc"] * 5 + ["mpeg2"] * 3 + ["h264"] * 4
    joined = join(tmp_path / "a.ts", *(streams[name] for name in order))
    expected = parts_of(joined)
    assert len(expected) == 4
    monkeypatch.setattr(programs, "_SCAN_BYTES", 1000)
    monkeypatch.setattr(programs, "_PLACE_BYTES", 30_000)
    monkeypatch.setattr(programs, "_NARROW_BYTES", 20_000)
    assert parts_of(joined) == expected


@pytest.mark.parametrize("content", [b"", b"G", b"G" * 5000, bytes(3000), b"G" + bytes(187)])
def test_what_is_no_stream_is_one_part(tmp_path, content):
    file = tmp_path / "a"
    file.write_bytes(content)
    assert parts_of(file) == (programs.WHOLE,)
    assert parts_of(tmp_path / "missing") == (programs.WHOLE,)
