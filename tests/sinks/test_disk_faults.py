"""Disks that fill up, folders that vanish: what is written stays, and the next recording works."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from rfviewer.errors import SinkError
from rfviewer.sinks import free_space
from rfviewer.sinks.free_space import FreeSpace
from rfviewer.sinks.labels import JsonlSink
from rfviewer.sinks.video import VideoSink
from tests.sinks.media import NAMES, context, item, read_video


def noise(index: int, rng: np.random.Generator) -> np.ndarray:
    image = rng.integers(0, 256, (96, 128, 4), np.uint8)
    image[..., 3] = 255
    return image


def record_until_it_breaks(path: Path) -> tuple[int, str]:
    """Return how many frames were taken, and the sentence."""
    rng = np.random.default_rng(0)
    taken = 0
    with pytest.raises(SinkError) as caught, VideoSink(path, context()) as sink:  # noqa: PT012
        for index in range(5000):
            sink.write(item(index, image=noise(index, rng)))
            taken += 1
    return taken, str(caught.value)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 2 MB; needs the right to mount."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)]
    if os.name != "posix" or shutil.which("mount") is None:
        pytest.skip("no mount here")
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full_keeps_what_was_written_and_says_how_long_it_is(small_disk):
    path = small_disk / "a.mp4"
    taken, sentence = record_until_it_breaks(path)
    assert "the disk is full" in sentence
    assert [p.name for p in small_disk.iterdir()] == ["a.mp4"]
    times, _, _ = read_video(path)
    assert taken - 25 <= len(times) <= taken + 1
    assert f"The first {len(times) / 25:.1f} s are kept" in sentence
    # The next recording on a disk with room works at once.
    other = small_disk.parent / "b.mp4"
    with VideoSink(other, context()) as sink:
        sink.write(item(0))
    assert len(read_video(other)[0]) == 1


def test_a_folder_that_vanishes_stops_the_recording_within_a_second(tmp_path):
    folder = tmp_path / "usb"
    folder.mkdir()
    rng = np.random.default_rng(0)
    with pytest.raises(SinkError) as caught, VideoSink(folder / "a.mp4", context()) as sink:  # noqa: PT012
        for index in range(200):
            if index == 50:
                shutil.rmtree(folder)
            sink.write(item(index, image=noise(index, rng)))
            taken = index
    assert taken <= 50 + 26
    assert "its folder is gone" in str(caught.value)


def test_labels_that_are_removed_stop_the_recording(tmp_path):
    path = tmp_path / "a.jsonl"
    with pytest.raises(SinkError, match="labels of 1"), JsonlSink(path, NAMES) as sink:  # noqa: PT012
        sink.write(item(0))
        path.unlink()
        sink.write(item(1))


def test_a_disk_that_runs_full_is_told_once_before_it_is(tmp_path, monkeypatch):
    clock = [100.0]
    free = [50_000_000_000]
    monkeypatch.setattr(free_space.time, "monotonic", lambda: clock[0])
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free[0]))
    space = FreeSpace(tmp_path)
    clock[0] += 0.5
    assert space.warning(1) == ""
    clock[0] += 9.5
    assert space.warning(10_000_000) == ""
    free[0] = 400_000_000
    assert space.warning(11_000_000) == "", "it is looked at once a second at most"
    clock[0] += 10
    assert space.warning(40_000_000) == (
        f"The disk of {tmp_path} has only 400 MB left, about 3 minutes at this rate;"
        " free some space or stop the recording."
    )
    clock[0] += 10
    assert space.warning(50_000_000) == ""


def test_the_warning_comes_while_recording_and_is_no_news_afterwards(tmp_path, monkeypatch):
    monkeypatch.setattr(free_space, "_LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(free_space, "_WARN_BELOW_BYTES", 1 << 60)
    with VideoSink(tmp_path / "a.mp4", context()) as sink:
        for index in range(30):
            sink.write(item(index))
        assert "MB left" in sink.notice
    assert sink.notice == ""
