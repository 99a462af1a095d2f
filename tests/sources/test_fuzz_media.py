"""Mutated media never crash or hang the reader; `fuzz_media` runs larger numbers by hand."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from rfviewer import paths
from tests.sources.fuzz_media import mutate
from tests.sources.makers import make_clip, numbered_images

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def seeds(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("seeds")
    cv2.imwrite(str(folder / "a.png"), numbered_images(1)[0])
    cv2.imwrite(str(folder / "a.jpg"), numbered_images(1)[0])
    return [
        make_clip(folder / "a.mp4", count=12),
        make_clip(folder / "a.mkv", count=12),
        make_clip(folder / "a.ts", count=12),
        make_clip(folder / "a.avi", count=12, codec="mjpeg", pix_fmt="yuvj420p"),
        folder / "a.png",
        folder / "a.jpg",
    ]


def test_mutated_media_are_read_or_refused_in_one_sentence(seeds):
    command = [sys.executable, "-m", "tests.sources.fuzz_media", *map(str, seeds), "--count", "15"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"{lines[-1:]} {done.stderr[-2000:]}"
    outcomes = [line for line in lines if "frames" in line]
    assert len(outcomes) == len(seeds) * 15
    for refused in (line["error"] for line in outcomes if line["error"]):
        assert "Traceback" not in refused
        assert refused.endswith(".")
        assert "\n" not in refused
    assert any(line["frames"] for line in outcomes)
    assert any(line["error"] for line in outcomes)


def test_mutations_repeat():
    data = paths.resource("demo_clip.mp4").read_bytes()[:20_000]
    assert [mutate(data, seed) for seed in range(10)] == [mutate(data, seed) for seed in range(10)]
    assert all(mutate(data, seed) != data for seed in range(10))
