"""Every kind of file that is written says which command line and which versions made it."""

import json
import shlex
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from rfviewer.cli import _parser, main
from rfviewer.command_line import command_for
from rfviewer.compose import window_session
from rfviewer.config import EngineConfig, Playback, Policy, Settings, View
from rfviewer.decode import Decode
from rfviewer.experiment import (
    AbRequest,
    CeilingsRequest,
    LabRequest,
    ParityRequest,
    WaterfallRequest,
)
from rfviewer.gui.lab_command import lab_command
from rfviewer.optimizations import Optimizations
from rfviewer.snapshot import PlayState
from rfviewer.version import version, versions, versions_text
from tests.engine.tiny_onnx import write_tiny_onnx
from tests.session.test_replays import saved

OFF, ON = Optimizations(roi_masks=False), Optimizations()
SOURCE = "synthetic:64x48@25,frames=12"


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    """Run a verb and return its command line as it must stand in the files."""
    monkeypatch.setattr(sys, "argv", ["rfviewer", *words])
    assert main(list(words)) in (0, 1)
    return " ".join(["rfviewer", *words])


def text_chunks(path: Path) -> dict[str, str]:
    """Return the texts of a PNG by keyword."""
    data, found, at = path.read_bytes(), {}, 8
    while at < len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        if kind in {b"tEXt", b"iTXt"}:
            key, _, value = body.partition(b"\0")
            found[key.decode()] = value.lstrip(b"\0").decode("utf-8", "replace")
        at += 12 + length
    return found


def check(about: dict[str, str], command: str) -> None:
    assert about["command"] == command
    assert about["versions"] == versions_text()
    assert about["software"] == f"rfviewer {version()}"


def test_the_versions_name_what_takes_part() -> None:
    assert {"rfviewer", "python", "numpy", "av", "onnxruntime"} <= set(versions())
    assert f"numpy {np.__version__}" in versions_text()


def test_an_export_says_it_in_video_labels_and_coco(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    video, labels, coco = (str(tmp_path / name) for name in ("a.mp4", "a.jsonl", "a.json"))
    words = ["export", SOURCE, "-o", video, "--labels", labels, "--coco", coco]
    command = run(monkeypatch, *words, "--model", "none", "--quiet")
    with av.open(video) as container:
        lines = container.metadata["comment"].splitlines()
    check(dict(line.split(": ", 1) for line in lines), command)
    check(json.loads(Path(labels).read_text().splitlines()[0])["made_with"], command)
    check(json.loads(Path(coco).read_text())["info"], command)


def test_traces_and_reports_say_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trace, page = tmp_path / "t.json", tmp_path / "t.html"
    words = ["trace", SOURCE, "-o", str(trace), "--html", str(page), "--frames", "8"]
    command = run(monkeypatch, *words, "--model", "none", "--quiet")
    check(json.loads(trace.read_text())["otherData"], command)
    html = page.read_text()
    for told in (command, f"rfviewer {version()}", *versions().values()):
        assert told in html


def test_pictures_of_the_worst_frames_say_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    boxes, labels = rng.uniform(0.2, 0.8, (1, 9, 4)), rng.normal(0, 2, (1, 9, 3))
    tiny = str(write_tiny_onnx(tmp_path / "tiny.onnx", {"dets": boxes, "labels": labels}))
    words = ["parity", SOURCE, "--reference", "float_boxes=off", "--candidate", "float_boxes=on"]
    words += ["--model", tiny, "--save", str(tmp_path / "worst"), "--exactness", "X0"]
    command = run(monkeypatch, *words, "--quiet", "--json")
    made = json.loads(capsys.readouterr().out)
    assert made["versions"] == versions()
    check(text_chunks(Path(made["saved"][0])), command)


def test_screenshots_and_replays_of_a_session_say_it(tmp_path: Path) -> None:
    settings = Settings(
        engine=EngineConfig(model="none"),
        view=View(threshold=0.25),
        optimizations=Optimizations(roi_masks=False),
    )
    picture, replay = tmp_path / "a.png", tmp_path / "a.rfreplay"
    with closing(window_session(settings)) as session:
        session.open(SOURCE, Playback(policy=Policy.EVERY_FRAME, rate=None))
        session.wait(lambda s: s.counters.inferred >= 12 and s.state is PlayState.ENDED, 60)
        session.screenshot(picture, "annotated")
        session.wait(lambda s: any("a.png" in text for _, text in s.notices), 60)
        assert cv2.imread(str(picture)) is not None
        assert "12 with results" in saved(session, replay)
    with zipfile.ZipFile(replay) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    command = f"rfviewer {SOURCE} --model none --policy every-frame --threshold 0.25"
    command += " --set roi_masks=off"
    check(text_chunks(picture), command)
    check(manifest["made_with"], command)


@pytest.mark.parametrize(
    ("experiment", "verb"),
    [
        (AbRequest(a=OFF, b=ON), "ab"),
        (WaterfallRequest(target=ON, names=("roi_masks",)), "ab"),
        (ParityRequest(reference=OFF, candidate=ON), "parity"),
        (CeilingsRequest(target=OFF), "bench"),
    ],
)
def test_the_line_of_an_experiment_is_taken_by_its_verb(experiment: LabRequest, verb: str) -> None:
    """Whatever the window plays with: what a verb has no option for is not in its line."""
    settings = Settings(
        engine=EngineConfig(threads=1, precision="fp32"),
        view=View(threshold=0.4),
        playback=Playback(policy=Policy.KEEP_PACE, loop=True, start_s=2.0, decode=Decode.GPU),
    )
    program, *words = shlex.split(lab_command(experiment, settings, "a clip.mp4", command_for))
    assert (program, words[0]) == ("rfviewer", verb)
    options = _parser(verb).parse_args(words[1:])
    assert options.source == "a clip.mp4"
    assert options.threads == 1
    assert getattr(options, "decode", None) == ("gpu" if verb == "bench" else None)
