"""The last step of making a stored folder: one file and its manifest, all of it on disk."""

import json
import os
from collections.abc import Mapping
from pathlib import Path


def seal(
    folder: Path,
    content_name: str,
    manifest_name: str,
    manifest: Mapping[str, object],
    *,
    mode: int | None = None,
) -> None:
    """Leave the content in `folder` with a manifest beside it, both written to the disk.

    A rename of the folder then leaves all or nothing, also if the machine crashes. Other files in
    it, leftovers of the making, are removed.

    Args:
        folder: holds the content; nobody else uses it.
        content_name: the one file that is kept.
        manifest_name: the file that is written, as JSON.
        manifest: what is to be known about the content.
        mode: permissions of both files; None leaves them as they were made.

    Raises:
        OSError: e.g. the disk is full.
    """
    for leftover in folder.iterdir():
        if leftover.name != content_name:
            leftover.unlink()
    (folder / manifest_name).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    for name in (content_name, manifest_name):
        if mode is not None:
            (folder / name).chmod(mode)
        with (folder / name).open("rb+") as file:
            os.fsync(file.fileno())
