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


def missing_packages(*, tests: bool = False) -> list[str]:
    """Return the packages to install, in a stable order; always empty outside Linux."""
    if not sys.platform.startswith("linux"):
        return []
    missing = [package for library, package in WINDOW_LIBRARIES.items() if not _loads(library)]
    if tests:
        missing += [name for program, name in TEST_PROGRAMS.items() if not shutil.which(program)]
    return missing


def install_line(packages: list[str]) -> str:
    """Return the command that installs `packages` on Debian and Ubuntu."""
    return "sudo apt-get install --no-install-recommends " + " ".join(packages)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.stdout.write(" ".join(missing_packages(tests="--tests" in sys.argv[1:])) + "\n")
