"""A report tells what is needed, nothing secret, and never replaces a file."""

import json
import os
import stat
from pathlib import Path

import pytest

from rfviewer import paths, report
from rfviewer.doctor.check import Check, Status
from rfviewer.errors import RfviewerError
from rfviewer.snapshot import Snapshot
from tests.fakes import Bench, FakeSource

SECRET = "geheim!42"
URL = f"rtsp://admin:{SECRET}@camera.local/stream"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    checks = [Check("Video", Status.OK, f"opened {URL} once")]
    monkeypatch.setattr("rfviewer.doctor.verb.collect", lambda: checks)
    return tmp_path


def snapshot() -> Snapshot:
    session = Bench({"clip": lambda: FakeSource(100_000)}).session()
    session.open("clip", session.settings.playback)
    taken = session.wait(lambda s: s.source is not None and bool(s.samples), 60)
    session.close()
    return taken


def test_the_report_has_what_is_needed(home) -> None:
    (paths.log_dir() / "rfviewer.log").write_text(f"warning about {URL}\n")
    (paths.log_dir() / "engine.log.fault").write_text("Fatal Python error: Segmentation fault\n")
    text = report.report_text(f"Traceback\nValueError: cannot open {URL}", snapshot())
    for part in (
        "rfviewer 0.", "Python 3.", "numpy ", "av ", "ok       Video", "ValueError", "fake on fake",
        "source fake: file", "optimizations: cuda_graph=", "== rfviewer.log ==",
        "Segmentation fault",
    ):  # fmt: skip
        assert part in text, part
    assert SECRET not in text
    assert "admin" not in text


def test_a_report_is_private_and_replaces_nothing(home) -> None:
    path = report.save_report(home / "r.txt", "why", None)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(RfviewerError, match="exists already"):
        report.save_report(path, "why", None)
    with pytest.raises(RfviewerError, match="cannot be written"):
        report.save_report(home / "gone" / "r.txt", "why", None)


def test_only_the_newest_crash_reports_stay(home) -> None:
    made = [report.save_crash_report(f"crash {index}", None) for index in range(7)]
    assert sorted(paths.log_dir().glob("crash-*")) == made[-5:]


def test_a_report_is_never_large(home) -> None:
    (paths.log_dir() / "rfviewer.log").write_text("x" * 5_000_000)
    assert len(report.report_text("why", None)) <= 400_000


def test_the_users_name_is_taken_out_of_paths(home, monkeypatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/jane"))
    assert report.report_text("in /home/jane/Videos/a.mp4", None).count("~/Videos/a.mp4") == 1


def test_the_verb(home, capsys) -> None:
    options = report.make_parser().parse_args(["-o", str(home / "r.txt"), "--json"])
    assert report.run(options) == 0
    assert json.loads(capsys.readouterr().out) == {"report": str(home / "r.txt")}
