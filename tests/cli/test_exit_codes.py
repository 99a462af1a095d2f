"""Exit codes of all verbs: 2 for a wrong command line, 1 for what could not be done or failed."""

from pathlib import Path

import pytest

from rfviewer import argument_settings, cli
from rfviewer.argument_parser import EXIT_CODES
from rfviewer.doctor.check import Check, Status

SOURCE = "synthetic:64x48@25,frames=4"
PLAYING = ("export", "bench", "ab", "parity", "trace", "soak")
"""Verbs that take a source."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with no settings of a user."""
    config = tmp_path / "config"
    config.mkdir()
    monkeypatch.setattr(argument_settings, "config_file", config.joinpath)
    for name in ("setup", "catch_faults"):  # the log files of a window would stay open
        monkeypatch.setattr(f"rfviewer.log.{name}", lambda *_, **__: None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def code(words: str, capsys: pytest.CaptureFixture[str]) -> int:
    """Run a command line; return its exit code, having seen one sentence."""
    found = cli.main(words.split())
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("rfviewer: ")
    assert sum(line.startswith("rfviewer: ") for line in said) == 1
    return found


def playing(verb: str, words: str) -> str:
    """Return a command line of a verb that plays a source, with what it must have beside."""
    output = {"export": " -o x.mp4", "trace": " -o x.json"}.get(verb, "")
    return f"{verb} {words.format(source=SOURCE)} --model none{output}"


@pytest.mark.parametrize("verb", ["", *cli.VERBS])
def test_an_unknown_option_is_wrong_for_every_verb(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code(f"{verb} --frobnicate", capsys) == 2


@pytest.mark.parametrize("verb", [*PLAYING, "engine", "report"])
def test_a_missing_word_is_wrong(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert code(verb, capsys) == 2


@pytest.mark.parametrize(
    "words",
    [
        "{source} --set roi_mask=off",
        "{source} --set depth=99",
        "{source} --threshold 7",
        "{source} --backend abacus",
        "synthetic:1x1",
    ],
)
@pytest.mark.parametrize("verb", PLAYING)
def test_wrong_names_and_values_are_wrong_for_every_verb_that_plays(
    verb: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code(playing(verb, words), capsys) == 2


@pytest.mark.parametrize("verb", ["", *PLAYING])
@pytest.mark.parametrize(
    "address",
    [
        "ftp://host/a.mp4",
        "SRT://host:1",
        "http:///a.mp4",
        "rtsp://:554/a",
        "rtsp://u:p@/a",
        "http://#a",
    ],
)
def test_an_address_that_cannot_be_opened_by_anyone_is_wrong(
    verb: str, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code(playing(verb, address), capsys) == 2


@pytest.mark.parametrize(
    "words",
    [
        f"export {SOURCE}",
        f"export {SOURCE} -o x.avi",
        f"export {SOURCE} -o x.mp4 --start 3 --end 2",
        f"trace {SOURCE}",
        f"ab {SOURCE} --toggle roi_masks --a baseline",
        f"ab {SOURCE} --toggle roi_mask",
        f"ab {SOURCE} --waterfall --toggle roi_mask",
        f"ab {SOURCE} --rounds -1",
        f"parity {SOURCE} --candidate fastest",
        "engine build --target 89",
        "engine build --backend tensorrt --target sm89",
        "models --accept MIT",
        "recover --list --delete",
        "frobnicate",
    ],
)
def test_options_that_clash_or_lack_something_are_wrong(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code(words, capsys) == 2


@pytest.mark.parametrize("verb", ["", *PLAYING])
@pytest.mark.parametrize(
    "words",
    [
        "missing.mp4",
        "file:///nowhere/missing.mp4",
        "{source} --config missing.toml",
        "{source} --config broken.toml",
        "{source} --config unknown.toml",
    ],
)
def test_a_file_that_is_missing_or_broken_could_not_be_used(
    verb: str, words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.toml").write_text("[engine\n")
    (folder / "unknown.toml").write_text("[engine]\nspeed = 3\n")
    assert code(playing(verb, words), capsys) == 1


@pytest.mark.parametrize(
    "words",
    [
        f"export {SOURCE} -o there.mp4",
        f"export {SOURCE} -o nowhere/x.mp4",
        f"export {SOURCE} -o x.mp4 --model nosuch",
        f"export {SOURCE} -o x.mp4 --model none --classes cat",
        f"trace {SOURCE} -o there.json",
        "recover nowhere",
        "report -o there.txt",
        "engine build --model nowhere.onnx",
    ],
)
def test_what_is_there_or_is_missing_could_not_be_done(
    words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("there.mp4", "there.json", "there.txt"):
        (folder / name).touch()
    assert code(words, capsys) == 1


def test_a_check_that_fails_has_the_code_of_what_could_not_be_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = {"qt": lambda: Check("Qt", Status.OK, "6.9")}
    monkeypatch.setattr("rfviewer.doctor.verb.CHECKS", checks)
    assert cli.main(["doctor"]) == 0
    checks["video"] = lambda: Check("Video", Status.MISSING, "no decoder", "install av")
    assert cli.main(["doctor"]) == 1
    capsys.readouterr()


def test_a_broken_settings_file_of_the_user_is_no_wrong_command_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "config" / "config.toml").write_text("[view]\nthreshold = 7\n")
    assert code(f"bench {SOURCE} --model none", capsys) == 1


@pytest.mark.parametrize("verb", ["", *cli.VERBS, "engine build"])
def test_every_help_tells_the_codes(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*verb.split(), "--help"])
    assert ended.value.code == 0
    assert EXIT_CODES in capsys.readouterr().out
