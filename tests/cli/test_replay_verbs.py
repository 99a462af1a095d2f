"""The verbs that measure take a saved replay as any other file: its frames, its settings."""

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from rfviewer.cli import main
from rfviewer.compose import window_session
from rfviewer.config import EngineConfig, Playback, Policy, Settings, View
from rfviewer.optimizations import Optimizations
from rfviewer.snapshot import PlayState
from tests.engine.tiny_onnx import write_tiny_onnx
from tests.session.test_replays import saved
from tests.sources.makers import make_clip


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run of a tiny network on 20 frames with settings of its own, saved for real."""
    folder = tmp_path_factory.mktemp("replay")
    rng = np.random.default_rng(1)
    outputs = {
        "dets": rng.uniform(0.2, 0.8, (1, 9, 4)),
        "labels": rng.normal(0, 2, (1, 9, 3)),
        "masks": rng.normal(0, 2, (1, 9, 5, 7)),
    }
    settings = Settings(
        engine=EngineConfig(model=str(write_tiny_onnx(folder / "tiny.onnx", outputs))),
        view=View(threshold=0.25),
        optimizations=Optimizations(roi_masks=False),
    )
    path = folder / "run.rfreplay"
    with closing(window_session(settings)) as session:
        clip = str(make_clip(folder / "clip.mp4", 20))
        session.open(clip, Playback(policy=Policy.EVERY_FRAME, rate=None))
        session.wait(lambda s: s.counters.inferred >= 20 and s.state is PlayState.ENDED, 120)
        assert "20 with results" in saved(session, path)
    return str(path)


def report(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    assert main([*words, "--quiet", "--json"]) == 0
    made: dict[str, object] = json.loads(capsys.readouterr().out)
    return made


def test_ab_measures_on_the_frames_of_a_replay(
    capsys: pytest.CaptureFixture[str], replay: str
) -> None:
    made = report(capsys, "ab", replay, "--toggle", "limit_masks", "--rounds", "2")
    assert made["recorded_frames"] == 20
    assert made["model"] == "tiny.onnx"  # as it was saved
    assert made["b"]["roi_masks"] is False  # type: ignore[index] - as it was saved
    assert "run.rfreplay" in str(made["input"])


def test_ab_takes_what_the_command_line_says_before_what_was_saved(
    capsys: pytest.CaptureFixture[str], replay: str
) -> None:
    words = ("--toggle", "limit_masks", "--set", "roi_masks=on", "--rounds", "1")
    assert report(capsys, "ab", replay, *words)["b"]["roi_masks"] is True  # type: ignore[index]


def test_parity_compares_over_every_frame_of_a_replay(
    capsys: pytest.CaptureFixture[str], replay: str
) -> None:
    words = ("--reference", "roi_masks=off", "--candidate", "roi_masks=on")
    made = report(capsys, "parity", replay, *words)
    assert (made["passed"], made["frames"]) == (True, 20)


def test_bench_measures_a_replay(capsys: pytest.CaptureFixture[str], replay: str) -> None:
    made = report(capsys, "bench", replay, "--frames", "8")
    assert float(made["pipeline_fps"]) > 0  # type: ignore[arg-type]
    assert made["frames"] == 8
    assert made["toggles"]["roi_masks"] is False  # type: ignore[index]


def test_ceilings_are_measured_on_a_replay(capsys: pytest.CaptureFixture[str], replay: str) -> None:
    made = report(capsys, "bench", replay, "--ceilings")
    found = {one["name"]: one["fps"] for one in made["ceilings"]}  # type: ignore[attr-defined]
    assert all(fps > 0 for fps in found.values())
    assert {"decode", "encode", "network with copy in", "backend call path"} <= set(found)


def test_trace_shows_a_replay(
    capsys: pytest.CaptureFixture[str], replay: str, tmp_path: Path
) -> None:
    target = tmp_path / "trace.json"
    assert main(["trace", replay, "-o", str(target), "--frames", "15", "--quiet"]) == 0
    assert "15 frames" in capsys.readouterr().out
    events = json.loads(target.read_text())["traceEvents"]
    assert len([one for one in events if one["name"] == "infer"]) == 15
