"""The real `rfviewer export` in child processes: its files, its report, and being stopped."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from rfviewer.paths import resource
from tests.cli.program import CLIP_FRAMES, command, environment, frame_count, rfviewer


def test_export_writes_all_files_and_reports(home: Path, clip: Path) -> None:
    files = ["-o", "out.mp4", "--labels", "out.jsonl", "--coco", "out.json"]
    done = rfviewer(home, "export", clip, *files, "--model", "none", "--json")
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    needed = {"frames_in", "frames_out", "frames_damaged", "detections", "fps", "backend"}
    assert needed | {"output", "notice"} <= set(report)
    assert report["frames_in"] == report["frames_out"] == CLIP_FRAMES
    assert report["frames_damaged"] == report["detections"] == 0
    assert report["fps"] > 0
    assert report["output"] == "out.mp4"
    assert frame_count(home / "out.mp4") == CLIP_FRAMES
    labels = (home / "out.jsonl").read_text().splitlines()
    assert sum('"frame' in line for line in labels) >= CLIP_FRAMES
    assert json.loads((home / "out.json").read_text())["images"]
    assert done.stderr == ""
    assert sorted(p.name for p in home.glob("out*")) == ["out.json", "out.jsonl", "out.mp4"]


def test_export_says_what_was_asked_for_in_vain(home: Path, clip: Path) -> None:
    words = ["--labels", "out.jsonl", "--model", "none", "--set", "micro_batch=4", "--json"]
    done = rfviewer(home, "export", clip, *words)
    report = json.loads(done.stdout)
    assert report["frames_out"] == CLIP_FRAMES
    assert report["notice"] == "micro_batch=4 is not in effect: the model has no network."


@pytest.mark.parametrize("words", ["export -o out.mp4", "trace -o out.json"])
def test_an_image_that_is_left_out_is_told_once(home: Path, words: str) -> None:
    """The source is opened twice: to refuse it before a network loads, and for the work."""
    images = home / "images"
    images.mkdir()
    (images / "0.png").write_text("no image")
    for name in ("1.png", "2.png"):
        cv2.imwrite(str(images / name), np.zeros((48, 64, 3), np.uint8))
    verb, *rest = words.split()
    done = rfviewer(home, verb, "images", *rest, "--model", "none", "--quiet")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("left out: 0.png is no image") == 1


def test_export_of_a_part(home: Path, clip: Path) -> None:
    words = ["--start", "0.2", "--frames", "3", "--model", "none", "--json"]
    done = rfviewer(home, "export", clip, "-o", "out.mp4", *words)
    assert json.loads(done.stdout)["frames_out"] == 3, done.stderr
    assert frame_count(home / "out.mp4") == 3


def test_export_of_one_frame(home: Path, clip: Path) -> None:
    done = rfviewer(home, "export", clip, "-o", "out.mp4", "--frames", "1", "--model", "none")
    assert done.returncode == 0, done.stderr
    assert frame_count(home / "out.mp4") == 1


def test_a_file_that_is_cut_off_is_told_as_that(home: Path) -> None:
    whole = resource("demo_clip.mp4").read_bytes()
    (home / "cut.mp4").write_bytes(whole[: len(whole) // 8])
    words = ["export", "cut.mp4", "--labels", "out.jsonl", "--model", "none", "--json"]
    report = json.loads(rfviewer(home, *words).stdout)
    assert 0 < report["frames_out"] < 200
    assert "cut.mp4: it is cut off: " in report["notice"]
    assert " of the 538 frames that it states are there." in report["notice"]


def test_export_tells_people_too(home: Path, clip: Path) -> None:
    done = rfviewer(home, "export", clip, "-o", "out.mp4", "--model", "none")
    assert done.stdout.startswith(f"{CLIP_FRAMES} frames, 0 detections")
    assert "frames/s without a network: out.mp4" in done.stdout
    assert done.stdout.rstrip().endswith("out.mp4")


@pytest.fixture
def running_export(home: Path) -> Iterator[subprocess.Popen[str]]:
    words = ["export", "synthetic:64x48@25", "-o", "out.mp4", "--labels", "out.jsonl"]
    child = subprocess.Popen(
        command(*words, "--model", "none", "--json"),
        cwd=home,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not _lines(home) and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    yield child
    child.kill()
    child.communicate()


def _lines(home: Path) -> int:
    """Return how many label lines are written so far, under whatever name."""
    return sum(path.read_bytes().count(b"\n") for path in home.glob("out*jsonl"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_stopping_keeps_what_is_written(
    home: Path, running_export: subprocess.Popen[str], number: signal.Signals
) -> None:
    running_export.send_signal(number)
    out, err = running_export.communicate(timeout=300)
    assert running_export.returncode == 1
    report = json.loads(out)
    assert report["stopped"]
    assert err == f"rfviewer: Stopped; {report['frames_out']} frames are kept in out.mp4.\n"
    assert frame_count(home / "out.mp4") == report["frames_out"] > 0
