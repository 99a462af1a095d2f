"""Ends the real window, and exports, by signals while they record; tells how long that took.

`python -m tests.gui.signal_run --times 5 --after 10` records 1280x720 for so many seconds, sends
SIGTERM, SIGINT and SIGHUP, to the process alone and to all of its group as a terminal or a logout
does, and prints one line each. The file must have its final name, and every frame of it decode.
`python -m tests.gui.signal_run window FILE` is one such window.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import av

LIMIT_S = 5.0
SOURCE = "synthetic:1280x720@30"
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
KINDS = ("window", "export")
_SOME_BYTES = 50_000
"""More than the header: some fragments are on the disk."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How one run ended."""

    kind: str
    seconds: float
    """From the signal to the end of the process."""
    code: int
    """A closed window is a success; an export that was stopped says 1."""
    video_s: float
    """Length of what can be decoded under the final name; 0 when there is no such file."""
    whole: bool
    """Whether it is an ordinary MP4 and not fragments for want of time."""
    left: tuple[str, ...]
    """Files that should not be there any more."""

    @property
    def good(self) -> bool:
        """Whether it ended in time with a finished file."""
        return (
            self.code == (self.kind == "export")
            and self.seconds <= LIMIT_S
            and self.video_s > 0
            and not self.left
        )


def record_in_window(video: Path) -> int:
    """Show the real window with its engine process and record until a signal comes."""
    from PySide6.QtCore import QSettings, QTimer

    from rfviewer.app import SESSION_MAKER
    from rfviewer.config import EngineConfig, Settings
    from rfviewer.gui.app_shell import run
    from rfviewer.gui.preferences import Preferences
    from rfviewer.interfaces import RecordingRequest
    from rfviewer.session.remote import RemoteSession
    from tests.gui.fake_services import fake_services

    settings = Settings(engine=EngineConfig(model="none"))
    session = RemoteSession(SESSION_MAKER, settings, log_folder=None)
    asked: list[bool] = []

    def drive() -> None:
        snapshot = session.poll()
        if snapshot is not None and snapshot.frame_index is not None and not asked:
            asked.append(True)
            session.start_recording(RecordingRequest(video=video))

    timer = QTimer(interval=20)
    timer.timeout.connect(drive)
    QTimer.singleShot(0, timer.start)
    folder = video.parent
    services = fake_services(folder, demo_clips=(), start_thread=lambda _n, task: task())
    preferences = Preferences(QSettings(str(folder / "w.ini"), QSettings.Format.IniFormat))
    code = run(lambda: session, services, settings, source=SOURCE, preferences=preferences)
    timer.stop()
    return code


def end_by(kind: str, number: signal.Signals, *, group: bool, after_s: float) -> Ended:
    """Record in a process group of its own, send the signal, wait for the end."""
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder, "recording.mp4")
        command = [sys.executable, "-m", "tests.gui.signal_run", "window", str(video)]
        if kind == "export":
            command = [sys.executable, "-m", "rfviewer", "export", SOURCE, "--frames", "1000000"]
            command += ["--model", "none", "-o", str(video), "--quiet"]
        environment = {**os.environ, "XDG_STATE_HOME": str(Path(folder, "state"))}
        with subprocess.Popen(
            command, env=environment, process_group=0, stdout=subprocess.DEVNULL
        ) as process:
            partial = video.with_name("recording.partial.mp4")
            while not partial.exists() or partial.stat().st_size < _SOME_BYTES:
                if process.poll() is not None:
                    return Ended(kind, 0.0, process.returncode, 0.0, False, ())
                time.sleep(0.02)
            time.sleep(after_s)
            started = time.monotonic()
            (os.killpg if group else os.kill)(process.pid, number)
            try:
                code = process.wait(120)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            took_s = time.monotonic() - started
        left = tuple(path.name for path in Path(folder).glob("*partial*"))
        whole = video.exists() and b"moof" not in video.read_bytes()
        return Ended(kind, took_s, code, _decodable_s(video), whole, left)


def _decodable_s(path: Path) -> float:
    if not path.exists():
        return 0.0
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0)) / 30


def main() -> int:
    """Run one window, or every signal many times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", nargs="?", choices=KINDS)
    parser.add_argument("video", nargs="?", type=Path)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--after", type=float, default=10.0)
    options = parser.parse_args()
    if options.video is not None:
        return record_in_window(options.video)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)  # a shell has jobs in the background ignore some
    bad = 0
    for kind in [options.kind] if options.kind else KINDS:
        for number in SIGNALS:
            for group in (False, True):
                runs = [
                    end_by(kind, number, group=group, after_s=options.after)
                    for _ in range(options.times)
                ]
                wrong = [run for run in runs if not run.good]
                bad += len(wrong)
                slowest_s = max(run.seconds for run in runs)
                longest_s = max(run.video_s for run in runs)
                sys.stdout.write(
                    f"{kind:7}{number.name:8}{'group' if group else 'process':8}"
                    f"{len(runs) - len(wrong)}/{len(runs)}  slowest {slowest_s:.2f} s, "
                    f"longest recording {longest_s:.1f} s, "
                    f"{sum(run.whole for run in runs)} ordinary MP4  {wrong or ''}\n"
                )
                sys.stdout.flush()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
