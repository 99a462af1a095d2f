"""The files that a network consists of, and its bytes with every weight inside.

TensorRT's parser opens by itself whatever file an ONNX model names. So it is never given a path:
this module reads the files, after the checks of `models.onnx_external`, and fills the weights into
the graph. Filling needs the `onnx` package and runs in the worker; the rest does not.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rfviewer.engine.backends.onnx_precision import weight_precision
from rfviewer.errors import EngineError, ModelError
from rfviewer.models.demo import DemoWeights
from rfviewer.models.demo_weights import MAP_FILE, WEIGHTS_FILE, iter_demo_initializers
from rfviewer.models.export_store import file_sha256
from rfviewer.models.onnx_external import check_external_data, external_locations
from rfviewer.models.spec import ModelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSource:
    """Where a network comes from."""

    onnx_path: Path
    demo_folder: Path | None = None
    """resources/demo_model, whose int8 store holds the weights of the graph; None for others."""

    @classmethod
    def of(cls, spec: ModelSpec) -> Self:
        """Return the source of a model of the registry.

        Raises:
            EngineError: there is no ONNX graph, or its weights are in a store unknown here.
        """
        if spec.onnx_path is None:
            raise EngineError(f"TensorRT needs an ONNX graph of {spec.name}; export it to .onnx.")
        if spec.weights is None:
            return cls(onnx_path=spec.onnx_path)
        if not isinstance(spec.weights, DemoWeights):
            raise EngineError(
                f"The weights of {spec.name} cannot be given to TensorRT; export it to .onnx."
            )
        return cls(onnx_path=spec.onnx_path, demo_folder=spec.weights.folder)

    def files(self) -> tuple[Path, ...]:
        """Return every file that the network is made of, the graph first.

        Raises:
            ModelError: the model wants to read files that it may not.
        """
        if self.demo_folder is not None:
            folder = self.demo_folder
            return self.onnx_path, folder / WEIGHTS_FILE, folder / MAP_FILE
        check_external_data(self.onnx_path)
        names = sorted(external_locations(self.onnx_path))
        return self.onnx_path, *(self.onnx_path.parent / name for name in names)

    def sha256(self) -> str:
        """Return the digest of all files, 0.1 s per 100 MB.

        Raises:
            ModelError: a file cannot be read.
        """
        return _combined([file_sha256(path) for path in self.files()])

    def own_precision(self) -> str:
        """Return the precision of the model's weights, e.g. "fp32"."""
        return weight_precision(self.onnx_path)

    def precision(self, wanted: str) -> str:
        """Return the precision that an engine will have when `wanted` is asked for.

        "auto" takes fp16 for an fp32 model: tensor cores run it several times faster, and the
        islands of `half_graph` keep its boxes within a tenth of a pixel.

        Raises:
            EngineError: the model cannot be had in that precision.
        """
        own = self.own_precision()
        if wanted == own or (own == "fp32" and wanted in {"tf32", "fp16"}):
            return wanted
        if wanted == "auto":
            return "fp16" if own == "fp32" else own
        raise EngineError(
            f"{self.onnx_path.name} is {own}, so precision {wanted} cannot be had; choose auto."
        )


def _combined(digests: list[str]) -> str:
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def load_network(source: NetworkSource) -> tuple[Any, str]:
    """Return (the onnx.ModelProto with its weights inside, digest of the bytes it was made of).

    Weights outside the graph's own initializers, where no exporter puts them, stay external: check
    with `models.onnx_external.locations_in` before the model goes anywhere.

    Needs the `onnx` package.

    Raises:
        ModelError: a file is missing, damaged or not allowed.
    """
    import onnx

    if source.demo_folder is not None:
        model = onnx.ModelProto.FromString(source.onnx_path.read_bytes())
        tensors = {tensor.name: tensor for tensor in model.graph.initializer}
        for name, array in iter_demo_initializers(source.demo_folder):
            _fill(tensors[name], array.tobytes())
        return model, source.sha256()
    graph_path, *data_paths = source.files()
    contents = {path.name: path.read_bytes() for path in (graph_path, *data_paths)}
    digest = _combined([hashlib.sha256(data).hexdigest() for data in contents.values()])
    try:
        model = onnx.ModelProto.FromString(contents[graph_path.name])
    except Exception as error:  # protobuf's error class depends on its implementation
        raise ModelError(f"{graph_path} is not a complete ONNX file; export it again.") from error
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            _fill(tensor, _slice(graph_path, tensor, contents))
    for item in model.graph.input:
        _close_batch(item)
    return model, digest


def _close_batch(item: Any) -> None:  # noqa: ANN401 - onnx has no types
    """Make an open batch 1: an open one needs optimization profiles and makes a slower engine."""
    sizes = item.type.tensor_type.shape.dim
    if sizes and not sizes[0].HasField("dim_value"):
        sizes[0].dim_value = 1


def _fill(tensor: Any, data: bytes) -> None:  # noqa: ANN401 - onnx has no types
    del tensor.external_data[:]
    tensor.ClearField("data_location")
    tensor.raw_data = data


def _slice(path: Path, tensor: Any, contents: dict[str, bytes]) -> bytes:  # noqa: ANN401
    """Return the bytes of an external tensor, cut from the file's bytes that were read before."""
    entry = {item.key: item.value for item in tensor.external_data}
    try:
        data = contents[entry["location"]]
        offset = int(entry.get("offset", 0))
        length = int(entry.get("length", len(data) - offset))
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"{path}: the weight {tensor.name} has a wrong place ({error})."
        ) from error
    if not 0 <= offset <= offset + length <= len(data):
        raise ModelError(
            f"{path}: the weight {tensor.name} lies outside its data file; copy that file again."
        )
    return data[offset : offset + length]
