"""Finishing a recording: from fragments under a temporary name to a playable file under its own."""

from dataclasses import dataclass
from pathlib import Path

from rfviewer import log
from rfviewer.sinks.faults import MEDIA_ERRORS
from rfviewer.sinks.fragments import cut_broken_end
from rfviewer.sinks.publish import publish
from rfviewer.sinks.remux import AudioRange, remux


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished recording."""

    path: Path
    """The name it got."""
    notice: str
    """One sentence the user should know; empty when all went well."""


def finish(
    partial: Path, target: Path, *, overwrite: bool, audio: AudioRange | None
) -> Finished | None:
    """Give the recording in `partial` its final name; None when there was nothing playable in it.

    It becomes an ordinary MP4 if there is room for a copy, else the fragments themselves get the
    final name: they play too.

    Raises:
        OSError: when it cannot be renamed; the fragments stay at `partial`.
    """
    if not cut_broken_end(partial):
        partial.unlink()
        return None
    copy = partial.with_name(f"{partial.stem}.remux.mp4")
    copy.unlink(missing_ok=True)
    try:
        notice = remux(partial, copy, audio)
    except MEDIA_ERRORS as error:
        copy.unlink(missing_ok=True)
        log.sink.warning("%s stays in fragments: %s", target.name, error)
        notice = "" if audio is None else "The recording has no sound: there was no room for it."
        return Finished(publish(partial, target, overwrite=overwrite), notice)
    path = publish(copy, target, overwrite=overwrite)
    partial.unlink()
    return Finished(path, notice)
