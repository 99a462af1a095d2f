"""A home that cannot be written, as in containers and for service accounts, stops no work."""

import subprocess

import pytest

from rfviewer import paths
from rfviewer.doctor import storage
from rfviewer.doctor.check import Status
from rfviewer.errors import RfviewerError
from rfviewer.sentinel import Sentinel
from tests.cli.program import command, environment

SENTENCE = "cannot be used (Not a directory); make it writable for you"


@pytest.fixture
def home(tmp_path):
    """A home below a plain file: nobody can make it, not even root."""
    (tmp_path / "plain").write_text("")
    return tmp_path / "plain" / "home"


def run(home, folder, *arguments):
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env={**environment(home), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "demo", "-o", "out.mp4", "--frames", "2", "--model", "none"),
        ("report", "-o", "report.txt"),
        ("recover", "--list"),
        ("--quit-after", "0.1", "--model", "none"),
    ],
    ids=lambda words: words[0],
)
def test_the_work_is_done_and_the_folder_named(home, tmp_path, arguments):
    done = run(home, tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert str(home) in done.stderr
    assert done.stderr.count("recordings are not listed for recovery") == 1


def test_a_consent_that_cannot_be_kept_is_refused_in_one_sentence(home, tmp_path):
    done = run(home, tmp_path, "models", "--accept", "PML-1.0")
    assert done.returncode == 1
    assert SENTENCE in done.stderr
    assert "Traceback" not in done.stderr


def test_every_folder_says_which_one_it_is_and_the_doctor_passes_it_on(home, monkeypatch):
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "HOME"):
        monkeypatch.setenv(name, str(home))
    for folder in (paths.config_dir, paths.log_dir, paths.state_dir):
        with pytest.raises(RfviewerError, match="cannot be used") as told:
            folder()
        assert SENTENCE in str(told.value)
    assert paths.log_dir_if_usable() is None
    assert storage.logs().status is Status.WARN
    assert storage.logs().fix.startswith("make it writable")
    assert Sentinel.begin("0").unclean == ()
