"""The sound of a recording: copied in sync, or left out with a notice; the video stays whole."""

import re

import av
import numpy as np
import pytest

from rfviewer.sinks import finish
from tests.sinks.media import clicks_s, file_context, item, probe, read_video, record, write_source


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
