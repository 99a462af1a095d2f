"""Streams that are closed, full or of another encoding end no verb by a traceback."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.program import command, environment, frame_count

FULL = Path("/dev/full")
EXPORT = ("export", "demo", "--model", "none", "--frames", "2", "--overwrite", "-o")


def shell(home, redirect, *arguments, **variables):
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirect}', "sh", *command(*arguments)],
        cwd=home,
        env={**environment(home), **variables},
        capture_output=True,
        timeout=300,
        check=False,
    )


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "words", [("--help",), ("models",), ("models", "--json"), (*EXPORT, "full.mp4")]
)
def test_a_full_disk_behind_the_output_is_one_sentence(tmp_path, words, unbuffered):
    done = shell(tmp_path, f">{FULL}", *words, PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1
    (told,) = [line for line in done.stderr.decode().splitlines() if line.startswith("rfviewer: ")]
    assert "Standard output cannot be written (No space left on device)" in told
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="descriptors are inherited by number on POSIX")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_stop_no_export_and_nothing_lands_in_its_file(tmp_path, closed):
    done = shell(tmp_path, closed, *EXPORT, "out.mp4")
    assert done.returncode == 0, done.stderr
    assert frame_count(tmp_path / "out.mp4") == 2
    assert (tmp_path / "out.mp4").read_bytes()[4:8] == b"ftyp"
    assert b"Traceback" not in done.stderr


def test_names_that_the_terminal_has_no_characters_for_are_escaped(tmp_path):
    done = shell(tmp_path, "", *EXPORT, "ö🎬.mp4", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert rb"\xf6\U0001f3ac.mp4" in done.stdout
    assert (tmp_path / "ö🎬.mp4").exists()


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_is_no_fault_to_tell(tmp_path, unbuffered):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command("models"),
        cwd=tmp_path,
        env={**environment(tmp_path), "PYTHONUNBUFFERED": unbuffered},
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=300,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")
