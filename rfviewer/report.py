"""A crash report: one text file that a user can attach, with nothing secret in it."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from rfviewer import log, paths
from rfviewer.argument_parser import Parser
from rfviewer.errors import RfviewerError
from rfviewer.snapshot import Snapshot
from rfviewer.version import version

_PACKAGES = (
    "av", "numpy", "onnxruntime", "onnxruntime-gpu", "opencv-python-headless", "PySide6-Essentials",
    "pyqtgraph", "safetensors", "torch", "triton", "tensorrt-cu13", "tensorrt-rtx-cu13-libs",
    "onnx", "rfdetr",
)  # fmt: skip
_KEEP_AUTOMATIC = 5
_MAX_REPORT_BYTES = 400_000
"""Five of them and both logs stay below 10 MB."""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of `rfviewer report`."""
    parser = Parser(
        prog="rfviewer report",
        description="Write one text file for a bug report: versions, GPU and driver, checks of the"
        " doctor, the last log lines. Passwords are removed. Read it before you attach it.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE.txt", help="a new file"
    )
    parser.add_argument("--verbose", action="store_true", help="tell more on stderr")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    return parser


def run(options: argparse.Namespace) -> int:
    """Write the report and say where; return the exit code.

    Raises:
        RfviewerError: one sentence, e.g. that the file exists.
    """
    path = save_report(options.output, "Asked for on the command line.", None)
    text = json.dumps({"report": str(path)}) if options.json else f"Wrote {path}"
    sys.stdout.write(text + "\n")
    return 0


def save_report(path: Path, happened: str, snapshot: Snapshot | None) -> Path:
    """Write a report to `path`, which must be free; takes seconds, so not on the GUI thread.

    Args:
        path: the new file.
        happened: one sentence, or a traceback.
        snapshot: what the session did, for engine, source and settings; None without one.

    Raises:
        RfviewerError: one sentence when it cannot be written.
    """
    text = report_text(happened, snapshot)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except FileExistsError as error:
        raise RfviewerError(f"{path} exists already; choose another name.") from error
    except OSError as error:
        why = error.strerror or "unknown reason"
        raise RfviewerError(f"{path} cannot be written ({why}); choose another place.") from error
    return path


def save_crash_report(happened: str, snapshot: Snapshot | None) -> Path:
    """Write a report into the log folder after a crash; the newest five are kept.

    Raises:
        RfviewerError: one sentence when it cannot be written.
    """
    folder = paths.log_dir()
    name = f"crash-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.txt"
    path = save_report(folder / name, happened, snapshot)
    for old in sorted(folder.glob("crash-*.txt"))[:-_KEEP_AUTOMATIC]:
        old.unlink(missing_ok=True)
    return path


def report_text(happened: str, snapshot: Snapshot | None) -> str:
    """Return the whole report, redacted, at most 400 kB: the newest log lines matter most."""
    sections = {
        "What happened": [happened],
        "Versions": list(_versions()),
        "Session": list(_session(snapshot)),
        "Doctor": list(_doctor()),
        **_logs(),
    }
    parts = [f"rfviewer report, {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n"]
    for title, lines in sections.items():
        parts.append(f"\n== {title} ==\n" + "\n".join(lines) + "\n")
    return _private(log.redact("".join(parts)))[:_MAX_REPORT_BYTES]


def _versions() -> Iterator[str]:
    yield f"rfviewer {version()}"
    yield f"Python {platform.python_version()}, {platform.platform()}"
    for name in _PACKAGES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue


def _session(snapshot: Snapshot | None) -> Iterator[str]:
    if snapshot is None:
        yield "none"
        return
    yield f"state {snapshot.state}, frame {snapshot.frame_index}, {snapshot.error or 'no error'}"
    if snapshot.source is not None:
        source = snapshot.source
        kind = f"{source.kind}, {source.codec or 'no codec'}, {source.width}x{source.height}"
        yield f"source {source.uri}: {kind}, {source.fps or 'unknown'} frames/s, live {source.live}"
    yield f"engine {snapshot.engine.phase}: {snapshot.engine.step}"
    if snapshot.engine.info is not None:
        info = snapshot.engine.info
        yield f"{info.model} on {info.backend} ({info.device}, {info.precision})"
        yield from (
            f"  {toggle.name}: {toggle.requested}, in effect {toggle.effective} {toggle.reason}"
            for toggle in info.toggles
        )
    for name in ("engine_config", "optimizations", "view", "playback"):
        value = getattr(snapshot, name)
        settings = ", ".join(f"{item.name}={getattr(value, item.name)}" for item in fields(value))
        yield f"{name}: {settings}"
    yield f"counters: {asdict(snapshot.counters)}"
    yield f"queues: {dict(snapshot.queues)}, resident {snapshot.rss_bytes / 1e6:.0f} MB"
    yield f"recording: {snapshot.recording}"


def _doctor() -> Iterator[str]:
    from rfviewer.doctor.verb import collect

    for check in collect():
        yield f"{check.status:<8} {check.name:<18} {check.detail}"


def _logs() -> dict[str, list[str]]:
    folder = paths.log_dir_if_usable()
    if folder is None:
        return {"Logs": ["none: the log folder cannot be used"]}
    return log.last_lines(folder)


def _private(text: str) -> str:
    """Take the user's name out of paths."""
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text
