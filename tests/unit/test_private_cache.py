"""A cache that others could have put code into is refused with one sentence, never mended."""

import json
import os
import stat
import subprocess
import sys

import pytest

from rfviewer import paths, private_files
from rfviewer.doctor import storage
from rfviewer.doctor.check import Status
from rfviewer.engine.plans.store import plans_folder
from rfviewer.errors import EngineError, ModelError, RfviewerError
from rfviewer.models.export_store import store_folder
from rfviewer.sinks.running import RecordedKind, RunningFile, RunningFiles

pytestmark = pytest.mark.skipif(os.name != "posix", reason="owners and modes of POSIX")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "rfviewer"


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("bits", [0o777, 0o770, 0o722, 0o702])
def test_a_cache_that_others_can_write_is_refused(cache, bits):
    folder = paths.cache_dir()
    folder.chmod(bits)
    with pytest.raises(RfviewerError, match=r"can be written by other users, so .*; remove it, or"):
        paths.cache_dir()
    assert mode(folder) == bits, "closing it would hide that it was open"


def test_a_cache_that_others_can_read_is_closed(cache):
    cache.mkdir()
    cache.chmod(0o755)
    assert paths.cache_dir() == cache
    assert mode(cache) == 0o700


def test_a_cache_of_another_user_is_refused(cache, monkeypatch):
    paths.cache_dir()
    monkeypatch.setattr(private_files.os, "getuid", lambda: cache.stat().st_uid + 1)
    with pytest.raises(RfviewerError, match="belongs to another user"):
        paths.cache_dir()


def test_a_cache_that_is_a_link_is_refused(cache, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    cache.symlink_to(elsewhere)
    with pytest.raises(RfviewerError, match=r"is a link.*XDG_CACHE_HOME"):
        paths.cache_dir()


@pytest.mark.parametrize("content", ["a file", None])
def test_a_cache_that_is_no_folder_is_told(cache, content):
    if content is None:
        cache.symlink_to("nowhere")
    else:
        cache.write_text(content)
    with pytest.raises(RfviewerError, match="XDG_CACHE_HOME"):
        paths.cache_dir()


@pytest.mark.parametrize("name", ["engines", "inductor", "triton", "models", "checkpoints"])
def test_each_store_in_it_is_checked(cache, name):
    store_folder(name).chmod(0o777)
    with pytest.raises(ModelError, match=rf"{name} can be written by other users.*remove it"):
        store_folder(name)


def test_the_engines_say_it_as_an_engine_does(cache):
    plans_folder()
    cache.chmod(0o777)
    with pytest.raises(EngineError, match="can be written by other users"):
        plans_folder()


def test_the_doctor_says_what_to_do(cache):
    paths.cache_dir().chmod(0o777)
    check = storage.cache()
    assert check.status is Status.MISSING
    assert "can be written by other users" in check.detail
    assert check.fix.startswith("remove it")


def test_an_open_cache_is_one_sentence_on_the_command_line(cache):
    paths.cache_dir().chmod(0o777)
    command = [sys.executable, "-m", "rfviewer", "engine", "list"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "can be written by other users" in done.stderr


def test_a_note_about_a_recording_that_others_could_have_written_is_ignored(tmp_path):
    """It names files that may be removed."""
    folder = tmp_path / "state"
    folder.mkdir()
    partial = tmp_path / "a.partial.mp4"
    partial.write_bytes(b"something")
    running = RunningFiles(folder)
    entry = running.begin(
        RunningFile(kind=RecordedKind.VIDEO, partial=str(partial), target=str(tmp_path / "a.mp4"))
    )
    assert [file.partial for _, file in running.entries()] == [str(partial)]
    assert json.loads(entry.read_text())["partial"] == str(partial)
    entry.chmod(0o666)
    assert list(running.entries()) == []
    assert partial.exists()
