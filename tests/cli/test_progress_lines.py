"""Where stderr is no terminal the long verbs tell how far they are, unless asked to be quiet."""

import json
from pathlib import Path

import pytest

from rfviewer import progress_lines
from rfviewer.cli import main
from rfviewer.progress_lines import ProgressLines, StatusLine, counted, step_teller

SYNTHETIC = "synthetic:64x48@25,frames=12"


def test_lines_come_every_ten_seconds_and_not_before(capsys) -> None:
    now = [100.0]
    lines = ProgressLines(clock=lambda: now[0])
    for now[0] in (100.0, 109.9, 110.0, 111.0, 119.9, 121.0):
        lines(f"{now[0]:g}")
    assert capsys.readouterr().err == "110\n121\n"


def test_the_first_line_comes_at_once_where_a_network_loads_first(capsys) -> None:
    now = [0.0]
    lines = ProgressLines(at_once=True, clock=lambda: now[0])
    for now[0] in (0.0, 1.0, 9.9, 10.0):
        lines(f"{now[0]:g}")
    assert capsys.readouterr().err == "0\n10\n"


def test_on_a_terminal_each_step_is_told_once(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    tell = step_teller(quiet=False)
    for text in ("Building: 1 %", "Building: 2 %", "Loading", "Loading", "Building: 3 %"):
        tell(text)
    assert capsys.readouterr().err == "Building: 1 %\nLoading\nBuilding: 3 %\n"


def test_a_line_of_a_terminal_is_written_over_and_taken_away(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    line = StatusLine(quiet=False)
    for text in ("1 s", "1 s", "2 s"):
        line(text)
    line.close()
    line.close()
    assert capsys.readouterr().err == "\r\033[K1 s\r\033[K2 s\r\033[K"
    silent = StatusLine(quiet=True)
    silent("1 s")
    silent.close()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "words",
    ["bench {source} --frames 2", "bench {source} --ceilings", "parity {source}",
     "ab {source} --toggle roi_masks --rounds 1 --frames 1", "trace {source} --frames 5 -o {json}"],
)  # fmt: skip
def test_loading_is_told_at_once_and_on_stderr_only(
    words: str, tiny: str, tmp_path: Path, capsys
) -> None:
    arguments = words.format(source=SYNTHETIC, json=tmp_path / "t.json").split()
    code = main([*arguments, "--model", tiny, "--json"])
    said = capsys.readouterr()
    assert code == 0, said.err
    assert said.err.startswith(("Loading the network\n", "Reading the model"))
    json.loads(said.out)


def test_quiet_says_nothing(capsys) -> None:
    now = [0.0]
    lines = ProgressLines(quiet=True, clock=lambda: now[0])
    now[0] = 100.0
    lines("something")
    assert capsys.readouterr().err == ""


def test_how_far_a_step_is_stands_behind_it() -> None:
    assert counted("Comparing", 12, 90) == "Comparing, 12 of 90"
    assert counted("Comparing", 12, 0) == "Comparing, 12"
    assert counted("Loading", 0, 0) == "Loading"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("export {source} -o {folder}/a.mp4", "12 of 12 frames"),
        ("parity {source}", "Frames 1 to 12, 24 of 24"),
        ("trace {source} -o {folder}/t.json --frames 5", "of 5 frames"),
        ("ab {source} --toggle roi_masks --rounds 1 --frames 1", "round 1 of 1"),
        ("bench {source} --frames 2", "Round 1 of 1"),
    ],
)
@pytest.mark.parametrize("quiet", [False, True])
def test_long_verbs_tell_how_far_they_are(
    words: str, line: str, quiet: bool, tiny: str, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(progress_lines, "EVERY_S", 0.0)
    arguments = words.format(source=SYNTHETIC, folder=tmp_path).split()
    code = main([*arguments, "--model", tiny, "--json", *["--quiet"] * quiet])
    said = capsys.readouterr()
    assert code == 0, said.err
    json.loads(said.out)
    if quiet:
        assert said.err == ""
    else:
        assert line in said.err
