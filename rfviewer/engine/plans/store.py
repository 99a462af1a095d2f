"""Engines on disk: found by their key, checked before use, published as a whole.

Layout below cache_dir()/engines, mode 0700:
    <digest of the key>/engine.plan     what TensorRT loads
    <digest of the key>/manifest.json   the side file: the whole key and the SHA-256 of engine.plan
    <digest of the key>.lock            held while that engine is built
    .<digest>.*.partial/                the work of the lock's holder; renamed as the last step
    .<digest>.*.refused/                a damaged or foreign engine on its way out

Only engines built by this program on this machine are ever loaded; there is no way to open one.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rfviewer import log
from rfviewer.engine.backends.tensorrt_layout import TensorLayout
from rfviewer.engine.plans.key import PlanKey, key_from_json, rebuild_reason
from rfviewer.errors import EngineError
from rfviewer.models.export_store import store_folder
from rfviewer.models.file_lock import file_lock
from rfviewer.models.sealing import seal
from rfviewer.private_files import NotPrivateError, check_private_folder, read_private

PLAN_FILE = "engine.plan"
MANIFEST_FILE = "manifest.json"
MAX_STORE_BYTES = 4_000_000_000
"""The engines used longest ago are removed beyond this: about 50 of the demo model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanManifest:
    """What lies beside an engine."""

    key: PlanKey
    model: str
    """Registry name, or file name of the user's model."""
    precision: str
    """Precision of the matrix products, read back from the network that was built."""
    inputs: tuple[TensorLayout, ...]
    outputs: tuple[TensorLayout, ...]
    plan_sha256: str
    plan_bytes: int
    seconds: float
    """How long the build took."""
    created: str
    """UTC, ISO 8601."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredPlan:
    """An engine that passed every check."""

    path: Path
    manifest: PlanManifest
    data: bytes
    """The very bytes that were checked: load these, not the file."""


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no engine to load."""

    reason: str
    """Why it must be built, as the rest of a sentence."""


class _Busy(Exception):  # noqa: N818 - not an error: somebody else works there
    """Another process builds this engine."""


def plans_folder() -> Path:
    """Return the private folder of engines, made on first use.

    Raises:
        EngineError: other users could have put an engine there.
    """
    return store_folder("engines", EngineError)


def find_plan(key: PlanKey, model: str) -> StoredPlan | Missing:
    """Return the engine with this key if it is sound; changes nothing, so it needs no lock.

    A damaged or foreign engine stays where it is until a new one replaces it (`publish`).

    Args:
        key: what the engine must have been built from and for.
        model: name of the model, only to say what changed since its last engine.

    Raises:
        EngineError: the folder of engines is not private.
    """
    folder = plans_folder() / key.digest
    if not os.path.lexists(folder):
        others = (entry.key for _, entry in list_plans() if entry.model == model)
        return Missing(rebuild_reason(key, others))
    try:
        plan = _checked(folder, key)
    except (NotPrivateError, OSError, ValueError, TypeError, KeyError) as error:
        reason = f"the stored engine {_words(error)}"
        log.engine.warning("%s is not loaded: %s", folder, reason)
        return Missing(reason)
    os.utime(folder)  # the newest use: see `_prune`
    return plan


def _checked(folder: Path, key: PlanKey) -> StoredPlan:
    """Read the engine in `folder`, every check included."""
    check_private_folder(folder)
    manifest = _manifest(folder)
    if manifest.key != key:
        raise NotPrivateError("belongs to another model, GPU or version")
    data = read_private(folder / PLAN_FILE)
    if hashlib.sha256(data).hexdigest() != manifest.plan_sha256:
        raise NotPrivateError("was changed or cut since it was built")
    return StoredPlan(folder / PLAN_FILE, manifest, data)


def list_plans() -> Iterator[tuple[Path, PlanManifest]]:
    """Yield (path of the engine, manifest) of every engine; reads no engine."""
    for path in sorted(plans_folder().glob(f"[!.]*/{MANIFEST_FILE}")):
        try:
            manifest = _manifest(path.parent)
        except (NotPrivateError, OSError, ValueError, TypeError, KeyError) as error:
            log.engine.info("the engine %s is ignored: it %s", path.parent, _words(error))
            continue
        yield path.parent / PLAN_FILE, manifest


def partial_folder(key: PlanKey) -> Path:
    """Return a new private folder for the build of `key`, whose lock the caller holds.

    What a killed builder left is removed: its name is never used again, so that a build that
    outlived its viewer cannot write into this one.
    """
    folder = plans_folder()
    for leftover in folder.glob(f".{key.digest}.*.partial"):
        shutil.rmtree(leftover, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f".{key.digest}.", suffix=".partial", dir=folder))


def lock_path(key: PlanKey) -> Path:
    """Return the lock of `key`."""
    return plans_folder() / f"{key.digest}.lock"


def publish(partial: Path, manifest: PlanManifest) -> None:
    """Move the finished engine in `partial` to its final place.

    Everything is on disk before the rename, so that a crash leaves all or nothing.
    """
    seal(partial, PLAN_FILE, MANIFEST_FILE, asdict(manifest), mode=0o600)
    target = partial.parent / manifest.key.digest
    if os.path.lexists(target):
        # Only a damaged engine can be here: a good one would have been found.
        _set_aside(target)
    partial.rename(target)
    _sync_folder(target.parent)
    _prune(keep=target)


def clear_plans() -> tuple[int, int]:
    """Remove every engine that nobody builds right now; return how many and their bytes."""
    folder = plans_folder()
    count = size = 0
    for path in sorted(folder.iterdir()):
        if path.suffix == ".lock":
            continue
        digest = path.name.removeprefix(".").partition(".")[0]
        try:
            with file_lock(folder / f"{digest}.lock", _give_up):
                size += _bytes_of(path)
                count += not path.name.startswith(".")
                _set_aside(path)
        except _Busy:
            continue
    return count, size


def _give_up() -> None:
    raise _Busy


def _manifest(folder: Path) -> PlanManifest:
    values = json.loads(read_private(folder / MANIFEST_FILE))
    values["key"] = key_from_json(values["key"])
    for name in ("inputs", "outputs"):
        values[name] = layouts_from_json(values[name])
    return PlanManifest(**values)


def layouts_from_json(items: list[dict[str, Any]]) -> tuple[TensorLayout, ...]:
    """Return tensors from what `asdict` made of them, once it has been JSON."""
    return tuple(
        TensorLayout(str(item["name"]), tuple(map(int, item["shape"])), str(item["dtype"]))
        for item in items
    )


def _words(error: Exception) -> str:
    """Return what is wrong as the rest of a sentence."""
    if isinstance(error, FileNotFoundError):
        return "is not complete"
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror or error})"
    if isinstance(error, NotPrivateError):
        return str(error)
    return f"has a side file that cannot be understood ({error})"


def _set_aside(path: Path) -> None:
    """Take an entry out of use at once, also one that cannot be removed, then remove it."""
    digest = path.name.removeprefix(".").partition(".")[0]
    away = Path(tempfile.mkdtemp(prefix=f".{digest}.", suffix=".refused", dir=path.parent))
    path.rename(away / "entry")
    shutil.rmtree(away, ignore_errors=True)


def _prune(keep: Path) -> None:
    """Remove the engines used longest ago while all of them take too much room."""
    folders = [path.parent for path, _ in list_plans()]
    folders.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    total = 0
    for folder in folders:
        total += _bytes_of(folder)
        if total > MAX_STORE_BYTES and folder != keep:
            log.engine.info("the engine %s is removed: the newer ones fill the cache", folder)
            _set_aside(folder)


def _bytes_of(path: Path) -> int:
    return sum(item.lstat().st_size for item in path.rglob("*") if not item.is_dir())


def _sync_folder(folder: Path) -> None:
    """Put the rename itself on disk; Windows has no such call."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
