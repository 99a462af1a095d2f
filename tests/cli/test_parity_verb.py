"""The parity verb: what it prints, saves and returns."""

import errno
import json
from pathlib import Path

import cv2
import pytest
from PIL import Image

from rfviewer import writable_folder
from rfviewer.cli import main
from rfviewer.errors import UsageError
from rfviewer.lab.describe import describe_difference, describe_set
from rfviewer.optimizations import Optimizations
from rfviewer.parity_verb import parse_set

SYNTHETIC = "synthetic:64x48@25,frames=12"
NONE = ["--model", "none", "--quiet"]


def test_sets_are_read_from_names_and_values() -> None:
    default, baseline = Optimizations(), Optimizations.baseline()
    base = default.set("depth", 3)
    assert parse_set("", base) == base
    assert parse_set("baseline", base) == baseline
    assert parse_set("default", base) == default
    assert parse_set("roi_masks=off", base) == base.set("roi_masks", "off")
    assert parse_set("baseline, depth=2,roi_masks=on", base) == baseline.set("depth", 2).set(
        "roi_masks", "on"
    )
    with pytest.raises(UsageError, match="baseline or default, got fast"):
        parse_set("fast", base)
    with pytest.raises(UsageError, match="no optimization fast"):
        parse_set("fast=on", base)


def test_sets_are_described_from_the_nearer_known_one() -> None:
    default, baseline = Optimizations(), Optimizations.baseline()
    assert describe_set(default) == "default"
    assert describe_set(baseline) == "baseline"
    assert describe_set(baseline.set("depth", 3)) == "baseline,depth=3"
    assert describe_set(default.set("roi_masks", "off")) == "roi_masks=off"
    for optimizations in (default.set("depth", 1), baseline.set("roi_masks", "on")):
        assert parse_set(describe_set(optimizations), default) == optimizations
    assert describe_difference(default, default) == ("", "")
    one = default.set("depth", 3)
    assert describe_difference(default, one) == ("depth=2", "depth=3")
    assert describe_difference(baseline, default) == ("baseline", "default")
    other = default.set("depth", 4)
    assert describe_difference(baseline, other)[1].startswith("cuda_graph=on, early_warmup=on +")


def test_equal_settings_pass_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["parity", SYNTHETIC, *NONE, "--candidate", "depth=3", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert code == 0
    assert (report["passed"], report["gate"], report["frames"]) == (True, "G0", 12)
    assert report["reference"]["optimizations"]["depth"] == 1
    assert "the same in effect" in report["notes"][0]  # model none has no network
    assert report["saved"] == []


def test_the_number_of_frames_can_be_limited(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parity", SYNTHETIC, *NONE, "--frames", "5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 5


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["parity", SYNTHETIC, "--reference", "fast", *NONE], 2, "got fast"),
        (["parity", "no.mp4", *NONE], 1, "no.mp4"),
        (["parity", SYNTHETIC, "--candidate-model", "no_such_model", *NONE], 1, "no_such_model"),
    ],
)
def test_what_cannot_be_compared_is_told_in_a_sentence(
    words: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--json"]) == code
    captured = capsys.readouterr()
    assert sentence in json.loads(captured.out)["error"]
    assert "Traceback" not in captured.err


def test_a_folder_that_cannot_be_made_is_told_before_the_network_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    assert main(["parity", SYNTHETIC, *NONE, "--save", str(file / "folder")]) == 1
    assert "cannot be made" in capsys.readouterr().err


@pytest.mark.slow
def test_the_demo_model_passes_its_promise_and_fails_a_stricter_one_with_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["parity", "demo", "--frames", "3", "--quiet", "--candidate", "default"]
    folder = tmp_path / "worst"
    assert main([*words, "--exactness", "X0", "--save", str(folder), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert not report["passed"]
    assert report["gate"] == "G0"
    assert report["failures"]
    assert 0 < report["box_max_px"] <= 0.5  # the baseline rounds boxes to pixels
    assert report["flips"] == report["missing"] == report["extra"] == 0
    pictures = [Path(path) for path in report["saved"]]
    assert report["worst_png"] == str(pictures[0])
    assert pictures[0].name == f"frame_{report['worst_frame']:06d}.png"
    image = cv2.imread(str(pictures[0]))
    assert image.shape[1] > 3 * 312
    with Image.open(pictures[0]) as picture:
        assert "same bytes are promised" in picture.info["verdict"]
        assert "rfviewer" in picture.info["command"]
    # The same again under its own promise, as text.
    assert main([*words, "--threshold", "0.4"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("PASS  G1/E2  Within E2 on 3 frames")
    assert "\ngate       same precision, other order of additions" in told


def test_a_run_that_is_stopped_leaves_no_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rfviewer.parity_verb.compare_sides", stopped)
    (tmp_path / "old").mkdir()
    for name in ("new", "old"):
        assert main(["parity", SYNTHETIC, *NONE, "--save", str(tmp_path / name)]) == 1
        assert capsys.readouterr().err == "rfviewer: Stopped.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_a_folder_that_takes_no_files_is_told_before_the_network_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(writable_folder.tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr("rfviewer.parity_verb.build_engine", None)  # would fail
    assert main(["parity", SYNTHETIC, *NONE, "--save", str(tmp_path)]) == 1
    assert "cannot be made or written (Read-only file system)" in capsys.readouterr().err
