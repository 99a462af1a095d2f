"""Makes the sinks of a recording, after checking everything that can be checked before."""

import errno
import os
import shutil
from pathlib import Path

import av.codec

from rfviewer.errors import SinkError
from rfviewer.interfaces import RecordingRequest, Sink, SinkContext
from rfviewer.sinks.coco import CocoSink
from rfviewer.sinks.faults import cannot_create
from rfviewer.sinks.labels import JsonlSink
from rfviewer.sinks.names import free_path
from rfviewer.sinks.running import RunningFiles
from rfviewer.sinks.video import VideoSink
from rfviewer.writable_folder import check_writable

_MIN_FREE_BYTES = 64 * 1024 * 1024
"""Some seconds of 4K video; less would end the recording at once."""
_SUFFIX_ROOM = 24
"""Bytes that temporary names are longer than the final ones."""
_MAX_NAME_BYTES = 255


def make_sinks(request: RecordingRequest, context: SinkContext) -> list[Sink]:
    """Return the sinks that `request` asks for. Implements `interfaces.SinkFactory`.

    Nothing is created before the sinks are entered.

    Raises:
        SinkError: one sentence about the first path that cannot be written.
    """
    wrong = wrong_request(request)
    if wrong:
        raise SinkError(wrong)
    for path in _paths(request):
        _check(path, context, overwrite=request.overwrite)
    sinks: list[Sink] = []
    labels = _labels(request, context)
    if request.video is not None:
        file = labels.labels if isinstance(labels, CocoSink) else labels
        beside = None if file is None else file.path
        sinks.append(_video(request.video, request, context, beside))
    if labels is not None:
        sinks.append(labels)
    return sinks


def wrong_request(request: RecordingRequest) -> str:
    """Return what is wrong with the request itself, whatever is on the disk; empty if nothing."""
    paths = _paths(request)
    if not paths:
        return "There is nothing to record: name a video or a labels file."
    for path in paths:
        if "\0" in str(path):
            return "A file name cannot hold a null character; choose another name."
        if str(path) == "-" or path.parts[:2] == ("/", "dev"):
            return f"Recordings go to files, and {path} is none; choose a file name."
    if request.video is not None and request.video.suffix.lower() != ".mp4":
        return f"{request.video} must be named .mp4; recordings are H.264 in MP4."
    if len({_identity(path) for path in paths}) < len(paths):
        return "Video, labels and COCO file must have different names."
    return ""


def _paths(request: RecordingRequest) -> list[Path]:
    return [path for path in (request.video, request.labels, request.coco) if path is not None]


def _video(
    path: Path, request: RecordingRequest, context: SinkContext, labels: Path | None
) -> VideoSink:
    if "libx264" not in av.codec.codecs_available:
        raise SinkError(
            "This FFmpeg has no H.264 encoder (libx264); install the av package from its wheel."
        )
    return VideoSink(
        path,
        context,
        overwrite=request.overwrite,
        audio=request.audio,
        command=request.command,
        labels=labels,
        running=RunningFiles.of_user(),
    )


def _labels(request: RecordingRequest, context: SinkContext) -> JsonlSink | CocoSink | None:
    # The command of this very recording replaces the one that shows the source.
    command = {"command": request.command} if request.command else {}
    made_with = {**context.settings, **command}
    if request.coco is None:
        if request.labels is None:
            return None
        return JsonlSink(
            request.labels,
            context.class_names,
            overwrite=request.overwrite,
            made_with=made_with,
        )
    own = free_path(request.coco.with_name(f"{request.coco.stem}.partial.jsonl"))
    labels = JsonlSink(
        request.labels or own,
        context.class_names,
        overwrite=request.overwrite and request.labels is not None,
        made_with=made_with,
    )
    return CocoSink(
        request.coco,
        labels,
        source_name=context.source.name,
        class_names=context.class_names,
        info=made_with,
        keep_labels=request.labels is not None,
        overwrite=request.overwrite,
        running=RunningFiles.of_user(),
    )


def _check(path: Path, context: SinkContext, *, overwrite: bool) -> None:
    """Raise SinkError when `path` cannot become a file."""
    folder = path.parent
    try:
        if not folder.is_dir():
            raise SinkError(f"The folder {folder} does not exist; make it or choose another one.")
        if path.is_dir():
            raise SinkError(f"{path} is a folder; choose a file name inside it.")
        if _is_source(path, context):
            raise SinkError(f"{path} is the source itself; choose another name.")
        if path.exists() or path.is_symlink():
            if not overwrite:
                raise cannot_create(path, FileExistsError(errno.EEXIST, "exists"))
            if not path.is_file():
                raise SinkError(f"{path} is no ordinary file; choose another name.")
        if len(os.fsencode(path.name)) > _MAX_NAME_BYTES - _SUFFIX_ROOM:
            raise cannot_create(path, OSError(errno.ENAMETOOLONG, "too long"))
        check_writable(folder)
        free_bytes = shutil.disk_usage(folder).free
    except OSError as error:
        raise cannot_create(path, error) from error
    if free_bytes < _MIN_FREE_BYTES:
        raise SinkError(
            f"The disk of {folder} has only {free_bytes / 1e6:.0f} MB left; free some space."
        )


def _is_source(path: Path, context: SinkContext) -> bool:
    source = Path(context.source.media_path or context.source.uri)
    try:
        return path.samefile(source)
    except (OSError, ValueError):
        return False  # one of them is no file


def _identity(path: Path) -> str:
    return os.path.normcase(path.parent.resolve() / path.name)
