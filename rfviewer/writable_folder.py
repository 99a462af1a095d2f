"""Whether a folder takes files, found out by trying."""

import tempfile
from pathlib import Path


def check_writable(folder: Path) -> None:
    """Make a file in `folder` that has no name and is gone at once.

    Permission bits do not tell about read-only disks and network folders.

    Raises:
        OSError: why it cannot be made.
    """
    with tempfile.TemporaryFile(dir=folder):
        pass
