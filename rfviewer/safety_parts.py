"""What the window gets for the time after a crash, made from sinks, reports and the sentinel."""

from collections.abc import Sequence
from pathlib import Path

from rfviewer import paths
from rfviewer.config import Settings
from rfviewer.frames_text import frames_text
from rfviewer.gui.safety_services import Leftover, SafetyServices
from rfviewer.gui.text import clock_text
from rfviewer.report import save_crash_report, save_report
from rfviewer.safe_mode import safe_settings
from rfviewer.sentinel import Sentinel
from rfviewer.sinks.recovery import delete, find_interrupted, keep, recover
from rfviewer.sinks.running import RunningFiles
from rfviewer.snapshot import Snapshot


def safety_services(sentinel: Sentinel, settings: Settings) -> SafetyServices:
    """Return the services; safe mode is offered only where it is not on already."""
    safe = safe_settings()
    in_safe_mode = settings.engine == safe.engine and settings.optimizations == safe.optimizations
    return SafetyServices(
        find_leftovers=_find,
        recover=_recover,
        keep=lambda leftover: keep(leftover.path, RunningFiles.of_user()),
        delete=lambda leftover: delete(leftover.path, RunningFiles.of_user()),
        save_report=_save_report,
        ended_badly=bool(sentinel.unclean),
        safe_settings=None if in_safe_mode else safe,
        ends_properly=sentinel.end,
    )


def _find() -> Sequence[Leftover]:
    videos = paths.videos_dir()
    found = find_interrupted(RunningFiles.of_user(), [videos] if videos.is_dir() else [])
    return [
        Leftover(one.path, one.target, one.duration_s, one.size_bytes, one.changed) for one in found
    ]


def _recover(leftover: Leftover) -> str:
    recovered = recover(leftover.path, RunningFiles.of_user())
    saved, frames = f"Saved as {recovered.path}", frames_text(recovered.frames)
    if recovered.duration_s is None:
        return f"{saved}, {frames}"
    length = clock_text(recovered.duration_s)
    return f"{saved}, {length} long, {frames}. {recovered.notice}".strip()


def _save_report(path: Path | None, happened: str, snapshot: Snapshot | None) -> Path:
    if path is None:
        return save_crash_report(happened, snapshot)
    return save_report(path, happened, snapshot)
