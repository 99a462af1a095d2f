"""What the window needs from other rooms, as plain callables: the gui imports none of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rfviewer.config import Settings, View
from rfviewer.gui.safety_services import SafetyServices
from rfviewer.interfaces import ScreenshotWriter

type NamedUri = tuple[str, str]
"""A name to show and the URI to open."""

type StartThread = Callable[[str, Callable[[], None]], object]
"""Starts a named thread that runs the callable: `rfviewer.pipeline.threads.start_thread`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowServices:
    """Everything that the composition root injects into the window besides the session."""

    list_cameras: Callable[[], list[NamedUri]]
    """Returns the cameras of this machine; may block, so it never runs on the GUI thread."""
    list_models: Callable[[], list[tuple[str, str]]]
    """Returns (name, description) of every known model; may touch the disk."""
    write_png: ScreenshotWriter
    """Writes the window screenshot; raises SinkError with one sentence."""
    color_of: Callable[[View, int, int], tuple[int, int, int]]
    """Returns (r, g, b) that the renderer uses for (view, class id, rank in the frame)."""
    free_path: Callable[[Path], Path]
    """Returns the path, or the next free one with a number, so that nothing is overwritten."""
    start_thread: StartThread
    """Starts background work; the gui starts no thread of its own."""
    command_for: Callable[[Settings, str | None], str]
    """Returns the command line that reproduces the settings on a source."""
    default_pictures_dir: Path
    """Where screenshots go."""
    default_videos_dir: Path
    """Where recordings go."""
    log_dir: Path | None = None
    """Folder of the log files for Help > Open log folder; None when nothing is logged to disk."""
    version: str = ""
    """Version of the program for Help > About."""
    versions_text: Callable[[], str] = lambda: ""
    """Returns the versions of what takes part, for files; may touch the disk."""
    safety: SafetyServices = field(default_factory=SafetyServices)
    """What helps after a crash."""
    about_machine: Callable[[], tuple[Mapping[str, object], Mapping[str, str]]] = lambda: ({}, {})
    """Returns hardware and versions for a report; may touch the disk."""
    demo_clips: tuple[NamedUri, ...] = ()
    """Shipped clips, the first one being the one that "Try the clip" opens."""
