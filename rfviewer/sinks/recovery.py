"""Finding and finishing recordings that a crash or a power cut left behind."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rfviewer.errors import SinkError
from rfviewer.frames_text import frames_text
from rfviewer.sinks.coco import coco_from_jsonl
from rfviewer.sinks.faults import cannot_create
from rfviewer.sinks.finish import copy_path, finish
from rfviewer.sinks.fragments import whole_fragments_bytes
from rfviewer.sinks.length import labelled_frames, length_s, video_frames
from rfviewer.sinks.names import free_path
from rfviewer.sinks.partial import in_use, target_of
from rfviewer.sinks.publish import publish
from rfviewer.sinks.remux import AudioRange
from rfviewer.sinks.running import RecordedKind, RunningFile, RunningFiles
from rfviewer.sinks.sound import SoundNote


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """A recording that was never finished."""

    file: RunningFile
    duration_s: float | None
    """Length of what can be played; None for labels."""
    size_bytes: int
    changed: datetime
    """When the last of it was written."""

    @property
    def path(self) -> Path:
        """What there is."""
        return Path(self.file.partial)

    @property
    def target(self) -> Path:
        """What it would have become."""
        return Path(self.file.target)


@dataclass(frozen=True, slots=True)
class Recovered:
    """A recording that was finished afterwards."""

    path: Path
    """The name it got; a file that stands at the planned name stays as it is."""
    duration_s: float | None
    """Length in seconds; None for COCO files."""
    frames: int
    """Frames in the video, or those that the COCO file is of."""
    notice: str = ""
    """What the user should know, as sentences: why there is no sound, that labels of the recording
    end at another frame; empty when all went well."""


def find_interrupted(
    running: RunningFiles | None,
    folders: Iterable[Path] = (),
    *,
    kept: bool = False,
    empty: bool = False,
) -> list[Interrupted]:
    """Return what was left behind, wherever it lies and in `folders`: videos, then the rest.

    Each oldest first. How much longer than a video its labels are can be told until they are a
    COCO file.

    What is recorded right now, in this or another process, is not among them; neither is what the
    user wants left as it is, unless `kept` asks for it too, or a listed video that was cut off
    before any of it was on the disk, unless `empty` does. Reads whole files: not for the GUI
    thread.
    """
    listed = [] if running is None else [file for _, file in running.entries()]
    files = {file.partial: file for file in listed}
    for folder in folders:
        for path in find_recoverable(folder):
            files.setdefault(str(path.absolute()), _video(path))
    found = [_look_at(file, empty=empty) for file in files.values() if kept or not file.kept]
    left = [one for one in found if one is not None]
    return sorted(left, key=lambda one: (one.file.kind is not RecordedKind.VIDEO, one.changed))


def find_recoverable(folder: Path) -> list[Path]:
    """Return the interrupted videos in `folder` that hold something, oldest first."""
    found: list[tuple[float, Path]] = []
    for path in _partials(folder):
        try:
            if target_of(path) is not None and whole_fragments_bytes(path) and not in_use(path):
                found.append((path.stat().st_mtime, path))
        except OSError:
            continue  # gone, or not ours to read
    return [path for _, path in sorted(found)]


def recover(path: Path, running: RunningFiles | None = None) -> Recovered:
    """Finish the interrupted recording at `path` under its planned name, or the next free one.

    Nothing is ever replaced. The sound is copied as at an ordinary end, if the source is a file
    that is still there and has not changed.

    Raises:
        SinkError: when it is no interrupted recording, is being recorded, or cannot be finished.
    """
    file = _listed(path, running) or _video(path)
    if not path.is_file():
        raise SinkError(f"The recording {path} is gone; look whether it was recovered before.")
    if in_use(path):
        raise SinkError(f"{path} is being recorded right now; stop that recording instead.")
    target = Path(file.target)
    try:
        if file.kind is RecordedKind.COCO:
            recovered = _recover_coco(file)
        else:
            audio, notice = _sound(file, path)
            finished = finish(path, target, overwrite=False, audio=audio)
            if finished is None:
                _forget(path, running)
                beside = f" {_beside(file, 0)}" if file.labels else ""
                raise SinkError(f"{path} held nothing that can be played and was removed.{beside}")
            frames = video_frames(finished.path)
            notice = " ".join(filter(None, (notice or finished.notice, _beside(file, frames))))
            recovered = Recovered(finished.path, finished.duration_s, frames, notice)
    except (OSError, KeyError, TypeError) as error:  # the last two: labels of some other program
        raise cannot_create(target, error) from error
    _forget(path, running)
    return recovered


def delete(path: Path, running: RunningFiles | None = None) -> None:
    """Remove an interrupted recording for good.

    Raises:
        SinkError: when it is none, is being recorded or cannot be removed.
    """
    _ = _listed(path, running) or _video(path)
    try:
        if path.exists() and in_use(path):
            raise SinkError(f"{path} is being recorded right now; stop that recording instead.")
        path.unlink(missing_ok=True)
        copy_path(path).unlink(missing_ok=True)
    except OSError as error:
        why = error.strerror or "unknown reason"
        raise SinkError(f"{path} cannot be removed ({why}); remove it by hand.") from error
    _forget(path, running)


def keep(path: Path, running: RunningFiles | None) -> None:
    """Leave an interrupted recording as it is and never offer it again.

    Raises:
        SinkError: when it is none.
    """
    file = _listed(path, running) or _video(path)
    if running is not None:
        running.keep(file)


def _sound(file: RunningFile, path: Path) -> tuple[AudioRange | None, str]:
    """Return the sound that belongs to the recording, or why there is none."""
    if not file.source_name:
        return None, "The recording has no sound: nothing is noted about its source."
    note = SoundNote.from_json(file.sound)
    return (None, "") if note is None else note.audio_range(length_s(path))


def _beside(file: RunningFile, frames: int) -> str:
    """Return how the labels compare with the `frames` of their video; empty where they are equal.

    Labels are on disk frame by frame, a video by fragments, so labels of its last frames are left
    over. They are true and nowhere else: nothing is cut.
    """
    labels = Path(file.labels)
    try:
        labelled = labelled_frames(labels) if file.labels else frames
    except FileNotFoundError:
        return ""  # they became a COCO file before, or were removed
    except OSError as error:
        return f"The labels {labels.name} cannot be read ({error.strerror})."
    name = "Its labels" if _is_own(labels) else f"Its labels in {labels.name}"
    if labelled == frames:
        return ""
    if labelled < frames:
        return f"{name} are of {labelled} of these."
    of_frames = f"{name} are of {frames_text(labelled)}"
    if not frames:
        return f"{of_frames}."
    return (
        f"{of_frames}: the video is {labelled - frames} shorter, since its end was not on the disk"
        " yet; no label was cut."
    )


def _is_own(labels: Path) -> bool:
    """Whether labels were written for a COCO file alone; those that were asked for stay."""
    return labels.name.endswith(".jsonl") and ".partial" in labels.name


def _recover_coco(file: RunningFile) -> Recovered:
    labels, target = Path(file.partial), Path(file.target)
    temporary = free_path(target.with_name(f"{target.stem}.partial{target.suffix}"))
    try:
        frames = coco_from_jsonl(labels, temporary, file.source_name, file.class_names, file.info)
        path = publish(temporary, target, overwrite=False)
    finally:
        temporary.unlink(missing_ok=True)
    if _is_own(labels):
        labels.unlink()
    return Recovered(path, None, frames)


def _look_at(file: RunningFile, *, empty: bool) -> Interrupted | None:
    """Return what is worth recovering; None for what is gone, being recorded or `empty`."""
    path = Path(file.partial)
    try:
        status = path.stat()
        video = file.kind is RecordedKind.VIDEO
        held = whole_fragments_bytes(path) if video else status.st_size
        if in_use(path) or not (held or (video and empty)):
            return None
    except OSError:
        return None  # gone meanwhile, or not ours to read
    return Interrupted(
        file=file,
        duration_s=length_s(path) if video else None,
        size_bytes=status.st_size,
        changed=datetime.fromtimestamp(status.st_mtime, UTC),
    )


def _video(path: Path) -> RunningFile:
    target = target_of(path)
    if target is None:
        raise SinkError(f"{path} is no interrupted recording; choose a file named .partial.mp4.")
    return RunningFile(
        kind=RecordedKind.VIDEO, partial=str(path.absolute()), target=str(target.absolute())
    )


def _listed(path: Path, running: RunningFiles | None) -> RunningFile | None:
    entries = () if running is None else running.entries()
    wanted = str(path.absolute())
    return next((file for _, file in entries if file.partial == wanted), None)


def _forget(path: Path, running: RunningFiles | None) -> None:
    if running is not None:
        running.forget(path.absolute())


def _partials(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(folder.glob("*.partial*.mp4"))
    except OSError:
        return  # a folder that cannot be listed holds nothing for us
