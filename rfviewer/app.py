"""The composition root of the window: its session, and what the gui needs from other rooms."""

import traceback
from pathlib import Path

from rfviewer import early_signals, log, paths
from rfviewer.command_line import command_for
from rfviewer.config import Settings
from rfviewer.errors import RfviewerError
from rfviewer.gui.app_shell import run
from rfviewer.gui.services import WindowServices
from rfviewer.palette import color_of
from rfviewer.pipeline.threads import start_thread
from rfviewer.report import save_crash_report
from rfviewer.safety_parts import safety_services
from rfviewer.sentinel import Sentinel
from rfviewer.session.interface import Session
from rfviewer.session.remote import RemoteSession
from rfviewer.sinks.screenshot import free_path, write_png
from rfviewer.version import version, versions, versions_text

DEMO_CLIPS = (
    ("Drawn traffic, 1280 x 720, 10 s", "demo:720p"),
    ("Drawn traffic, 312 x 176, 22 s", "demo"),
)
SESSION_MAKER = "rfviewer.compose:window_session"


def run_window(
    source: str | None,
    settings: Settings,
    *,
    in_process: bool = False,
    quit_after_s: float | None = None,
    screenshot: Path | None = None,
    theme: str | None = None,
) -> int:
    """Show the window until it is closed; return the exit code.

    Args:
        source: what to open at once; None shows the demo clip with the first-run cards.
        settings: what to start with.
        in_process: run the engine on threads of this process, for debugging.
        quit_after_s: close the window by itself after that many seconds.
        screenshot: save the window there before it closes by itself.
        theme: "light", "dark" or "system" for this run; None for what was chosen last.
    """
    sentinel = Sentinel.begin(version())
    early_signals.before_leaving(sentinel.end)
    try:
        return run(
            lambda: _session(settings, in_process=in_process),
            _services(sentinel, settings),
            settings,
            source=source,
            quit_after_s=quit_after_s,
            screenshot=screenshot,
            theme=theme,
        )
    except Exception:
        log.app.exception("the window ended by an error; %s", _crash_report(traceback.format_exc()))
        raise
    finally:
        sentinel.end()


def _crash_report(happened: str) -> str:
    """Return where the report of a crash is, or why there is none; the crash matters more."""
    try:
        return f"a report is in {save_crash_report(happened, None)}"
    except RfviewerError as error:
        return f"there is no report: {error}"


def _session(settings: Settings, *, in_process: bool) -> Session:
    if in_process:
        from rfviewer.compose import window_session

        return window_session(settings)
    return RemoteSession(SESSION_MAKER, settings, log_folder=paths.log_dir_if_usable())


def _services(sentinel: Sentinel, settings: Settings) -> WindowServices:
    return WindowServices(
        list_cameras=_list_cameras,
        list_models=_list_models,
        write_png=write_png,
        color_of=color_of,
        free_path=free_path,
        start_thread=start_thread,
        command_for=command_for,
        default_pictures_dir=paths.pictures_dir(),
        default_videos_dir=paths.videos_dir(),
        log_dir=paths.log_dir_if_usable(),
        version=version(),
        versions_text=versions_text,
        safety=safety_services(sentinel, settings),
        about_machine=_about_machine,
        demo_clips=DEMO_CLIPS,
    )


def _about_machine() -> tuple[dict[str, object], dict[str, str]]:
    from rfviewer.listing import hardware

    return hardware(), versions()


def _list_cameras() -> list[tuple[str, str]]:
    from rfviewer.sources.cameras import list_cameras

    cameras = list_cameras()
    log.app.info("%d cameras found", len(cameras))
    return [(camera.name, f"camera:{camera.index}") for camera in cameras]


def _list_models() -> list[tuple[str, str]]:
    from rfviewer.models.registry import list_models

    return [(entry.name, entry.description) for entry in list_models()]
