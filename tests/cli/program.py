"""Runs the real program in a child process, with its folders below one of the test."""

import os
import subprocess
import sys
from pathlib import Path

import av

REPOSITORY = Path(__file__).parents[2]
CLIP_FRAMES = 12
"""Of the fixture `clip`."""


def environment(home: Path) -> dict[str, str]:
    """Return ours, with all folders of the program below `home`."""
    folders = {name: str(home) for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")}
    return {**os.environ, **folders, "HOME": str(home), "PYTHONPATH": str(REPOSITORY)}


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "rfviewer", *map(str, arguments)]


def rfviewer(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it in `home` to its end."""
    return subprocess.run(
        command(*arguments),
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def frame_count(path: Path) -> int:
    with av.open(path) as container:
        return sum(1 for _ in container.decode(video=0))
