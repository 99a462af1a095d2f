"""Real exports, killed at random moments, and the verb that finishes them."""

import errno
import json
import os
import random
from pathlib import Path

import pytest

from rfviewer import recover_verb
from rfviewer.cli import main
from rfviewer.sinks.running import RunningFiles
from tests.sinks.kill_exports import kill_one
from tests.sinks.test_recovery import cut_off


@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_export_loses_a_second_at_most(tmp_path, seed) -> None:
    # A slow machine may not have written a whole fragment some tenths after the first label.
    result = kill_one(tmp_path, random.Random(seed).uniform(0.1, 0.8), from_bytes=50_000)
    assert result["lost_s"] <= 1.0
    assert result["saved"] > 0


@pytest.fixture
def left(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("rfviewer.paths.videos_dir", lambda: tmp_path / "videos")
    folder = tmp_path / "far"
    folder.mkdir()
    return cut_off(RunningFiles.of_user(), folder)


def run(*arguments: str) -> int:
    return main(["recover", *arguments])


def test_listing_changes_nothing(left, capsys) -> None:
    assert run("--list", "--json") == 0
    (one,) = json.loads(capsys.readouterr().out)["recordings"]
    assert one["partial"] == str(left)
    assert one["duration_s"] == pytest.approx(1.2, abs=0.3)
    assert left.exists()


def test_recovering_says_where_and_how_long(left, capsys) -> None:
    assert run() == 0
    out = capsys.readouterr().out
    assert out.startswith(f"recovered  {left.parent / 'a.mp4'}, 1")
    assert out.endswith(" s, 30 frames\n")
    assert run() == 0
    assert capsys.readouterr().out == "No interrupted recording was found.\n"


def test_a_video_without_a_whole_fragment_is_told_once(left, capsys) -> None:
    os.truncate(left, 40)
    assert run() == 1
    assert capsys.readouterr().out.startswith(f"failed     {left} held nothing that can be played")
    assert not left.exists()
    assert run() == 0


def test_deleting(left, capsys) -> None:
    assert run("--delete") == 0
    assert not left.exists()


def test_a_folder_limits_the_search(left, tmp_path, capsys) -> None:
    assert run(str(tmp_path)) == 0
    assert left.exists()
    assert run(str(left.parent)) == 0
    assert not left.exists()
    assert run(str(tmp_path / "gone")) == 1


def test_a_failure_is_told_and_counts(left, capsys, monkeypatch) -> None:
    from rfviewer.errors import SinkError

    def fail(*_: object) -> None:
        raise SinkError("The disk is full; free some space.")

    monkeypatch.setattr(recover_verb, "recover", fail)
    assert run("--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert not report["ok"]
    assert report["recordings"][0]["error"] == "The disk is full; free some space."


def test_a_folder_that_may_not_be_read_is_not_called_empty(left, monkeypatch, capsys) -> None:
    def refuse(_folder):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(recover_verb.os, "scandir", refuse)
    assert run(str(left.parent)) == 1
    assert "cannot be read (Permission denied); change its permissions." in capsys.readouterr().err
    assert left.exists()
