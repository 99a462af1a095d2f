"""Exported networks on disk: found by what they are, checked before use, published as a whole.

Layout below cache_dir():
    checkpoints/<file name>        official checkpoints as downloaded
    models/<key>/model.onnx        the network; key = checkpoint SHA-256, rfdetr version and opset
    models/<key>/manifest.json     what it is, with the SHA-256 of model.onnx
    models/<name>.lock             held while that model is made
    models/.<name>.partial/        the work of the lock's holder; renamed to <key> as the last step
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rfviewer import log
from rfviewer.errors import ModelError, RfviewerError
from rfviewer.models.sealing import seal
from rfviewer.paths import cache_dir
from rfviewer.private_files import NotPrivateError, check_private_folder

ONNX_FILE = "model.onnx"
OPSET = 17
"""ONNX opset of every export; what rfdetr itself defaults to."""
SCHEMA = 1
"""Version of the manifest; an export of another schema is made again."""
_MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What lies beside an exported model.onnx."""

    schema: int
    name: str
    """Registry name, or file name of the user's checkpoint."""
    checkpoint_sha256: str
    rfdetr: str
    """Version of rfdetr that exported it."""
    torch: str
    opset: int
    onnx_sha256: str
    input_wh: tuple[int, int]
    class_names: tuple[str | None, ...]
    has_masks: bool
    num_select: int

    @property
    def key(self) -> str:
        """Folder name: whatever can change the graph changes it."""
        parts = f"{self.checkpoint_sha256} {self.rfdetr} {self.opset} {self.schema}"
        return hashlib.sha256(parts.encode()).hexdigest()[:32]


def store_folder(name: str, error_class: type[RfviewerError] = ModelError) -> Path:
    """Return a private folder of the cache, made on first use.

    Raises:
        error_class: others could have put something there, or it cannot be made.
    """
    try:
        folder = cache_dir() / name
    except RfviewerError as error:
        raise error_class(str(error)) from error
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        check_private_folder(folder)
    except NotPrivateError as error:
        raise error_class(
            f"The cache folder {folder} {error}, so nothing in it can be trusted; remove it and"
            " start again."
        ) from error
    except OSError as error:
        raise error_class(
            f"The cache folder {folder} cannot be made ({error.strerror or error}); free some space"
            " or name another cache folder in XDG_CACHE_HOME."
        ) from error
    return folder


def find_export(
    wanted: Callable[[Manifest], bool], version: str | None
) -> tuple[Path, Manifest] | None:
    """Return (folder, manifest) of a sound export, or None.

    Args:
        wanted: whether a manifest is of the right model.
        version: rfdetr's version; None takes an export of any, as when rfdetr was uninstalled.
    """
    for folder, manifest in all_exports():
        fits = manifest.opset == OPSET and version in {None, manifest.rfdetr}
        if fits and wanted(manifest):
            onnx_path = folder / ONNX_FILE
            if not onnx_path.is_symlink() and file_sha256(onnx_path) == manifest.onnx_sha256:
                return folder, manifest
            log.model.warning("the cached export %s is damaged and is made again", folder)
    return None


def all_exports() -> Iterator[tuple[Path, Manifest]]:
    """Yield (folder, manifest) of every export whose manifest can be read."""
    for path in sorted(store_folder("models").glob(f"[!.]*/{_MANIFEST_FILE}")):
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            values["input_wh"] = tuple(values["input_wh"])
            values["class_names"] = tuple(values["class_names"])
            manifest = Manifest(**values)
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.model.warning("the cached export %s is ignored: %s", path.parent, error)
            continue
        if manifest.schema == SCHEMA and (path.parent / ONNX_FILE).is_file():
            yield path.parent, manifest


def publish(partial: Path, manifest: Manifest) -> Path:
    """Move the finished work in `partial` to its final place; return the folder.

    Everything is on disk before the rename, so that a crash leaves all or nothing.
    """
    seal(partial, ONNX_FILE, _MANIFEST_FILE, asdict(manifest))
    target = partial.parent / manifest.key
    if target.exists():
        # Only a damaged export can be here: a good one would have been found.
        shutil.rmtree(target)
    partial.rename(target)
    return target


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hex.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror or error}).") from error
