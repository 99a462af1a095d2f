"""Make resources/demo_model/graph.onnx and weights_map.json from weights_int8.safetensors.

    PYTHONPATH=. python packaging/export_demo_model.py [--verify]

loads the weights into the unmodified rfdetr network, exports it with rfdetr's own exporter
(opset 17, 312x312), then takes every weight out of the graph again: each becomes an external
initializer, named after the state_dict entry it comes from, and the map says how to make it
(rows, transpose, shape). `--verify` compares the shipped graph, filled by
rfviewer.models.demo_weights, with the torch model. README.md here names the packages it needs.
"""

import argparse
import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from demo_torch import DEMO_FOLDER, build_demo_model
from rfviewer.models.demo_weights import (
    EXTERNAL_FILE,
    GRAPH_FILE,
    MAP_FILE,
    WEIGHTS_FILE,
    load_demo_state_dict,
)

WEIGHTS_SHA256 = "21f5046a6344f292169102af87f7fc1416f2d740b16a05201005bfe50dbc908d"
OPSET = 17


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one initializer is made from one stored tensor: rows, then transpose, then shape."""

    key: str
    shape: tuple[int, ...]
    rows: tuple[int, int] | None = None
    transpose: bool = False

    @property
    def name(self) -> str:
        """The initializer's name in the graph; unique to what it contains."""
        rows = f"[{self.rows[0]}:{self.rows[1]}]" if self.rows else ""
        return self.key + rows + (".T" if self.transpose else "")

    def to_json(self) -> dict[str, Any]:
        """Return the entry of weights_map.json, without the parts that do nothing."""
        entry: dict[str, Any] = {"key": self.key}
        if self.rows:
            entry["rows"] = list(self.rows)
        if self.transpose:
            entry["transpose"] = True
        return entry | {"shape": list(self.shape)}


class WeightIndex:
    """Finds the stored tensor that holds exactly the values of an initializer."""

    def __init__(self, state: dict[str, NDArray[Any]]) -> None:
        self._state = state
        self._by_digest: dict[str, tuple[str, tuple[int, int] | None, bool]] = {}
        for key, array in state.items():
            if array.dtype != np.float32:
                continue
            for rows in (None, *self._row_ranges(key, array)):
                part = array[slice(*rows)] if rows else array
                self._by_digest.setdefault(_digest(part), (key, rows, False))
                if part.ndim == 2:
                    self._by_digest.setdefault(_digest(part.T), (key, rows, True))

    def find(self, name: str, array: NDArray[Any]) -> Recipe | None:
        """Return the recipe that makes `array`, None if it is no stored weight."""
        own = self._state.get(name)
        if own is not None and own.shape == array.shape and np.array_equal(own, array):
            return Recipe(key=name, shape=array.shape)
        found = self._by_digest.get(_digest(array))
        if found is None:
            return None
        key, rows, transpose = found
        return Recipe(key=key, shape=array.shape, rows=rows, transpose=transpose)

    @staticmethod
    def _row_ranges(key: str, array: NDArray[Any]) -> list[tuple[int, int]]:
        """The parts that rfdetr takes: q, k, v of an attention; the first of the query groups."""
        count = len(array)
        if "in_proj_" in key:
            step = count // 3
            return [(start, start + step) for start in range(0, count, step)]
        if key in ("query_feat.weight", "refpoint_embed.weight"):
            return [(0, count // 4)]
        return []


def export_full_graph(folder: Path) -> onnx.ModelProto:
    """Return the graph of the demo model as rfdetr exports it, weights inside."""
    wrapper = build_demo_model()
    path = wrapper.export(output_dir=str(folder), opset_version=OPSET, verbose=False)
    return onnx.load(path)


def take_weights_out(model: onnx.ModelProto, state: dict[str, NDArray[Any]]) -> dict[str, Recipe]:
    """Turn every weight of `model`, in place, into an external initializer; return the recipes."""
    index = WeightIndex(state)
    recipes: dict[str, Recipe] = {}
    renamed: dict[str, str] = {}
    kept = []
    offset = 0
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        recipe = index.find(tensor.name, array)
        if recipe is None:
            raise SystemExit(f"initializer {tensor.name} {array.shape} is no stored weight")
        renamed[tensor.name] = recipe.name
        if recipe.name in recipes:
            if recipes[recipe.name] != recipe:
                raise SystemExit(f"{recipe.name} is used in two shapes")
            continue
        recipes[recipe.name] = recipe
        kept.append(_external_tensor(recipe, offset, array.nbytes))
        offset += array.nbytes
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    for node in model.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
    return recipes


def strip_notes(model: onnx.ModelProto) -> None:
    """Remove what only the exporter cares for: source positions, and value shapes inside."""
    model.graph.doc_string = model.doc_string = ""
    model.graph.name = "rfdetr_seg_nano_demo"
    del model.graph.value_info[:]
    del model.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]


def write(model: onnx.ModelProto, recipes: dict[str, Recipe]) -> None:
    """Write the two files next to the weights."""
    (DEMO_FOLDER / GRAPH_FILE).write_bytes(model.SerializeToString())
    lines = [f"    {json.dumps(n)}: {json.dumps(r.to_json())}" for n, r in recipes.items()]
    text = (
        '{\n  "about": "ONNX initializer -> stored tensor: rows, then transpose, then shape",\n'
        f'  "weights_sha256": "{WEIGHTS_SHA256}",\n  "initializers": {{\n'
        + ",\n".join(lines)
        + "\n  }\n}\n"
    )
    (DEMO_FOLDER / MAP_FILE).write_text(text, encoding="utf-8")


def _external_tensor(recipe: Recipe, offset: int, length: int) -> onnx.TensorProto:
    tensor = onnx.TensorProto(name=recipe.name, dims=recipe.shape, data_type=onnx.TensorProto.FLOAT)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", EXTERNAL_FILE), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def _digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array, np.float32).tobytes()).hexdigest()


def main() -> None:
    """Export, or compare what is exported."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--verify", action="store_true", help="compare with torch, write nothing")
    parser.add_argument("--frames", type=int, default=20, help="frames of the demo clip to compare")
    arguments = parser.parse_args()
    if arguments.verify:
        from verify_demo_model import verify

        verify(frame_count=arguments.frames)
        return
    stored = hashlib.sha256((DEMO_FOLDER / WEIGHTS_FILE).read_bytes()).hexdigest()
    if stored != WEIGHTS_SHA256:
        raise SystemExit(f"{WEIGHTS_FILE} has SHA-256 {stored}, expected {WEIGHTS_SHA256}")
    with tempfile.TemporaryDirectory() as folder:
        model = export_full_graph(Path(folder))
    recipes = take_weights_out(model, load_demo_state_dict(DEMO_FOLDER))
    strip_notes(model)
    write(model, recipes)
    total = sum(path.stat().st_size for path in DEMO_FOLDER.iterdir())
    print(f"{len(recipes)} initializers; {DEMO_FOLDER.name}/ holds {total / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
