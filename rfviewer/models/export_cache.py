"""Checkpoints as ONNX networks: from the store when they are there, else exported into it once."""

import importlib.metadata
import shutil
from pathlib import Path

from rfviewer.errors import ModelError
from rfviewer.extras import install_command
from rfviewer.interfaces import Progress
from rfviewer.models.class_names import COCO_COUNT, coco_names
from rfviewer.models.export_process import run_export, this_python
from rfviewer.models.export_store import (
    ONNX_FILE,
    OPSET,
    SCHEMA,
    Manifest,
    file_sha256,
    find_export,
    publish,
    store_folder,
)
from rfviewer.models.file_lock import file_lock
from rfviewer.models.official import OfficialModel
from rfviewer.models.onnx_file import inspect_onnx
from rfviewer.models.spec import ModelSpec

_MAX_CHECKPOINT_BYTES = 8_000_000_000
"""The largest model has 0.5 GB, and four times that with optimizer state and averages."""


def rfdetr_version() -> str | None:
    """Return the version of the installed rfdetr without importing it; None when it is missing."""
    try:
        return importlib.metadata.version("rfdetr")
    except importlib.metadata.PackageNotFoundError:
        return None


def exported_official(
    model: OfficialModel,
    progress: Progress,
    *,
    python: str | None = None,
    version: str | None = None,
) -> ModelSpec:
    """Return an official model, downloading and exporting it unless that was done before.

    Args:
        model: which.
        progress: told every step, five times a second; may raise to give up.
        python: interpreter with the `models` extra; None for the running one.
        version: rfdetr's version there; None asks the running interpreter.

    Raises:
        ModelError: one sentence saying what failed and what to do.
    """
    version = version or rfdetr_version()
    checkpoint = store_folder("checkpoints") / model.filename
    found = find_export(lambda item: item.name == model.name, version)
    if found is not None:
        return _spec(*found, model.name, checkpoint)
    if version is None:
        raise ModelError(
            f"The model {model.name} needs the models extra, once, to download and export it;"
            f" install it with: {install_command('models')}."
        )
    arguments = ["--checkpoint", str(checkpoint), "--download-name", model.filename]
    arguments += ["--official-class", model.class_name]
    return _export(model.name, model.name, checkpoint, arguments, progress, python, version)


def exported_checkpoint(
    path: Path, progress: Progress, *, python: str | None = None, version: str | None = None
) -> ModelSpec:
    """Return a user's own RF-DETR checkpoint as ONNX, exporting it unless that was done before.

    Arguments and errors as for `exported_official`.
    """
    version = version or rfdetr_version()
    progress(f"Reading {path.name}", 1, 4)
    _check_checkpoint(path)
    digest = file_sha256(path)
    found = find_export(lambda item: item.checkpoint_sha256 == digest, version)
    if found is not None:
        return _spec(*found, path.name, path)
    if version is None:
        raise ModelError(
            f"The checkpoint {path} needs the models extra, once, to export it; install it with:"
            f" {install_command('models')}."
        )
    arguments = ["--checkpoint", str(path)]
    return _export(digest[:32], path.name, path, arguments, progress, python, version)


def _check_checkpoint(path: Path) -> None:
    """Refuse a file that is no checkpoint by its size before all of it is read.

    Raises:
        ModelError: it is far larger than any, or cannot be read.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror or error}).") from error
    if size > _MAX_CHECKPOINT_BYTES:
        raise ModelError(
            f"{path} has {size / 1e9:.0f} GB, more than any RF-DETR checkpoint; choose another."
        )


def _export(
    lock_name: str,
    name: str,
    checkpoint: Path,
    arguments: list[str],
    progress: Progress,
    python: str | None,
    version: str,
) -> ModelSpec:
    models = store_folder("models")
    partial = models / f".{lock_name}.partial"

    def on_wait() -> None:
        progress("Waiting for another rfviewer that exports the same model", 1, 4)

    try:
        with file_lock(models / f"{lock_name}.lock", on_wait):
            # Whoever held the lock may have made it meanwhile, or died half-way.
            known = file_sha256(checkpoint) if checkpoint.is_file() else None
            found = find_export(
                lambda item: item.name == name and item.checkpoint_sha256 == known, version
            )
            if found is None:
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir(mode=0o700)
                try:
                    worker = ["--opset", str(OPSET), *arguments]
                    result = run_export(worker, partial, progress, python or this_python())
                    manifest = _describe(partial, name, checkpoint, version, result)
                    found = publish(partial, manifest), manifest
                finally:
                    shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise ModelError(
            f"The model {name} cannot be kept in {models} ({error.strerror or error}); free some"
            " space there or mend its permissions."
        ) from error
    return _spec(*found, name, checkpoint)


def _describe(
    partial: Path, name: str, checkpoint: Path, version: str, result: dict[str, object]
) -> Manifest:
    """Return the manifest of the fresh export, its sizes from the file and not from the request."""
    layout = inspect_onnx(partial / ONNX_FILE)
    given = result.get("class_names")
    return Manifest(
        schema=SCHEMA,
        name=name,
        checkpoint_sha256=file_sha256(checkpoint),
        rfdetr=version,
        torch=str(result.get("torch")),
        opset=OPSET,
        onnx_sha256=file_sha256(partial / ONNX_FILE),
        input_wh=layout.input_wh,
        class_names=_names(given if isinstance(given, list) else [], layout.classes),
        has_masks=layout.has_masks,
        num_select=min(int(str(result["num_select"])), layout.queries * layout.classes),
    )


def _names(given: list[object], count: int) -> tuple[str | None, ...]:
    """Return one name per logit from the checkpoint's own list.

    rfdetr's rule: a list of the 80 COCO names on 91 logits means COCO's sparse ids; any other list
    names the logits from 0 on, and the last logit of a fine-tuned model has no name.
    """
    coco = coco_names()
    if count == COCO_COUNT and (not given or given == [name for name in coco if name]):
        return coco
    if not given:
        return tuple(f"class {class_id}" for class_id in range(count))
    return tuple([*(str(name) for name in given), *[None] * count][:count])


def _spec(folder: Path, manifest: Manifest, name: str, checkpoint: Path) -> ModelSpec:
    return ModelSpec(
        name=name,
        onnx_path=folder / ONNX_FILE,
        input_wh=manifest.input_wh,
        class_names=manifest.class_names,
        has_masks=manifest.has_masks,
        num_select=manifest.num_select,
        checkpoint=checkpoint if checkpoint.is_file() else None,
    )
