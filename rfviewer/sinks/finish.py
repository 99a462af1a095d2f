"""Finishing a recording: from fragments under a temporary name to a playable file under its own."""

import errno
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rfviewer import log
from rfviewer.sinks.faults import MEDIA_ERRORS, reason
from rfviewer.sinks.fragments import cut_broken_end
from rfviewer.sinks.length import length_s
from rfviewer.sinks.publish import publish
from rfviewer.sinks.remux import AudioRange, Copied, TooLateError, remux

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished recording."""

    path: Path
    """The name it got."""
    notice: str
    """One sentence the user should know; empty when all went well."""
    duration_s: float | None
    """Length of what can be played; None when there was no time to look."""


def copy_path(partial: Path) -> Path:
    """Return where the ordinary MP4 is made from the fragments in `partial`."""
    return partial.with_name(f"{partial.stem}.remux.mp4")


def finish(
    partial: Path,
    target: Path,
    *,
    overwrite: bool,
    audio: AudioRange | None,
    is_late: Callable[[float], bool] = lambda _: False,
) -> Finished | None:
    """Give the recording in `partial` its final name; None when there was nothing playable in it.

    It becomes an ordinary MP4 if there is room for a copy, and time (`is_late`, see `remux`), else
    the fragments themselves get the final name: they play too.

    Raises:
        OSError: when it cannot be renamed; the fragments stay at `partial`.
    """
    if not cut_broken_end(partial):
        partial.unlink()
        return None
    copy = copy_path(partial)
    try:
        copied = _copy(partial, copy, audio, is_late)
    except TooLateError:
        copy.unlink(missing_ok=True)
        log.sink.info("%s stays in fragments: there was no time to copy it", target.name)
        notice = "" if audio is None else "The recording has no sound: there was no time for it."
        return Finished(publish(partial, target, overwrite=overwrite), notice, None)
    except MEDIA_ERRORS as error:
        copy.unlink(missing_ok=True)
        log.sink.warning("%s stays in fragments: %s", target.name, error)
        notice = ""
        if audio is not None:
            notice = f"The recording has no sound: {reason(error)[0]} while it was added."
        kept_s = length_s(partial)
        return Finished(publish(partial, target, overwrite=overwrite), notice, kept_s)
    path = publish(copy, target, overwrite=overwrite)
    partial.unlink()
    return Finished(path, copied.notice, copied.duration_s)


def _copy(
    partial: Path, copy: Path, audio: AudioRange | None, is_late: Callable[[float], bool]
) -> Copied:
    """Make the ordinary MP4; sound that the muxer refuses is left out and told.

    Raises:
        TooLateError: there is no time for it.
        MEDIA_ERRORS: when it cannot be made even without sound, or the disk is full.
    """
    copy.unlink(missing_ok=True)
    try:
        return remux(partial, copy, audio, is_late)
    except (*MEDIA_ERRORS, ValueError) as error:
        if audio is None or getattr(error, "errno", None) in _NO_ROOM:
            raise
        log.sink.warning("audio of %s was refused: %s", audio.source.name, error)
    copy.unlink(missing_ok=True)
    copied = remux(partial, copy, None, is_late)
    name = audio.source.name
    copied.notice = f"The recording has no sound: the audio of {name} cannot be copied into an MP4."
    return copied
