"""The replay file: a zip with a clip, the settings and the results of a run. Reads it safely.

Nothing in it is trusted: only the listed members are read, none is larger than its limit whatever
the archive says, and names never reach the file system. Imports neither decoder nor engine.
"""

import json
import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

from rfviewer.config import Settings, settings_from
from rfviewer.errors import SourceError, UsageError
from rfviewer.optimizations import off_value, toggle_names

SUFFIX = ".rfreplay"
FORMAT = 1
MANIFEST, SETTINGS, RESULTS, CLIP = "manifest.json", "settings.json", "results.jsonl", "clip.mkv"
_LIMITS = {
    MANIFEST: 16 << 20,
    SETTINGS: 1 << 20,
    RESULTS: 1 << 30,
    CLIP: 2 << 30,
}
"""The members that a replay may have, and the most bytes each may unpack to."""
_MAX_FRAMES = 100_000
_MAX_LINE_BYTES = 64 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError)
_CHUNK = 1 << 20
_PARTS = ("engine", "optimizations", "view")
"""The parts of the settings that a replay keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayManifest:
    """What a replay is."""

    source: str
    """What was played, without passwords."""
    name: str
    """Its short name."""
    live: bool
    """Whether it was a camera or a stream."""
    fps: float | None
    """Its stated rate."""
    clip_times_s: tuple[float, ...]
    """When each frame of the replay is shown in the clip."""
    pts_s: tuple[float, ...]
    """Time of each frame in the replay, from 0, strictly increasing."""
    stream_copy: bool
    """Whether the clip holds the packets of the source; else its frames, encoded without loss."""
    notice: str = ""
    """What the user should know, e.g. that less was kept than asked for."""
    made_with: dict[str, str]
    """Versions, command line and engine."""


def is_replay(source: str) -> bool:
    """Tell whether what the user typed names a replay file."""
    return source.lower().endswith(SUFFIX) and "://" not in source


def manifest_text(manifest: ReplayManifest) -> str:
    """Return the manifest as JSON."""
    return json.dumps({"format": "rfviewer-replay", "version": FORMAT, **asdict(manifest)})


def read_manifest(path: Path) -> ReplayManifest:
    """Return what the replay at `path` is.

    Raises:
        SourceError: it cannot be read, or is no replay of this kind.
    """
    content = _json(path, MANIFEST)
    if content.pop("format", None) != "rfviewer-replay" or content.pop("version", None) != FORMAT:
        raise SourceError(f"{path.name} was saved by another version of rfviewer; update it.")
    try:
        manifest = ReplayManifest(
            source=str(content["source"]),
            name=str(content["name"]),
            live=bool(content["live"]),
            fps=None if content["fps"] is None else float(content["fps"]),
            clip_times_s=_times(content["clip_times_s"]),
            pts_s=_times(content["pts_s"]),
            stream_copy=bool(content["stream_copy"]),
            notice=str(content["notice"]),
            made_with={str(k): str(v) for k, v in dict(content["made_with"]).items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error
    if len(manifest.pts_s) != len(manifest.clip_times_s) or manifest.pts_s[0]:
        raise _damaged(path, "its times do not match")
    return manifest


def read_settings(path: Path) -> Settings:
    """Return engine, optimizations and view that the replay was saved with.

    Raises:
        SourceError: it cannot be read.
    """
    content = _json(path, SETTINGS)
    unknown = set(content) - set(_PARTS)
    if unknown:
        raise _damaged(path, f"unknown settings {', '.join(sorted(unknown))}")
    kept = content.get("optimizations")
    if isinstance(kept, dict):  # those of later versions were not at work in that run
        content["optimizations"] = {name: off_value(name) for name in toggle_names()} | kept
    try:
        settings = settings_from(content, path.name)
    except UsageError as error:
        raise SourceError(f"{path.name} cannot be used: {error}") from error
    model = str(settings.engine.model)
    if model.startswith(("\\\\", "//")) or "://" in model:
        # A path of another machine would make the system log in there.
        raise SourceError(f"{path.name} names a model on another machine; choose one by --model.")
    return settings


def with_saved_settings(settings: Settings, source: object) -> Settings:
    """Return `settings`, with the saved ones in their place where `source` is a replay file.

    Raises:
        SourceError: the replay cannot be read.
    """
    if not isinstance(source, str) or not is_replay(source):
        return settings
    saved = read_settings(Path(source).expanduser())
    return replace(saved, playback=settings.playback)


def settings_text(settings: Settings) -> str:
    """Return the parts of the settings that a replay keeps, as `read_settings` takes them."""
    settings = replace(settings, engine=replace(settings.engine, nvtx=False))
    content = {name: asdict(getattr(settings, name)) for name in _PARTS}
    for part in content.values():
        for key, value in part.items():
            if isinstance(value, frozenset):
                part[key] = sorted(value)
    return json.dumps(content)


def read_results(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the saved results: what a line of labels says, and with which settings.

    Raises:
        SourceError: they cannot be read.
    """
    with _member(path, RESULTS) as file:
        while line := file.readline(_MAX_LINE_BYTES):
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise _damaged(path, error) from error
            if not isinstance(record, dict):
                raise _damaged(path, "a result is no object")
            yield record


def unpack_clip(path: Path, folder: Path) -> Path:
    """Write the clip into `folder`, which is ours alone, and return its path.

    Raises:
        SourceError: it cannot be read or written.
    """
    target, left = folder / CLIP, _LIMITS[CLIP]
    with _member(path, CLIP) as file, target.open("xb") as output:
        while chunk := file.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise _damaged(path, "its clip is too large")
            output.write(chunk)
    return target


def _json(path: Path, name: str) -> dict[str, Any]:
    with _member(path, name) as file:
        text = file.read(_LIMITS[name] + 1)
    if len(text) > _LIMITS[name]:
        raise _damaged(path, f"{name} is too large")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, error) from error
    if not isinstance(content, dict):
        raise _damaged(path, f"{name} holds no object")
    return content


@contextmanager
def _member(path: Path, name: str) -> Iterator[IO[bytes]]:
    """Open a member after checking all that the archive says it holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check(path, archive.infolist())
            with archive.open(name) as file:
                yield file
    except FileNotFoundError as error:
        raise SourceError(f"There is no file {path}; check the name.") from error
    except _BROKEN as error:
        raise _damaged(path, error) from error
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read or unpacked ({error.strerror}); check it and the disk."
        ) from error


def _check(path: Path, members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    if sorted(names) != sorted(_LIMITS):
        raise _damaged(path, "it does not hold exactly what a replay holds")
    for member in members:
        if member.flag_bits & 1:
            raise _damaged(path, "it is encrypted")
        if member.file_size > _LIMITS[member.filename]:
            raise _damaged(path, f"{member.filename} is too large")


def _times(values: Any) -> tuple[float, ...]:  # noqa: ANN401 - JSON
    times = tuple(float(value) for value in values)
    rising = all(a < b for a, b in pairwise(times))
    if not 1 <= len(times) <= _MAX_FRAMES or not rising or not all(map(math.isfinite, times)):
        raise ValueError("its times are wrong")
    return times


def _damaged(path: Path, why: object) -> SourceError:
    return SourceError(f"{path.name} is no replay that can be read ({why}); choose another file.")
