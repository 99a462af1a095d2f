"""One name for every network: "demo", "none", the official models, and the user's own files."""

import difflib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from rfviewer.errors import ModelError
from rfviewer.extras import install_command
from rfviewer.interfaces import Progress
from rfviewer.models.class_names import names_for_onnx
from rfviewer.models.demo import demo_spec
from rfviewer.models.export_cache import (
    exported_checkpoint,
    exported_official,
    rfdetr_version,
)
from rfviewer.models.export_store import all_exports
from rfviewer.models.official import OFFICIAL_MODELS, OfficialModel, find_official, is_accepted
from rfviewer.models.onnx_file import inspect_onnx
from rfviewer.models.spec import ModelSpec

CHECKPOINT_SUFFIXES = frozenset({".pth", ".pt", ".ckpt"})
"""Endings of torch checkpoints; every other file must be .onnx."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One line of the model list."""

    name: str
    """What `resolve_model` takes."""
    description: str
    """What it is, in a few words."""
    available: bool
    """Whether it can be used now, after a download at most."""
    needs: str
    """What to do first; empty when nothing is needed."""
    has_masks: bool
    """Whether it finds masks besides boxes."""
    licence: str
    """Licence of the weights; empty when there are none."""


def resolve_model(name: str, progress: Progress) -> ModelSpec:
    """Return the network of that name or file; may download and export for minutes, once.

    Args:
        name: "demo", "none", an official name such as "rfdetr-seg-nano", or a path to .onnx or
            .pth.
        progress: told every long step; may raise to give up.

    Raises:
        ModelError: one sentence saying what is wrong with the name or file and what to do.
    """
    if name == "demo":
        return demo_spec()
    if name == "none":
        return ModelSpec("none", None, (0, 0), (), has_masks=False, num_select=0)
    official = find_official(name)
    if official is not None:
        if not is_accepted(official.licence):
            raise ModelError(
                f"The weights of {name} are under the {official.licence} licence; read it, then"
                f" accept it once with: rfviewer models --accept {official.licence}."
            )
        return exported_official(official, progress)
    return _from_file(name, progress)


def list_models() -> list[ModelEntry]:
    """Return every model with a name, in the order to show; loads nothing."""
    exported = frozenset(manifest.name for _, manifest in all_exports())
    return [
        ModelEntry(
            "demo",
            "Segmentation, drawn traffic scenes, 312x312, built in",
            available=True,
            needs="",
            has_masks=True,
            licence="Apache-2.0",
        ),
        *(_entry(model, exported) for model in OFFICIAL_MODELS),
        ModelEntry(
            "none",
            "No network: frames pass through, to check sources and recordings",
            available=True,
            needs="",
            has_masks=False,
            licence="",
        ),
    ]


def _entry(model: OfficialModel, exported: frozenset[str]) -> ModelEntry:
    needs = ""
    if not is_accepted(model.licence):
        needs = f"rfviewer models --accept {model.licence}"
    elif model.name not in exported:
        if rfdetr_version() is None:
            needs = install_command("models")
        elif model.needs_plus and importlib.util.find_spec("rfdetr_plus") is None:
            needs = "pip install 'rfdetr[plus]'"
    return ModelEntry(
        model.name,
        model.description + (", exported" if model.name in exported else ""),
        available=not needs,
        needs=needs,
        has_masks=model.has_masks,
        licence=model.licence,
    )


def _from_file(name: str, progress: Progress) -> ModelSpec:
    path = Path(name).expanduser().absolute()
    suffix = path.suffix.lower()
    try:
        exists = path.exists()
    except OSError as error:
        why = error.strerror or error
        raise ModelError(f"{path} cannot be looked at ({why}); check the path.") from error
    if not exists:
        if suffix == ".onnx" or suffix in CHECKPOINT_SUFFIXES:
            raise ModelError(f"There is no model file {path}; check the path.")
        raise ModelError(f"There is no model {name}{_suggestion(name)}")
    if not path.is_file():
        raise ModelError(f"{path} is not a model file; give a path to a .onnx or .pth file.")
    if suffix == ".onnx":
        progress(f"Reading {path.name}", 1, 1)
        layout = inspect_onnx(path)
        return ModelSpec(
            name=path.name,
            onnx_path=path,
            input_wh=layout.input_wh,
            class_names=names_for_onnx(path, layout.metadata, layout.classes),
            has_masks=layout.has_masks,
            # rfdetr selects as many pairs as there are queries in every size that it publishes.
            num_select=layout.queries,
        )
    if suffix in CHECKPOINT_SUFFIXES:
        return exported_checkpoint(path, progress)
    raise ModelError(
        f"{path} is neither an .onnx file nor an RF-DETR checkpoint (.pth); TensorRT engines and"
        " other formats are not opened, because they can hold code."
    )


def _suggestion(name: str) -> str:
    """Return the rest of the sentence: the closest name, or where to see them all."""
    names = ["demo", *(entry.name for entry in OFFICIAL_MODELS)]
    close = difflib.get_close_matches(name.lower(), names, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return "; `rfviewer models` lists the names, or give a path to a .onnx or .pth file."
