"""What can be said about a source and the screen before the window appears.

Imports no decoder and no Qt: Qt ends the process where it finds no screen or lacks a library.
"""

import os
import sys
from pathlib import Path

from rfviewer.allowed_media import URL_PROTOCOLS, host_of
from rfviewer.config import display_name, qt_platform
from rfviewer.errors import RfviewerError, SourceError
from rfviewer.system_packages import install_line, missing_packages, x_server_answers

_VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mpg"})
_HEAD_BYTES = 512


NO_SCREEN = ("no X11 or Wayland display", "log in to a desktop or set DISPLAY")
"""What is missing where no window can appear, and what to do."""


def check_screen() -> None:
    """Fail where Qt could not start: without a screen, or without the libraries that it loads.

    Raises:
        RfviewerError: one sentence.
    """
    if not sys.platform.startswith("linux"):
        return
    chosen, found = qt_platform(), display_name()
    x11 = chosen.startswith("xcb") or (not chosen and found.endswith("(X11)"))
    packages = missing_packages(x11=x11)
    if packages:
        raise RfviewerError(
            f"The window needs system libraries that are missing: {install_line(packages)}"
        )
    if not found:
        missing, remedy = NO_SCREEN
        raise RfviewerError(
            f"The window cannot open: there is {missing}; {remedy}, or use `rfviewer export`,"
            " which needs none."
        )
    if x11 and not x_server_answers():
        raise RfviewerError(
            f"The window cannot open: no X server lets us in at {found}; check DISPLAY, or use"
            " `rfviewer export`, which needs none."
        )


def check_cheaply(source: str) -> None:
    """Fail for a plain file or camera that is not there, or a file that is obviously no video.

    Addresses are looked at for their scheme only. Everything else is judged by the source itself,
    in the window.

    Raises:
        SourceError: one sentence.
        UsageError: an address of a scheme that is not understood.
    """
    if is_address(source):
        return
    if source.isascii() and source.isdigit():
        if sys.platform.startswith("linux") and not Path(f"/dev/video{source}").exists():
            raise SourceError(f"There is no camera {source}; `rfviewer devices` lists them.")
        return
    local = source.lower().startswith("file://")
    special = not local and source.partition(":")[0] in ("camera", "demo", "synthetic")
    if special or any(char in source for char in "*?["):
        return
    path = _path_of(source) if local else Path(source).expanduser()
    try:
        if not path.exists():
            raise SourceError(f"There is no file {source}; check the name.")
        if path.is_file() and path.suffix.lower() in _VIDEO_SUFFIXES:
            with path.open("rb") as file:
                _check_head(source, file.read(_HEAD_BYTES))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SourceError(f"{source!r} cannot be opened ({reason}); check the name.") from error


def _path_of(file_url: str) -> Path:
    from urllib.parse import urlsplit
    from urllib.request import url2pathname  # which imports half of the library

    return Path(url2pathname(urlsplit(file_url).path))


def is_address(source: str) -> bool:
    """Tell whether `source` is to be opened over a network.

    Raises:
        UsageError: its scheme is not understood, or it names no server.
    """
    scheme, mark, _ = source.partition("://")
    if not mark or scheme.lower() == "file" or os.path.lexists(source):
        return False
    if scheme.lower() not in URL_PROTOCOLS or not host_of(source):
        from rfviewer.sources.urls import is_url, target_of  # which import a decoder

        if not is_url(source):
            return False
        target_of(source)  # raises
    return True


def _check_head(source: str, head: bytes) -> None:
    if not head:
        raise SourceError(f"{source} is empty; choose another file.")
    if head.isascii() and b"\0" not in head:
        raise SourceError(f"{source} is a text file and no video; choose another file.")
