"""Which Debian packages the window and the tests need, and which of them this machine lacks.

Standard library only, and runnable as a script, so that it works before anything is installed:
`python rfviewer/system_packages.py [--tests]` prints the missing packages on one line.
"""

import ctypes
import shutil
import sys

WINDOW_LIBRARIES = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
}
"""Shared libraries that Qt loads at run time, and the Debian and Ubuntu packages that hold them."""

TEST_PROGRAMS = {"ffmpeg": "ffmpeg", "Xvfb": "xvfb", "xauth": "xauth"}
"""Programs that only the tests use, and their packages."""


def missing_packages(*, tests: bool = False, x11: bool = True) -> list[str]:
    """Return the packages to install, in a stable order; always empty outside Linux.

    Without `x11` those are left out that only a window on an X server needs.
    """
    if not sys.platform.startswith("linux"):
        return []
    wanted = {
        library: package
        for library, package in WINDOW_LIBRARIES.items()
        if x11 or not ("xcb" in package or "x11" in package)
    }
    missing = [package for library, package in wanted.items() if not _loads(library)]
    if tests:
        missing += [name for program, name in TEST_PROGRAMS.items() if not shutil.which(program)]
    return missing


def install_line(packages: list[str]) -> str:
    """Return the command that installs `packages` on Debian and Ubuntu."""
    return "sudo apt-get install --no-install-recommends " + " ".join(packages)


def x_server_answers() -> bool:
    """Return whether the X server that DISPLAY names lets us in; True where it cannot be asked."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    # Never null; must be freed also after an error (xcb_connect(3)).
    answers: bool = xcb.xcb_connection_has_error(connection) == 0
    xcb.xcb_disconnect(connection)
    return answers


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.stdout.write(" ".join(missing_packages(tests="--tests" in sys.argv[1:])) + "\n")
