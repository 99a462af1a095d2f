"""Closes the real window in each of twelve states and tells how long that took.

`python -m tests.gui.closing_run --times 20` runs every state so often, in a process of its own
each, with the engine in a child and in the window's process; it prints one line per state.
`python -m tests.gui.closing_run STATE child|in-process` is one such process.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rfviewer.config import EngineConfig, Settings
from rfviewer.errors import SourceError
from rfviewer.frame import Frame
from rfviewer.interfaces import FrameSource, RecordingRequest
from rfviewer.pipeline.live_times import LiveTimes
from rfviewer.pipeline.presenter import Display
from rfviewer.pipeline.watch import WatchLimits
from rfviewer.session.local import LocalSession
from rfviewer.session.remote import RemoteSession
from rfviewer.sinks.factory import make_sinks
from rfviewer.snapshot import EnginePhase, LivePhase, PlayState, Snapshot
from rfviewer.sources.factory import open_source
from tests.fake_engine import FakeEngine
from tests.fakes import Bench, FakeSource

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_S = 3.0
ORDERLY = ("idle", "playing", "paused", "stepping", "seeking", "ended", "failed", "recording")
HANGING = ("opening", "connecting", "loading", "reconnecting")
"""In these a thread never returns from its driver."""
STATES = (*ORDERLY, *HANGING)


class HungCamera(FakeSource):
    """Its driver stops answering at frame 5 and never returns."""

    def read(self) -> Frame | None:
        if self._next == 5:
            threading.Event().wait()
        return super().read()


def make(settings: Settings, display: Display | None) -> LocalSession:
    """Session maker: fakes that hang where they can, real network sources, real files."""

    def hang(*_: object) -> None:
        threading.Event().wait()

    def refuse() -> FakeSource:
        raise SourceError("It cannot be read; open another.")

    sources: dict[str, Callable[[], FakeSource]] = {
        "/v/clip": lambda: FakeSource(100_000, size_wh=(64, 48)),
        "/v/short": lambda: FakeSource(10),
        "/v/hangs": hang,  # type: ignore[dict-item]
        "/v/broken": refuse,
        "camera:7": lambda: HungCamera(100_000, live=True),
    }

    def open_any(uri: str) -> FrameSource:
        return open_source(uri) if "://" in uri else sources[uri]()

    def engine(config: EngineConfig, optimizations: object, _progress: object) -> FakeEngine:
        if config.model == "hangs":
            hang()
        return FakeEngine(optimizations)  # type: ignore[arg-type]

    parts = replace(
        Bench().parts(),
        open_source=open_any,
        make_engine=engine,
        make_sinks=make_sinks,
        live_times=LiveTimes(),
        watch_limits=WatchLimits(),
    )
    return LocalSession(parts, settings, lambda p, i, m: None, display)


def reached(state: str, snapshot: Snapshot) -> bool:
    """Whether `snapshot` shows `state`."""
    shows = snapshot.frame_index is not None
    ready = snapshot.engine.phase is EnginePhase.READY
    live = snapshot.live
    return {
        "idle": snapshot.state is PlayState.IDLE and ready,
        "opening": snapshot.state is PlayState.OPENING and ready,
        "connecting": live is not None and live.phase is LivePhase.CONNECTING and ready,
        "playing": snapshot.state is PlayState.PLAYING and shows,
        "paused": snapshot.state is PlayState.PAUSED and shows,
        "stepping": snapshot.state is PlayState.PAUSED and shows,
        "seeking": (snapshot.pts_s or 0) > 100,
        "ended": snapshot.state is PlayState.ENDED,
        "failed": snapshot.state is PlayState.FAILED,
        "recording": snapshot.recording is not None and snapshot.recording.frames > 5,
        "loading": snapshot.engine.phase is EnginePhase.LOADING and snapshot.source is not None,
        "reconnecting": live is not None and live.phase in (LivePhase.LOST, LivePhase.RECONNECTING),
    }[state]


def close_in(state: str, *, child: bool, folder: Path) -> tuple[int, float]:
    """Show the window, bring it into `state`, close it; return the exit code and the seconds."""
    from PySide6.QtCore import QSettings, QTimer
    from PySide6.QtWidgets import QApplication

    from rfviewer.gui.app_shell import run
    from rfviewer.gui.main_window import MainWindow
    from rfviewer.gui.preferences import Preferences
    from tests.gui.fake_services import fake_services

    silent = socket.create_server(("127.0.0.1", 0))
    source = {
        "opening": "/v/hangs", "ended": "/v/short", "failed": "/v/broken",
        "reconnecting": "camera:7", "idle": None,
        "connecting": f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x",
    }.get(state, "/v/clip")  # fmt: skip
    settings = Settings(engine=EngineConfig(model="hangs" if state == "loading" else "demo"))
    if child:
        session = RemoteSession("tests.gui.closing_run:make", settings, log_folder=None)
    else:
        session = make(settings, None)
    closed_s: list[float] = []
    asked: list[str] = []

    def drive() -> None:
        window = next(w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow))
        snapshot = window.model.snapshot
        if snapshot is None or closed_s:
            return
        if state == "idle" and not asked:
            asked.append("nothing")
        shows = snapshot.frame_index is not None
        if shows and not asked and state in ("paused", "stepping", "seeking", "recording"):
            asked.append(state)
            if state == "paused":
                session.pause()
            elif state == "stepping":
                session.step(1)
            elif state == "seeking":
                session.seek(3000.0)
            else:
                request = RecordingRequest(video=folder / f"{state}-{os.getpid()}.mp4")
                session.start_recording(request)
        if reached(state, snapshot):
            closed_s.append(time.monotonic())
            if state == "stepping":
                session.step(1)
            elif state == "seeking":
                session.seek(10.0)
            sys.stdout.write("closing\n")
            sys.stdout.flush()
            window.close()

    timer = QTimer(interval=10)
    timer.timeout.connect(drive)
    QTimer.singleShot(0, timer.start)
    services = fake_services(folder, demo_clips=(), start_thread=lambda _n, t: t())
    preferences = Preferences(QSettings(str(folder / "w.ini"), QSettings.Format.IniFormat))
    code = run(lambda: session, services, settings, source=source, preferences=preferences)
    timer.stop()
    silent.close()
    return code, time.monotonic() - closed_s[0]


def run_one(state: str, kind: str) -> tuple[int, float]:
    """Close in a process of its own; return its exit code, and the seconds until it was gone."""
    command = [sys.executable, "-m", "tests.gui.closing_run", state, kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "closing\n":
                break
        started = time.monotonic()
        try:
            code = process.wait(120)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            code = process.wait()
        return code, time.monotonic() - started


def main() -> int:
    """Run one state, or all of them many times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("state", nargs="?", choices=STATES)
    parser.add_argument("kind", nargs="?", choices=("child", "in-process"), default="child")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--only", choices=("child", "in-process"))
    options = parser.parse_args()
    if options.state:
        with tempfile.TemporaryDirectory() as folder:
            code, _ = close_in(options.state, child=options.kind == "child", folder=Path(folder))
        return code
    bad = 0
    for state in STATES:
        for kind in [options.only] if options.only else ("child", "in-process"):
            runs = [run_one(state, kind) for _ in range(options.times)]
            wrong = [code for code, took_s in runs if code or took_s > LIMIT_S]
            bad += len(wrong)
            slowest_s = max(took_s for _, took_s in runs)
            sys.stdout.write(
                f"{state:13}{kind:11}{len(runs) - len(wrong)}/{len(runs)}  "
                f"slowest {slowest_s:.2f} s  {wrong or ''}\n"
            )
            sys.stdout.flush()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
