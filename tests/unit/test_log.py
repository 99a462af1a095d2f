"""Nothing secret reaches a log, a fault leaves its stack, and the files stay small."""

import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rfviewer import log

ROOT = Path(__file__).parents[2]
SECRET = "geheim!42"


@pytest.fixture
def folder(tmp_path):
    root = logging.getLogger("rfviewer")
    before, hook = list(root.handlers), threading.excepthook
    yield tmp_path
    for handler in root.handlers:
        handler.close()
    root.handlers[:], threading.excepthook = before, hook


@pytest.mark.parametrize(
    "url",
    [
        f"rtsp://admin:{SECRET}@camera.local/stream",
        f"rtsp://admin:{SECRET}@[::1]:554/1",
        f"http://host/video?user=me&password={SECRET}&x=1",
        f"rtsp://a:{SECRET}/with@slash@host/x",
    ],
)
def test_a_password_in_an_address_is_cut_out_of_the_log(folder, url) -> None:
    log.setup(folder)
    log.app.warning("opening %s", url)
    error = ValueError(f"cannot open {url}")
    log.app.error("failed", exc_info=(ValueError, error, None))
    for handler in logging.getLogger("rfviewer").handlers:
        handler.flush()
    text = (folder / "rfviewer.log").read_text()
    assert "opening" in text
    assert "ValueError: cannot open" in text
    assert SECRET not in text


def test_both_logs_together_stay_below_10_mb(folder) -> None:
    log.setup(folder)
    handlers = logging.getLogger("rfviewer").handlers
    (file,) = [handler for handler in handlers if hasattr(handler, "maxBytes")]
    assert 2 * file.maxBytes * (file.backupCount + 1) <= 8_000_000


def test_a_segfault_leaves_a_stack_and_the_next_run_keeps_it(tmp_path) -> None:
    code = (
        "import ctypes, sys; from pathlib import Path; from rfviewer import log;"
        "log.setup_child(sys.argv[1]);"
        "ctypes.string_at(0) if len(sys.argv) > 2 else None"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    crashed = subprocess.run([*command, "crash"], cwd=ROOT, capture_output=True, check=False)
    assert crashed.returncode < 0
    assert "string_at" in (tmp_path / "engine.log.fault").read_text()
    subprocess.run(command, cwd=ROOT, check=True)
    assert "string_at" in (tmp_path / "engine.log.fault.1").read_text()
    assert any("string_at" in line for line in log.last_lines(tmp_path)["engine.log.fault.1"])


def test_the_last_lines_are_the_newest_and_redacted(tmp_path) -> None:
    lines = [f"line {index} rtsp://u:{SECRET}@h/{index}" for index in range(500)]
    (tmp_path / "rfviewer.log").write_text("\n".join(lines))
    found = log.last_lines(tmp_path)["rfviewer.log"]
    assert len(found) == 200
    assert found[-1] == "line 499 rtsp://h/499"


def test_an_error_of_a_thread_reaches_the_log(folder, caplog) -> None:
    logging.getLogger("rfviewer").propagate = True
    error = ValueError("odd")
    log._log_thread_error(
        threading.ExceptHookArgs((ValueError, error, None, threading.current_thread()))
    )
    assert "uncaught error in thread MainThread" in caplog.text


def test_a_line_of_a_million_letters_is_redacted_in_no_time() -> None:
    text = "x" * 1_000_000 + f"rtsp://u:{SECRET}@h/"
    assert log.redact(text) == "x" * 1_000_000 + "rtsp://h/"


def test_a_log_that_cannot_be_opened_is_told_and_stops_nothing(folder, capsys) -> None:
    (folder / "rfviewer.log").mkdir()
    log.setup(folder)
    log.app.warning("still told")
    told = capsys.readouterr().err
    assert "nothing is logged to a file" in told
    assert "still told" in told
