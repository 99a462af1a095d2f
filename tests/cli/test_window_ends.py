"""Real windows in processes of their own: how they end is known at the next start."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECRET = "geheim!42"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")


@pytest.fixture
def home(tmp_path) -> dict[str, str]:
    names = ("CACHE", "CONFIG", "STATE", "DATA")
    folders = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in names}
    return {**os.environ, **folders, "HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}


def window(home: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "rfviewer", "--model", "none", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def marks(home: dict[str, str]) -> list[Path]:
    return list(Path(home["XDG_STATE_HOME"], "rfviewer", "running").glob("*.json"))


def wait_for(condition, process: subprocess.Popen[str], timeout_s: float = 120.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def log_text(home: dict[str, str]) -> str:
    """Return what the windows and their engine processes have logged."""
    folder = Path(home["XDG_STATE_HOME"], "rfviewer", "log")
    return "".join(path.read_text() for path in folder.glob("*.log*"))


def test_a_killed_window_is_noticed_and_a_proper_end_is_not(home) -> None:
    killed = window(home, "synthetic:64x48@30")
    wait_for(lambda: bool(marks(home)), killed)
    killed.kill()
    killed.communicate()
    following = window(home, "synthetic:64x48@30", "--quit-after", "1.5")
    output = following.communicate(timeout=300)[0]
    assert following.returncode == 0, output
    assert f"run {killed.pid} of version" in log_text(home)
    assert marks(home) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_are_a_proper_end(home, number) -> None:
    running = window(home, "synthetic:64x48@30")
    wait_for(lambda: bool(marks(home)), running)
    running.send_signal(number)
    output = running.communicate(timeout=300)[0]
    assert running.returncode == 0, output
    assert marks(home) == []


@pytest.fixture
def x_server() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    program = shutil.which("Xvfb")
    if program is None:
        pytest.skip("no Xvfb here")
    reader, writer = os.pipe()
    server = subprocess.Popen(
        [program, "-displayfd", str(writer), "-screen", "0", "1280x800x24"],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as file:
        number = file.readline().strip()
    yield f":{number}", server
    server.kill()
    server.wait()


def test_a_desktop_that_goes_away_as_at_a_logout_is_a_proper_end(home, x_server) -> None:
    display, server = x_server
    environment = {**home, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
    running = window(environment, "synthetic:64x48@30")
    # The engine process is started once the platform plugin has connected.
    engine_log = Path(home["XDG_STATE_HOME"], "rfviewer", "log", "engine.log")
    wait_for(engine_log.exists, running)
    server.terminate()
    output = running.communicate(timeout=300)[0]
    assert "connection broke" in log_text(home), output
    assert marks(home) == []


def test_a_password_is_in_no_file_title_or_message(home, tmp_path) -> None:
    url = f"rtsp://admin:{SECRET}@127.0.0.1:9/stream"
    shot = tmp_path / "shot.png"
    trying = window(home, url, "--verbose")
    wait_for(lambda: "127.0.0.1:9" in log_text(home), trying)
    trying.terminate()
    output = trying.communicate(timeout=300)[0]
    ending = window(home, url, "--quit-after", "0.5", "--screenshot", str(shot), "--verbose")
    output += ending.communicate(timeout=300)[0]
    assert shot.stat().st_size > 1000
    report = tmp_path / "report.txt"
    command = [sys.executable, "-m", "rfviewer", "report", "-o", str(report)]
    subprocess.run(command, cwd=ROOT, env=home, check=True, stdout=subprocess.DEVNULL)
    assert SECRET not in output
    assert report.stat().st_size > 500
    for path in tmp_path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert SECRET.encode() not in data, path
            assert SECRET.encode("utf-16-le") not in data, path
    recent = list(Path(home["XDG_CONFIG_HOME"]).rglob("*.conf"))
    assert all(path.stat().st_mode & 0o077 == 0 for path in recent), recent
