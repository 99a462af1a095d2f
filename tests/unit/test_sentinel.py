"""A run that ends without a word is noticed once; every other end is not."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rfviewer import paths, sentinel
from rfviewer.sentinel import Sentinel

ROOT = Path(__file__).parents[2]
CHILD = """
import os, sys, time
from rfviewer.sentinel import Sentinel
Sentinel.begin("0")
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return paths.state_dir() / "running"


def start_child() -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "ready\n"
    return child


def end(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGKILL)
    child.communicate()


def test_a_proper_end_is_not_told(folder) -> None:
    first = Sentinel.begin("1")
    assert first.unclean == ()
    first.end()
    first.end()
    assert list(folder.iterdir()) == []
    assert Sentinel.begin("1").unclean == ()


def test_a_killed_run_is_told_once() -> None:
    child = start_child()
    running = Sentinel.begin("1")
    assert running.unclean == (), "another window that runs is no crash"
    end(child)
    told = Sentinel.begin("1")
    assert [run.pid for run in told.unclean] == [child.pid]
    assert Sentinel.begin("1").unclean == ()
    for each in (running, told):
        each.end()


def test_a_number_that_another_process_has_now_is_not_taken_for_the_run(folder) -> None:
    Sentinel.begin("1")
    (mark,) = folder.iterdir()
    values = json.loads(mark.read_text())
    mark.write_text(json.dumps({**values, "started_s": values["started_s"] - 1000}))
    assert [run.pid for run in Sentinel.begin("1").unclean] == [os.getpid()]


def test_after_a_restart_of_the_computer_nothing_is_said(folder, monkeypatch) -> None:
    Sentinel.begin("1")
    monkeypatch.setattr(sentinel, "_boot", lambda: "another")
    assert Sentinel.begin("1").unclean == ()
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("text", ["", "{", '{"pid": 1}', "[]", '"x"'])
def test_a_mark_that_was_cut_off_disturbs_nothing(folder, text) -> None:
    folder.mkdir()
    (folder / "x.json").write_text(text)
    assert Sentinel.begin("1").unclean == ()
    assert not (folder / "x.json").exists()


def test_without_a_place_for_marks_the_window_starts(monkeypatch) -> None:
    def refuse() -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(paths, "state_dir", refuse)
    mark = Sentinel.begin("1")
    assert mark.unclean == ()
    mark.end()
