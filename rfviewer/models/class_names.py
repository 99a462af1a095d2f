"""Names of class ids: COCO's list, and what comes with a user's own ONNX file.

Class ids are positions in the network's logits. COCO models keep COCO's sparse category ids
(0 to 90, eleven of them without a name), so id 90 is "toothbrush" and a real class.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from rfviewer.errors import ModelError
from rfviewer.paths import resource

COCO_COUNT = 91
"""Class logits of the official COCO models: category ids 0 to 90."""

_METADATA_KEYS = ("class_names", "names", "rfdetr_notes")
_MAX_LENGTH = 200
"""A class name is a label on a picture; anything longer is a damaged or hostile file."""


def coco_names() -> tuple[str | None, ...]:
    """Return the 91 COCO names by category id; None where COCO has none."""
    lines = resource("class_names/coco.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line or None for line in lines)


def names_for_onnx(path: Path, metadata: Mapping[str, str], count: int) -> tuple[str | None, ...]:
    """Return one name per class logit of a user's model.

    Looked for in this order: the side file `<stem>.names.json` or `<stem>.names.txt`, the ONNX
    metadata (`class_names`, `names`, or `rfdetr_notes` holding either), COCO when there are 91
    classes, and last "class 0", "class 1" and so on.

    Args:
        path: the ONNX file, for the side file's place and name.
        metadata: the file's metadata_props.
        count: number of class logits.

    Raises:
        ModelError: a side file exists but cannot be understood.
    """
    found = _from_side_file(path) or _from_metadata(metadata)
    if found is not None:
        return tuple(_clean(found.get(class_id)) for class_id in range(count))
    if count == COCO_COUNT:
        return coco_names()
    return tuple(f"class {class_id}" for class_id in range(count))


def parse_names(value: object) -> dict[int, str] | None:
    """Return {class id: name} from a list of names or a mapping of ids to names; else None."""
    if isinstance(value, list) and all(isinstance(name, str | None) for name in value):
        return {index: name for index, name in enumerate(value) if name}
    if isinstance(value, dict):
        for key in ("class_names", "names"):
            if key in value:
                return parse_names(value[key])
        try:
            return {int(key): name for key, name in value.items() if isinstance(name, str)}
        except ValueError:
            return None
    return None


def _from_side_file(path: Path) -> dict[int, str] | None:
    json_file, text_file = (path.with_suffix(f".names.{kind}") for kind in ("json", "txt"))
    try:
        if json_file.is_file():
            names = parse_names(json.loads(json_file.read_text(encoding="utf-8")))
            if names is None:
                raise ModelError(
                    f"{json_file} must hold a list of names or an object of ids and names."
                )
            return names
        if text_file.is_file():
            return parse_names([*text_file.read_text(encoding="utf-8").splitlines()])
    except (OSError, ValueError) as error:
        raise ModelError(f"The class names beside {path} cannot be read ({error}).") from error
    return None


def _from_metadata(metadata: Mapping[str, str]) -> dict[int, str] | None:
    for key in _METADATA_KEYS:
        text = metadata.get(key, "")
        try:
            names = parse_names(json.loads(text)) if text else None
        except ValueError:
            # Metadata is free text made by other programs: not JSON means that it names no classes.
            continue
        if names:
            return names
    return None


def _clean(name: str | None) -> str | None:
    """Return a name fit for one line of text: no control characters, bounded length."""
    if name is None:
        return None
    line = "".join(char if char.isprintable() else " " for char in name[:_MAX_LENGTH]).strip()
    return line or None
