"""Recorded video: frames, their times and colors, and the file's name until it is finished."""

import subprocess

import numpy as np
import pytest

from rfviewer.errors import SinkError
from rfviewer.sinks.video import VideoSink
from tests.sinks.media import context, gaps, item, probe, read_video, record


def test_an_ordinary_recording_plays_everywhere(tmp_path):
    path = tmp_path / "out.mp4"
    sink = record(path, (item(i) for i in range(50)), command="rfviewer run clip.mp4")
    assert sink.path == path
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]
    report = probe(path)
    (video,) = report["streams"]
    assert (video["codec_name"], video["profile"], video["pix_fmt"]) == ("h264", "High", "yuv420p")
    assert video["color_space"] == video["color_primaries"] == video["color_transfer"] == "bt709"
    assert video["color_range"] == "tv"
    assert int(video["nb_frames"]) == 50
    assert float(report["format"]["duration"]) == pytest.approx(2.0, abs=0.001)
    assert report["format"]["tags"]["title"] == "clip.mp4"
    assert report["format"]["tags"]["comment"].startswith(
        "command: rfviewer run clip.mp4\nsoftware: "
    )
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat"), "the index is not in front"
    assert b"moof" not in data


def test_variable_frame_times_are_kept(tmp_path):
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.choice([0.033, 0.44, 0.005, 1.7], 60))
    times = times - times[0]
    path = tmp_path / "out.mp4"
    items = [
        item(i, pts_s=float(t), duration_s=0.0 if i < 59 else 0.5) for i, t in enumerate(times)
    ]
    record(path, items)
    found, _, duration = read_video(path)
    np.testing.assert_allclose(found, times, atol=1e-5)
    assert duration == pytest.approx(times[-1] + 0.5, abs=0.002)


def test_a_time_that_stands_still_is_moved_on(tmp_path):
    path = tmp_path / "out.mp4"
    record(path, [item(i, pts_s=0.0) for i in range(5)])
    times, _, _ = read_video(path)
    assert len(times) == 5
    assert min(gaps(times)) > 0


def test_colors_survive(tmp_path):
    image = np.zeros((96, 128, 4), np.uint8)
    colors = [
        (0, 0, 0),
        (255, 255, 255),
        (200, 30, 30),
        (30, 200, 30),
        (30, 30, 200),
        (240, 228, 66),
    ]
    for i, (red, green, blue) in enumerate(colors):
        image[:, i * 20 : (i + 1) * 20] = (blue, green, red, 255)
    path = tmp_path / "out.mp4"
    record(path, [item(i, image=image) for i in range(10)])
    (*_, last) = read_video(path)[1]
    inner = np.zeros(128, bool)
    for i in range(6):
        inner[i * 20 + 4 : i * 20 + 16] = True
    difference = np.abs(last[:, inner].astype(int) - image[:, inner, 2::-1])
    assert difference.mean() <= 3
    # The player of the outside world agrees, so the tags say what was done.
    raw = subprocess.run(
        f"ffmpeg -v error -i {path} -frames:v 1 -f rawvideo -pix_fmt rgb24 -".split(),
        capture_output=True,
        check=True,
    ).stdout
    first = np.frombuffer(raw, np.uint8).reshape(96, 128, 3)
    assert np.abs(first[:, inner].astype(int) - image[:, inner, 2::-1]).mean() <= 3


@pytest.mark.parametrize("size", [(313, 177), (312, 177), (313, 176), (1, 1)])
def test_odd_sizes_are_padded_on_the_right_and_below_and_nothing_moves(tmp_path, size):
    width, height = size
    image = np.zeros((height, width, 4), np.uint8)
    image[..., 3] = 255
    image[:, width // 2 :] = 255  # a mask of known edge, and a white last column
    path = tmp_path / "out.mp4"
    record(path, [item(i, image=image) for i in range(3)])
    (picture, *_) = read_video(path)[1]
    assert picture.shape == (height + height % 2, width + width % 2, 3)
    bright = picture[..., 1] > 128
    expected = np.zeros(picture.shape[:2], bool)
    expected[:, width // 2 :] = True
    np.testing.assert_array_equal(bright, expected)


def test_another_size_is_scaled_into_the_picture(tmp_path):
    white = np.full((100, 60, 4), 255, np.uint8)
    path = tmp_path / "out.mp4"
    record(path, [item(0), item(1, image=white), item(2, width=640, height=480)])
    times, images, _ = read_video(path)
    assert len(times) == 3
    assert {picture.shape for picture in images} == {(48, 64, 3)}
    bright = np.flatnonzero((images[1][..., 1] > 128).all(axis=0))
    assert (bright.min(), bright.max() + 1) == (17, 46), "letterboxed to 29 of 64 columns"


def test_without_a_frame_there_is_no_file(tmp_path):
    record(tmp_path / "out.mp4", [])
    assert list(tmp_path.iterdir()) == []


def test_leaving_with_an_exception_keeps_what_is_written(tmp_path):
    path = tmp_path / "out.mp4"

    def interrupted():
        yield from (item(i) for i in range(20))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record(path, interrupted())
    assert len(read_video(path)[0]) == 20
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_a_file_that_appeared_meanwhile_stays_as_it_is(tmp_path):
    path = tmp_path / "out.mp4"
    with VideoSink(path, context()) as sink:
        sink.write(item(0))
        path.write_bytes(b"precious")
    assert path.read_bytes() == b"precious"
    assert sink.path == tmp_path / "out-2.mp4"
    assert "out-2.mp4" in sink.notice
    assert len(read_video(sink.path)[0]) == 1


def test_overwriting_happens_only_at_the_end_and_only_when_asked(tmp_path):
    path = tmp_path / "out.mp4"
    path.write_bytes(b"old")
    with VideoSink(path, context(), overwrite=True) as sink:
        sink.write(item(0))
        assert path.read_bytes() == b"old"
    assert len(read_video(path)[0]) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_an_older_interrupted_recording_is_not_touched(tmp_path):
    waiting = tmp_path / "out.partial.mp4"
    waiting.write_bytes(b"fragments of yesterday")
    record(tmp_path / "out.mp4", [item(0)])
    assert waiting.read_bytes() == b"fragments of yesterday"
    assert len(read_video(tmp_path / "out.mp4")[0]) == 1


def test_a_vanished_folder_is_told_before_a_frame_is_lost(tmp_path):
    sink = VideoSink(tmp_path / "gone" / "out.mp4", context())
    with pytest.raises(SinkError, match="folder is gone"), sink:
        sink.write(item(0))


def test_size_grows_while_recording(tmp_path):
    with VideoSink(tmp_path / "out.mp4", context()) as sink:
        assert sink.size_bytes == 0
        for i in range(60):
            sink.write(item(i))
        assert sink.size_bytes > 1000
    assert sink.size_bytes == (tmp_path / "out.mp4").stat().st_size


@pytest.mark.parametrize("name", ["-i.mp4", "a:b.mp4", "pipe:0.mp4", "100%d.mp4", "ä ö 人.mp4"])
def test_names_that_ffmpeg_could_misread(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    record(path.relative_to(tmp_path), [item(i) for i in range(3)])
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert path.stat().st_size > 500


def test_without_room_for_a_copy_the_fragments_get_the_final_name(tmp_path, monkeypatch):
    def full(fragments, output, audio, _is_late):
        output.write_bytes(b"half a copy")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rfviewer.sinks.finish.remux", full)
    path = tmp_path / "out.mp4"
    sink = record(path, [item(i) for i in range(30)])
    assert sink.path == path
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]
    assert b"moof" in path.read_bytes()
    times, _, duration = read_video(path)
    assert times == pytest.approx([i / 25 for i in range(30)], abs=1e-4)
    assert duration == pytest.approx(1.2, abs=0.041)


def test_a_folder_removed_while_recording_is_told(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    sink = VideoSink(folder / "out.mp4", context())
    with sink:
        sink.write(item(0))
        renamed = folder.rename(tmp_path / "elsewhere")
        with pytest.raises(SinkError, match="folder is gone"):
            sink.__exit__(None, None, None)
    assert [p.name for p in renamed.iterdir()] == ["out.partial.mp4"]
    assert len(read_video(renamed / "out.partial.mp4")[0]) == 1
