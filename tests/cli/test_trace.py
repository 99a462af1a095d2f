"""rfviewer trace: files that can be opened, and one sentence or one object about them."""

import errno
import gzip
import json
import os
import sys

import pytest

from rfviewer import trace_verb, writable_folder
from rfviewer.cli import main
from rfviewer.errors import SinkError
from rfviewer.frames_text import frames_are
from rfviewer.lab.output_file import write_whole
from tests.cli.stopping import stop_of
from tests.lab.trace_schema import check

SOURCE = "synthetic:64x48@25,frames=20"


def run(capsys, *arguments):
    code = main(["trace", *map(str, arguments), "--model", "none"])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_trace_and_a_report_are_written(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["rfviewer", "trace", SOURCE])
    trace, html = tmp_path / "t.json.gz", tmp_path / "r.html"
    code, out, _ = run(capsys, SOURCE, "--frames", "30", "-o", trace, "--html", html, "--json")
    told = json.loads(out)
    assert code == 0
    assert told["frames"] == 30
    content = json.loads(gzip.decompress(trace.read_bytes()))
    phases = check(content)
    assert {"decode", "draw", "write"} <= {
        e["args"]["name"] for e in phases["M"] if e["name"] == "thread_name"
    }
    assert content["otherData"]["software"].startswith("rfviewer")
    assert content["otherData"]["command"].startswith("rfviewer trace ")
    assert len(phases["X"]) == told["spans"]
    assert "rfviewer report" in html.read_text(encoding="utf-8")
    assert {path.name for path in tmp_path.iterdir()} == {"t.json.gz", "r.html"}


def test_seconds_end_a_trace_too(tmp_path, capsys):
    code, out, _ = run(capsys, SOURCE, "--seconds", "0.2", "-o", tmp_path / "t.json")
    assert code == 0
    assert "ui.perfetto.dev" in out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([SOURCE], 2, "Nothing to write"),
        ([SOURCE, "-o", "no/such/t.json"], 1, "does not exist"),
        (["missing.mp4", "-o", "t.json"], 1, "no file"),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(
    tmp_path, capsys, monkeypatch, arguments, code, words
):
    monkeypatch.chdir(tmp_path)
    found, _, err = run(capsys, *arguments)
    assert found == code
    assert words in err
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_replaced(tmp_path, capsys):
    (tmp_path / "t.json").write_text("mine")
    code, _, err = run(capsys, SOURCE, "-o", tmp_path / "t.json")
    assert code == 1
    assert "exists" in err
    assert (tmp_path / "t.json").read_text() == "mine"


@pytest.mark.parametrize(("when", "kept"), [("of 1000000 frames", True), ("", False)])
def test_stopped_it_keeps_what_there_is_and_is_no_success(
    tmp_path, capsys, monkeypatch, when, kept
):
    stop = stop_of(monkeypatch, trace_verb)

    class Lines:
        def __init__(self, *, quiet):
            pass

        def __call__(self, text):
            if text.endswith(when) and not (kept and text.startswith("0 ")):
                stop.set()

    monkeypatch.setattr(trace_verb, "ProgressLines", Lines)
    target = tmp_path / "t.json"
    code, out, err = run(capsys, SOURCE, "--frames", "1000000", "-o", target, "--json")
    assert code == 1
    assert target.exists() == kept
    if kept:
        told = json.loads(out)
        assert told["stopped"]
        assert 0 < told["frames"] < 1000000
        assert f"Stopped; {frames_are(told['frames'])} in the trace." in err
    else:
        assert "Stopped" in json.loads(out)["error"]


def test_a_place_that_cannot_be_written_is_told_before_anything_runs(tmp_path, capsys, monkeypatch):
    def refuse(**_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(writable_folder.tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(trace_verb, "batch_session", None)  # would fail
    code, _, err = run(capsys, SOURCE, "-o", tmp_path / "t.json")
    assert code == 1
    assert "t.json cannot be written (Read-only file system); choose another place." in err


@pytest.mark.parametrize(("name", "words"), [("a" * 250, "too long"), ("folder", "is a folder")])
def test_a_name_that_cannot_be_taken_is_told_before_and_leaves_nothing(
    tmp_path, capsys, monkeypatch, name, words
):
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(trace_verb, "batch_session", None)  # would fail
    code, _, err = run(capsys, SOURCE, "-o", tmp_path / name, "--overwrite")
    assert code == 1
    assert words in err
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_write_that_fails_gives_the_reserved_name_back(tmp_path):
    path = tmp_path / ("a" * 250)  # its temporary name is too long
    with pytest.raises(SinkError, match="too long"):
        write_whole(path, b"x", overwrite=False)
    assert not list(tmp_path.iterdir())


def test_one_frame_is_one_frame():
    assert frames_are(1) == "1 frame is"
    assert frames_are(2) == "2 frames are"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_what_is_no_ordinary_file_is_never_replaced(tmp_path, capsys, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(trace_verb, "batch_session", None)  # would fail
    code, _, err = run(capsys, SOURCE, "-o", tmp_path / "pipe", "--overwrite")
    assert code == 1
    assert "pipe is no ordinary file; choose another name." in err
    assert (tmp_path / "pipe").is_fifo()
