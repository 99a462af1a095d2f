"""The ab verb and bench --ceilings: what is asked for, what is printed."""

import argparse
import json

import pytest

from rfviewer import ab_verb
from rfviewer.ab_verb import record, request_of
from rfviewer.cli import main
from rfviewer.errors import SourceError, UsageError
from rfviewer.experiment import AbRequest, WaterfallRequest
from rfviewer.lab.describe import PAIRED
from rfviewer.optimizations import Optimizations
from tests.fakes import FakeSource

SYNTHETIC = "synthetic:64x48@25,frames=12"
DEFAULT, BASELINE = Optimizations(), Optimizations.baseline()


def asked(target: Optimizations = DEFAULT, **options: object) -> AbRequest | WaterfallRequest:
    known = {"toggle": "", "a": "", "b": "", "frames": None, "rounds": 0, "waterfall": False}
    return request_of(argparse.Namespace(**{**known, **options}), target)


def test_without_a_word_the_baseline_is_compared_with_the_settings() -> None:
    assert asked() == AbRequest(a=BASELINE, b=DEFAULT)
    other = DEFAULT.set("depth", 3)
    assert asked(other, frames=4, rounds=9) == AbRequest(a=BASELINE, b=other, frames=4, rounds=9)


def test_a_toggle_is_off_in_a_and_on_in_b() -> None:
    both = asked(BASELINE, toggle="roi_masks, limit_masks")
    on = BASELINE.set("roi_masks", "on").set("limit_masks", "on")
    assert both == AbRequest(a=BASELINE, b=on)
    assert asked(toggle="roi_masks") == AbRequest(a=DEFAULT.set("roi_masks", "off"), b=DEFAULT)
    assert asked(toggle="depth") == AbRequest(a=DEFAULT.set("depth", 1), b=DEFAULT)
    three = DEFAULT.set("depth", 3)
    assert asked(three, toggle="depth") == AbRequest(a=three.set("depth", 1), b=three)
    assert asked(BASELINE, toggle="depth").b.depth == DEFAULT.depth  # type: ignore[union-attr]
    both = AbRequest(a=DEFAULT, b=DEFAULT.set("micro_batch", 2))
    assert asked(toggle="micro_batch") == both  # its default is off


def test_two_sets_are_compared_as_given() -> None:
    request = asked(a="default,depth=1", b="roi_masks=off")
    assert request == AbRequest(a=DEFAULT.set("depth", 1), b=DEFAULT.set("roi_masks", "off"))


def test_a_waterfall_takes_its_target_from_the_settings() -> None:
    request = asked(waterfall=True, toggle="depth,roi_masks", b="depth=3")
    target = DEFAULT.set("depth", 3)
    assert request == WaterfallRequest(target=target, names=("depth", "roi_masks"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"toggle": "speed"}, "no optimization speed"),
        ({"toggle": "depth", "a": "baseline"}, "either --toggle, or"),
        ({"waterfall": True, "a": "baseline"}, "leave --a out"),
        ({"toggle": " ,"}, "--toggle takes names with commas between"),
        ({"b": "fast"}, "baseline or default, got fast"),
    ],
)
def test_contradictions_are_told_in_one_sentence(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        asked(**options)  # type: ignore[arg-type]


def test_frames_of_one_size_are_recorded() -> None:
    frames = record(FakeSource(9))  # type: ignore[arg-type]
    assert [frame.frame_index for frame in frames] == list(range(9))
    assert len(record(FakeSource(500))) == 32  # type: ignore[arg-type]
    with pytest.raises(SourceError, match="gave no frame"):
        record(FakeSource(0))  # type: ignore[arg-type]


def test_the_report_says_everything_as_json(capsys: pytest.CaptureFixture[str], tiny: str) -> None:
    words = ["--model", tiny, "--toggle", "roi_masks", "--rounds", "2", "--quiet", "--json"]
    assert main(["ab", SYNTHETIC, *words]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["verdict"].startswith("too few rounds to tell: 2 rounds counted, at least 13")
    assert (report["effect"], report["blocks"]) == (False, 4)
    quantities = [one["quantity"] for one in report["stages"]]
    assert quantities == ["preprocess", "infer", "postprocess", "render", "latency"]
    for one in (*report["stages"], report["throughput"]):
        assert one["interval"]["low"] <= one["difference"] <= one["interval"]["high"]
    assert report["a"]["roi_masks"] is False
    assert report["toggles"]["cuda_graph"] is False
    assert "64x48" in report["input"]
    assert {"hardware", "versions", "backend", "device", "precision", "model"} <= set(report)


def test_a_waterfall_is_printed_as_a_table(capsys: pytest.CaptureFixture[str], tiny: str) -> None:
    words = ["--model", tiny, "--toggle", "roi_masks,depth", "--rounds", "1", "--frames", "1"]
    assert main(["ab", SYNTHETIC, *words, "--waterfall", "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == [
        "frame",
        "time,",
        "ms",
        "alone",
        "removed",
        "from",
        "all",
        "in",
        "turn",
    ]
    assert [line.split()[0] for line in lines[2:5]] == ["depth", "roi_masks", "all"]
    assert lines[-1] == (
        "verdict: too few rounds to tell: 1 round counted, at least 6 can tell any effect"
    )


def test_the_table_says_what_stands_beside_what(
    capsys: pytest.CaptureFixture[str], tiny: str
) -> None:
    words = ["--model", tiny, "--toggle", "roi_masks", "--rounds", "1", "--frames", "1", "--quiet"]
    assert main(["ab", SYNTHETIC, *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert PAIRED in lines
    assert [line for line in lines if line.endswith("blocks of 1 frame a side")]


def test_the_help_says_how_few_rounds_tell_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["ab", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "a waterfall needs 6 to name an effect, A/B 12 or more" in said


def test_what_cannot_run_is_refused_in_a_waterfall(
    capsys: pytest.CaptureFixture[str], tiny: str
) -> None:
    words = ["--model", tiny, "--toggle", "cuda_graph", "--waterfall", "--quiet"]
    assert main(["ab", SYNTHETIC, *words]) == 1
    assert "cuda_graph has no part" in capsys.readouterr().err


def test_ceilings_name_what_binds(capsys: pytest.CaptureFixture[str], tiny: str) -> None:
    words = ["--model", tiny, "--ceilings", "--quiet", "--json"]
    assert main(["bench", "synthetic:64x48@25,frames=40", *words]) == 0
    report = json.loads(capsys.readouterr().out)
    found = {one["name"]: one["fps"] for one in report["ceilings"]}
    for name in ("bare network", "whole slot", "2 slots", "drawing", "decode", "encode"):
        assert found[name] > 0
    assert report["running_fps"] > 0
    assert report["bound"] in report["verdict"]
    assert report["bound"].endswith("-bound")


def test_what_cannot_run_is_refused_at_once(
    capsys: pytest.CaptureFixture[str], tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(*_: object) -> None:
        raise AssertionError("nothing can be learned from it")

    monkeypatch.setattr(ab_verb, "run_experiment", measured)
    words = ["--model", tiny, "--backend", "onnxruntime", "--json"]
    assert main(["ab", SYNTHETIC, *words, "--toggle", "cuda_graph,tuned_masks"]) == 1
    said = capsys.readouterr()
    assert "cuda_graph: needs an NVIDIA GPU; tuned_masks: needs an NVIDIA GPU." in said.err
    assert json.loads(said.out)["error"] in said.err
