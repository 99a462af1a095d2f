"""The real program in child processes: exit codes, and one sentence per fault."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cli.program import command, environment, rfviewer
from tests.models.tiny_onnx import rfdetr_like


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ("missing.mp4", 1, "There is no file missing.mp4"),
        ("text.mp4", 1, "text.mp4 is a text file and no video"),
        ("empty.mp4", 1, "empty.mp4 is empty"),
        ("export missing.mp4 -o x.mp4", 1, "There is no file missing.mp4"),
        ("export text.mp4 -o x.mp4", 1, "text.mp4 is no video that can be read here"),
        ("export 99 -o x.mp4", 1, "camera"),
        ("99", 1, "camera"),
        ("export {clip} -o nowhere/x.mp4", 1, "The folder nowhere does not exist"),
        ("export {clip} -o {clip} --overwrite", 1, "is the source itself"),
        (
            "export {clip} -o text.mp4",
            1,
            "a file of that name exists; choose another name, or on the",
        ),
        ("export {clip} -o x.avi", 2, "must be named .mp4"),
        ("export {clip}", 2, "Nothing to write"),
        ("export", 2, "required"),
        ("export {clip} -o x.mp4 --threshold high", 2, "--threshold: must be a number, got high"),
        ("export {clip} -o x.mp4 --start abc", 2, "--start: must be a number, got abc"),
        ("export {clip} -o x.mp4 --end nan", 2, "--end: must be a number of seconds from 0 on"),
        ("export {clip} -o x.mp4 --frames 1.5", 2, "--frames: must be a whole number, got 1.5"),
        ("export {clip} -o x.mp4 --threads two", 2, "--threads: must be a whole number, got two"),
        ("export {clip} --labels a.json --coco ./a.json", 2, "must have different names"),
        ("export {clip} --labels -", 2, "Recordings go to files, and - is none"),
        ("export {clip} --labels /dev/stdout", 2, "and /dev/stdout is none; choose a file name"),
        ("export {clip} -o x.mp4 --start 3 --end 2", 2, "must lie after the start"),
        ("export {clip} -o x.mp4 --model no-such", 1, "There is no model no-such"),
        ("export {clip} -o x.mp4 --model text.mp4", 1, "is neither an .onnx file nor"),
        ("export {clip} -o x.mp4 --start 9 --model none", 1, "is only 0.5 s long"),
        ("export {clip} -o x.mp4 --classes cat --model none", 1, "The model has no class cat"),
        ("bench text.mp4", 1, "text.mp4 is no video that can be read here"),
        ("exprt demo", 2, "There is no file or verb exprt; did you mean export?"),
        ("doctr", 2, "There is no file or verb doctr; did you mean doctor?"),
        ("frobnicate", 2, "There is no file or verb frobnicate; see rfviewer --help"),
        ("export demo --frmes 6", 2, "no option --frmes; did you mean --frames? see rfviewer exp"),
        ("trace demo --hmtl=a.html", 2, "there is no option --hmtl; did you mean --html?"),
        ("engine build --targt sm89", 2, "there is no option --targt; did you mean --target?"),
        ("recover --wonder", 2, "there is no option --wonder; see rfviewer recover --help"),
        ("devices all", 2, "all is one word too many; see rfviewer devices --help"),
        ("ab demo --toggle limit_mask", 2, "no optimization limit_mask; did you mean limit_masks?"),
        ("demo --set roi_mask=off", 2, "no optimization roi_mask; did you mean roi_masks?"),
        ("export --set depth=1 demo", 2, "SOURCE, before --set, which takes every word after it"),
        ("export demo", 2, "Nothing to write"),
        ("export {clip} -o x.mp4 --classes ,", 2, "--classes names no class"),
        ("bench demo --set all=fast", 2, "all takes off, which is the reference path; got fast"),
        ("ab demo --rounds x", 2, "--rounds: must be a whole number, got x"),
        ("ab demo --toggle ,", 2, "--toggle takes names with commas between, got ,"),
        ("trace demo -o t.json --seconds 0", 2, "--seconds: must be a number above 0, got 0"),
        ("trace demo -o t.json --seconds 2 --frames 3", 2, "not allowed with argument --seconds"),
        ("soak demo --minutes 1 --cycles 3", 2, "not allowed with argument --minutes"),
        ("models --accept MIT", 2, "No model needs consent to MIT"),
    ],
)
def test_faults_are_one_sentence(
    home: Path, clip: Path, arguments: str, code: int, sentence: str
) -> None:
    (home / "text.mp4").write_text("hello\n")
    (home / "empty.mp4").touch()
    done = rfviewer(home, *(word.format(clip=clip) for word in arguments.split()))
    assert done.returncode == code
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("rfviewer")
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""
    assert not (home / "x.mp4").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("bench no.mp4", 1),
        ("export no.mp4 -o x.mp4", 1),
        ("export demo", 2),
        ("export", 2),
        ("bench demo --set roi_mask=off", 2),
        ("ab demo --toggle roi_mask", 2),
        ("bench demo --frmes 3", 2),
        ("trace demo --frames many", 2),
        ("engine build --targt sm89", 2),
        ("engine", 2),
        ("doctr", 2),
        ("frobnicate", 2),
        ("demo", 2),
    ],
)
def test_with_json_a_fault_is_an_object_on_stdout_too(home: Path, words: str, code: int) -> None:
    done = rfviewer(home, *words.split(), "--json")
    assert done.returncode == code
    error = json.loads(done.stdout)["error"]
    assert done.stderr == f"rfviewer: {error}\n"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_model_with_invalid_output_is_named_as_the_cause(
    home: Path, clip: Path, value: float
) -> None:
    (home / "bad.onnx").write_bytes(rfdetr_like(spoilt=value))
    done = rfviewer(home, "export", clip, "-o", "x.mp4", "--model", "bad.onnx", "--json")
    assert done.returncode == 1
    assert "model output is invalid" in json.loads(done.stdout)["error"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have a screen")
@pytest.mark.parametrize("display", ["", ":4321"])
def test_the_window_without_a_screen_is_one_sentence(home: Path, clip: Path, display: str) -> None:
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    bare = {name: value for name, value in environment(home).items() if name not in names}
    done = subprocess.run(
        command(clip, "--quit-after", "1"),
        env={**bare, **({"DISPLAY": display} if display else {})},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("rfviewer: The window ")
    assert len(done.stderr.splitlines()) == 1
