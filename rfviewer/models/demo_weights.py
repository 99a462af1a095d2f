"""The embedded demo model: one int8 store of weights, filled into the ONNX graph or a torch model.

Owns the format of resources/demo_model/: `weights_int8.safetensors` (the only copy of the weights),
`graph.onnx` (no weights in it: every weight is an external initializer) and `weights_map.json`
(which stored tensor fills which initializer). Needs numpy and safetensors, and ONNX Runtime for
`demo_onnx_inputs`; must not import torch nor the `onnx` package. packaging/export_demo_model.py
makes the graph and the map. No state: callable from any thread.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from rfviewer.errors import ModelError

WEIGHTS_FILE = "weights_int8.safetensors"
GRAPH_FILE = "graph.onnx"
MAP_FILE = "weights_map.json"
EXTERNAL_FILE = "weights_fp32.bin"
"""Where graph.onnx says that its weights are. Not shipped; `write_full_onnx` makes it."""

_WEIGHTS_FORMAT = "rfviewer-demo-int8-v1"
_INT8_SUFFIX, _SCALE_SUFFIX = ".int8", ".scale"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOnnxInputs:
    """What `onnxruntime.InferenceSession(str(graph_path), options)` needs.

    Keep this object alive as long as the session: ONNX Runtime reads the weights in place.
    """

    graph_path: Path
    """The weightless graph.onnx."""
    options: Any
    """An `onnxruntime.SessionOptions` to which the external initializers were added."""
    ort_values: tuple[Any, ...]
    """The `onnxruntime.OrtValue`s behind the options, each the owner of its numpy array."""


def load_demo_state_dict(folder: Path) -> dict[str, NDArray[Any]]:
    """Return the dequantized weights by state_dict name, ready for `torch.from_numpy`.

    A matrix is stored as int8 with one fp32 scale per output row, `w[o] = int8[o] * scale[o]`;
    every other tensor is fp16. All come back as C-contiguous float32, except bool buffers, which
    stay bool. The names are those of
    `RFDETRSegNano(pretrain_weights=None, group_detr=4).model.model.state_dict()`.

    Args:
        folder: resources/demo_model, see `rfviewer.paths.resource`.

    Raises:
        ModelError: the weights are missing or damaged.
    """
    path = _existing(folder / WEIGHTS_FILE)
    try:
        with safe_open(path, framework="np") as store:
            found = (store.metadata() or {}).get("format")
            if found != _WEIGHTS_FORMAT:
                raise ModelError(
                    f"{path} has format {found!r}, expected {_WEIGHTS_FORMAT!r};"
                    " install rfviewer again."
                )
            return dict(_dequantized(store))
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"The demo model's weights {path} cannot be read ({error}); install rfviewer again."
        ) from error


def iter_demo_initializers(folder: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield (initializer name, C-contiguous float32 array) for every weight of graph.onnx.

    The order is that of the map, which is also the order of the bytes in `EXTERNAL_FILE`.

    Args:
        folder: resources/demo_model.

    Raises:
        ModelError: a file is missing or damaged, or graph and weights do not belong together.
    """
    map_path = _existing(folder / MAP_FILE)
    try:
        recipes = json.loads(map_path.read_text(encoding="utf-8"))["initializers"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{map_path} is damaged ({error}); install rfviewer again.") from error
    state = load_demo_state_dict(folder)
    for name, recipe in recipes.items():
        yield name, _filled(name, recipe, state)


def demo_onnx_inputs(folder: Path, options: Any = None) -> DemoOnnxInputs:  # noqa: ANN401  (untyped)
    """Return the graph's path and session options with every weight filled in, no torch needed.

    Args:
        folder: resources/demo_model.
        options: an `onnxruntime.SessionOptions` to extend (threads, log level); None makes one.

    Raises:
        ModelError: a file is missing or damaged.
    """
    from rfviewer.onnx_runtime import (
        onnxruntime,
    )  # here, so that the torch path does not pay for it

    graph_path = _existing(folder / GRAPH_FILE)
    session_options = onnxruntime.SessionOptions() if options is None else options
    names, values = [], []
    for name, array in iter_demo_initializers(folder):
        names.append(name)
        values.append(onnxruntime.OrtValue.ortvalue_from_numpy(array))
    session_options.add_external_initializers(names, values)
    return DemoOnnxInputs(graph_path=graph_path, options=session_options, ort_values=tuple(values))


def write_full_onnx(folder: Path, target_folder: Path) -> Path:
    """Write graph.onnx and its fp32 weights file, for tools that read disk; return the graph.

    The pair is an ordinary ONNX model with external data: a TensorRT parser
    (`parse_from_file`), `onnx.load` and ONNX Runtime open it without this module. 120 MB.

    Args:
        folder: resources/demo_model.
        target_folder: an existing folder; the two files are overwritten.

    Raises:
        ModelError: a file is missing or damaged.
    """
    graph_path = target_folder / GRAPH_FILE
    with (target_folder / EXTERNAL_FILE).open("wb") as external:
        for _, array in iter_demo_initializers(folder):
            external.write(array.tobytes())
    shutil.copyfile(_existing(folder / GRAPH_FILE), graph_path)
    return graph_path


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ModelError(f"The demo model's file {path} is missing; install rfviewer again.")
    return path


def _dequantized(store: Any) -> Iterator[tuple[str, NDArray[Any]]]:  # noqa: ANN401  (untyped package)
    for key in store.keys():  # noqa: SIM118  (a safetensors handle is not iterable)
        if key.endswith(_SCALE_SUFFIX):
            continue
        tensor = store.get_tensor(key)
        if key.endswith(_INT8_SUFFIX):
            name = key.removesuffix(_INT8_SUFFIX)
            scale = store.get_tensor(name + _SCALE_SUFFIX)
            yield name, tensor * scale.reshape(-1, *[1] * (tensor.ndim - 1))
        elif tensor.dtype == np.float16:
            yield key, tensor.astype(np.float32)
        else:
            yield key, tensor


def _filled(name: str, recipe: dict[str, Any], state: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """Apply one recipe of the map: rows of the stored tensor, then transpose, then shape."""
    try:
        array = state[recipe["key"]]
        if "rows" in recipe:
            array = array[slice(*recipe["rows"])]
        if recipe.get("transpose"):
            array = array.T
        return np.ascontiguousarray(array.reshape(recipe["shape"]))
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"The demo model's graph and weights do not belong together ({name}: {error});"
            " install rfviewer again."
        ) from error
