import json
import math
import re
import subprocess

import av
import numpy as np
import pytest

from rfviewer.errors import SinkError
from rfviewer.frame import SourceKind
from rfviewer.sinks import finish
from rfviewer.sinks.video import VideoSink
from tests.sinks.media import context, gaps, item, read_video, write_source


def record(path, items, ctx=None, **options):
    with VideoSink(path, ctx or context(), **options) as sink:
        for each in items:
            sink.write(each)
    return sink


def probe(path):
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stderr == ""
    return json.loads(result.stdout)


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


def file_context(path):
    return context(uri=str(path), name=path.name, kind=SourceKind.FILE)


def clicks_s(path, until_s=math.inf):
    """Return the times at which a click begins, up to `until_s`."""
    times = []
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        for frame in container.decode(stream):
            if frame.time > until_s:
                break
            samples = np.abs(frame.to_ndarray()[0].astype(float))
            peak = samples.max() or 1
            loud = samples > (0.15 if peak <= 2 else 0.15 * 32768)
            for offset in np.flatnonzero(loud):
                time_s = float(frame.pts * frame.time_base) + offset / frame.sample_rate
                if not times or time_s - times[-1] > 0.5:
                    times.append(time_s)
    return times


@pytest.mark.parametrize("first", [0, 30])
def test_sound_is_copied_in_sync(tmp_path, first):
    source = write_source(tmp_path / "source.mp4", frames=100)
    original = clicks_s(source)
    assert len(original) >= 3
    path = tmp_path / "out.mp4"
    start_s = first / 25
    items = [item(i, pts_s=i / 25, recorded_s=i / 25 - start_s) for i in range(first, 90)]
    sink = record(path, items, file_context(source))
    assert sink.notice == ""
    expected = [t - start_s for t in original if start_s + 0.1 <= t < 3.5]
    found = [t for t in clicks_s(path) if t >= 0.1 or first == 0][: len(expected)]
    np.testing.assert_allclose(found, expected, atol=0.04)
    streams = {s["codec_type"]: s for s in probe(path)["streams"]}
    assert streams["audio"]["codec_name"] == "aac"
    assert float(streams["audio"]["duration"]) == pytest.approx((90 - first) / 25, abs=0.05)


def test_after_a_jump_there_is_no_sound(tmp_path):
    source = write_source(tmp_path / "source.mp4")
    path = tmp_path / "out.mp4"
    items = [item(0), item(1), item(40, recorded_s=0.08)]
    sink = record(path, items, file_context(source))
    assert [s["codec_type"] for s in probe(path)["streams"]] == ["video"]
    assert sink.notice == "The recording has no sound: the video jumped or looped meanwhile."


def test_sound_that_is_damaged_ends_there_and_is_told(tmp_path, monkeypatch):
    source = write_source(tmp_path / "source.mp4", frames=100)

    def breaking(container, *streams):
        count = 0
        for packet in demux(container, *streams):
            if container.name.endswith("source.mp4"):
                count += 1
                if count > 40:
                    raise av.InvalidDataError(1094995529, "Invalid data found")
            yield packet

    demux = av.container.InputContainer.demux
    monkeypatch.setattr("rfviewer.sinks.remux._demux", breaking)
    path = tmp_path / "out.mp4"
    sink = record(path, [item(i) for i in range(90)], file_context(source))
    assert re.fullmatch(
        r"The sound of the recording ends at 0\.[789] s: source\.mp4 is damaged there\.",
        sink.notice,
    )
    assert len(read_video(path)[0]) == 90
    streams = {s["codec_type"]: s for s in probe(path)["streams"]}
    assert 0.5 < float(streams["audio"]["duration"]) < 1.0


def test_sound_that_the_muxer_refuses_costs_a_notice_and_not_the_video(tmp_path, monkeypatch):
    source = write_source(tmp_path / "source.mp4")
    real = finish.remux

    def refusing(fragments, output, audio, _is_late):
        if audio is not None:
            output.write_bytes(b"half a copy")
            raise ValueError("Invalid argument")
        return real(fragments, output, audio, _is_late)

    monkeypatch.setattr(finish, "remux", refusing)
    path = tmp_path / "out.mp4"
    sink = record(path, [item(i) for i in range(30)], file_context(source))
    assert "cannot be copied into an MP4" in sink.notice
    assert [p.name for p in tmp_path.iterdir() if p != source] == ["out.mp4"]
    assert b"moof" not in path.read_bytes()


def test_sound_that_mp4_cannot_hold_costs_a_notice_and_not_the_video(tmp_path):
    source = write_source(tmp_path / "source.mkv", audio_codec="pcm_s16le")
    path = tmp_path / "out.mp4"
    sink = record(path, [item(i) for i in range(5)], file_context(source))
    assert "pcm_s16le" in sink.notice
    assert len(read_video(path)[0]) == 5


def test_a_source_that_is_gone_costs_a_notice_and_not_the_video(tmp_path):
    path = tmp_path / "out.mp4"
    sink = record(path, [item(i) for i in range(5)], file_context(tmp_path / "moved.mp4"))
    assert "moved.mp4" in sink.notice
    assert len(read_video(path)[0]) == 5


def test_sound_is_left_out_on_request(tmp_path):
    source = write_source(tmp_path / "source.mp4")
    path = tmp_path / "out.mp4"
    record(path, [item(i) for i in range(5)], file_context(source), audio=False)
    assert [s["codec_type"] for s in probe(path)["streams"]] == ["video"]


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
