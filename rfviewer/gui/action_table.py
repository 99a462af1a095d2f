"""Every action of the window in one table: menus, keys and the shortcut sheet are made from it.

Keys follow mpv where mpv has the function (its input.conf).
"""

from dataclasses import dataclass
from enum import StrEnum

TOGGLE_KEYS = 9
"""Digits 1 to 9 flip the first rows of the rack."""


class Menu(StrEnum):
    """Menus, in the order of the menu bar."""

    FILE = "File"
    PLAYBACK = "Playback"
    VIEW = "View"
    OPTIMISE = "Optimise"
    MEASURE = "Measure"
    HELP = "Help"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpec:
    """One action."""

    id: str
    """Name in the code."""
    text: str
    """Text in menus, in the sheet and in the palette."""
    menu: Menu
    """Where it is listed."""
    keys: tuple[str, ...] = ()
    """Shortcuts in Qt's portable form; the first one is shown in the menu."""
    icon: str = ""
    """Icon name in resources/icons."""
    tip: str = ""
    """More than `text` says."""
    checkable: bool = False
    held: bool = False
    """Acts only while its key is held; it has no menu entry."""
    group: int = 0
    """A line is drawn between entries of different groups."""
    repeats: bool = False
    """Whether holding the key repeats it."""


def _spec(id: str, text: str, menu: Menu, keys: str = "", **more: object) -> ActionSpec:  # noqa: A002
    return ActionSpec(id=id, text=text, menu=menu, keys=tuple(keys.split()), **more)  # type: ignore[arg-type]


_F, _P, _V, _O, _M, _H = Menu
ACTIONS: tuple[ActionSpec, ...] = (
    _spec("open_file", "Open video…", _F, "Ctrl+O", icon="folder"),
    _spec("open_folder", "Open image folder…", _F, tip="The images of a folder as one video"),
    _spec("open_address", "Open address…", _F, "Ctrl+L", icon="link", tip="RTSP, HTTP or a path"),
    _spec("open_camera", "Use camera…", _F, "Ctrl+K", icon="webcam"),
    _spec("open_clip", "Try the demo clip", _F, icon="film"),
    _spec("record", "Record", _F, "R", icon="record", checkable=True, group=1),
    _spec("export_video", "Export annotated video…", _F, "Ctrl+E", icon="download", group=1),
    _spec("shot_annotated", "Screenshot with masks", _F, "S", icon="screenshot", group=2),
    _spec("shot_raw", "Screenshot without masks", _F, "Shift+S", group=2),
    _spec("shot_window", "Screenshot of the window", _F, "Ctrl+Shift+S", group=2),
    _spec("quit", "Quit", _F, "Ctrl+Q Q", group=3),
    _spec("play", "Play or pause", _P, "Space P", icon="play"),
    _spec("step_forward", "One frame forward", _P, ".", icon="step-forward", repeats=True),
    _spec("step_back", "One frame back", _P, ",", icon="step-back", repeats=True),
    _spec("seek_forward", "5 s forward", _P, "Right", repeats=True, group=1),
    _spec("seek_back", "5 s back", _P, "Left", repeats=True, group=1),
    _spec("seek_forward_1", "1 s forward", _P, "Shift+Right", repeats=True, group=1),
    _spec("seek_back_1", "1 s back", _P, "Shift+Left", repeats=True, group=1),
    _spec("seek_forward_60", "60 s forward", _P, "Up", repeats=True, group=1),
    _spec("seek_back_60", "60 s back", _P, "Down", repeats=True, group=1),
    _spec("seek_start", "To the start", _P, "Home", group=1),
    _spec("faster", "Faster", _P, "]", group=2),
    _spec("slower", "Slower", _P, "[", group=2),
    _spec("normal_speed", "Normal speed", _P, "Backspace", group=2),
    _spec("loop", "Loop", _P, "Shift+L", icon="loop", checkable=True, group=3),
    _spec("policy", "Every frame or keep pace", _P, "K", group=3),
    _spec("masks", "Masks", _V, "M", checkable=True),
    _spec("outlines", "Outlines", _V, "O", checkable=True),
    _spec("boxes", "Boxes", _V, "B", checkable=True),
    _spec("labels", "Labels", _V, "T", checkable=True),
    _spec("color_by", "Colour by class or instance", _V, "C"),
    _spec("threshold_down", "Lower threshold", _V, "-", repeats=True, group=1),
    _spec("threshold_up", "Raise threshold", _V, "=", repeats=True, group=1),
    _spec("zoom_fit", "Fit to window", _V, "Ctrl+0", group=2),
    _spec("zoom_1", "Actual size", _V, "Ctrl+1", group=2),
    _spec("zoom_in", "Zoom in", _V, "Ctrl+= Ctrl++", group=2),
    _spec("zoom_out", "Zoom out", _V, "Ctrl+-", group=2),
    _spec("stats", "Statistics for 4 s", _V, "I", group=3),
    _spec("stats_pin", "Statistics on the video", _V, "Shift+I", checkable=True, group=3),
    _spec(
        "split",
        "Split view",
        _V,
        "W",
        icon="split",
        checkable=True,
        group=3,
        tip="Left the reference, a second network, right what is set, on the same frame",
    ),
    _spec("panel", "Side panel", _V, "F9", icon="panel", checkable=True, group=4),
    _spec("plots", "Pages below the video", _V, "F10", checkable=True, group=4),
    _spec("tall_page", "Most room for the page", _V, "Shift+F10", checkable=True, group=4),
    _spec("fullscreen", "Fullscreen", _V, "F F11", icon="fullscreen", checkable=True, group=4),
    _spec("leave_fullscreen", "Leave fullscreen", _V, "Esc", group=4),
    _spec("reset_layout", "Reset layout", _V, group=4),
    _spec("baseline", "Baseline and back", _O, "0", tip="All off, and back", checkable=True),
    _spec("all_on", "All on", _O, "Alt+0", checkable=True),
    _spec("hold_baseline", "Baseline while held", _O, "A", held=True),
    _spec("page_ab", "A/B comparison", _M, "F5", icon="flask"),
    _spec("page_waterfall", "Waterfall", _M, "F6"),
    _spec("page_timeline", "Timeline", _M, "F7", icon="timeline"),
    _spec("page_latency", "Latency", _M, "F8"),
    _spec("run_ab", "Measure A against B", _M, "Ctrl+B", icon="stopwatch", group=1),
    _spec("run_waterfall", "Measure the waterfall", _M, group=1),
    _spec("run_ceilings", "Measure the ceilings", _M, group=1),
    _spec("stop_lab", "Stop measuring", _M, "Ctrl+.", group=1),
    _spec(
        "parity",
        "Compare with the reference",
        _M,
        "G",
        checkable=True,
        group=2,
        tip="Every n-th live frame also goes through a second network as the reference",
    ),
    _spec("parity_details", "Parity figures and worst frame…", _M, group=2),
    _spec("freeze", "Freeze the timeline", _M, "Z", checkable=True, group=3),
    _spec("export_trace", "Export trace…", _M, group=3, tip="Opens in Perfetto"),
    _spec("save_report", "Save report…", _M, group=3, tip="One HTML file with figures and plots"),
    _spec(
        "save_replay",
        "Save the last seconds…",
        _M,
        "Ctrl+Shift+R",
        group=3,
        tip="Source, settings and results, to run again under other switches",
    ),
    _spec("copy_command", "Copy as command", _M, "Ctrl+Shift+C", icon="terminal", group=4),
    _spec("reset_counters", "Clear plots", _M, "Ctrl+R", group=4),
    _spec("keys", "Keyboard shortcuts", _H, "? F1", icon="help"),
    _spec("palette", "Find a command…", _H, "Ctrl+P Ctrl+Shift+P", icon="search"),
    _spec("recover", "Recover recordings…", _H, group=1, tip="Finish what a crash cut off"),
    _spec("bug_report", "Save bug report…", _H, group=1, tip="Versions, checks and the last log"),
    _spec("log_folder", "Open log folder", _H, group=1),
    _spec("about", "About rfviewer", _H),
)


def toggle_actions() -> tuple[ActionSpec, ...]:
    """Return the actions of the digit keys; the rack decides which row each one flips."""
    return tuple(
        _spec(f"toggle_{digit}", f"Switch {digit} of the rack", _O, str(digit), group=1)
        for digit in range(1, TOGGLE_KEYS + 1)
    )


def all_actions() -> tuple[ActionSpec, ...]:
    """Return every action in menu order."""
    return ACTIONS + toggle_actions()
