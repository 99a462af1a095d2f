"""The parser gets bytes that were read and checked here, with every weight inside."""

from pathlib import Path

import numpy as np
import pytest

from rfviewer.engine.plans.network_source import NetworkSource, load_network
from rfviewer.errors import EngineError, ModelError
from rfviewer.models.demo import demo_spec
from rfviewer.models.onnx_external import locations_in
from rfviewer.models.spec import ModelSpec
from tests.models import tiny_onnx

onnx = pytest.importorskip("onnx")


def external_model(folder: Path, *, offset: int = 0, length: int | None = None) -> NetworkSource:
    """Write a model whose `dets` constant lies in weights.bin."""
    model = onnx.ModelProto.FromString(tiny_onnx.rfdetr_like(external="weights.bin"))
    (tensor,) = [t for t in model.graph.initializer if t.data_location == 1]
    values = np.arange(20, dtype=np.float32)
    for key, value in (("offset", offset), ("length", length)):
        if value is not None:
            tensor.external_data.add(key=key, value=str(value))
    (folder / "weights.bin").write_bytes(b"\0" * 8 + values.tobytes())
    (folder / "mine.onnx").write_bytes(model.SerializeToString())
    return NetworkSource(onnx_path=folder / "mine.onnx")


def test_external_weights_end_up_inside(tmp_path: Path) -> None:
    source = external_model(tmp_path, offset=8, length=80)
    model, digest = load_network(source)
    tensor = next(t for t in model.graph.initializer if t.name == "constant_dets")
    assert onnx.numpy_helper.to_array(tensor).ravel().tolist() == list(range(20))
    assert locations_in(model.SerializeToString()) == set()
    assert digest == source.sha256()


def test_the_hash_covers_the_data_file(tmp_path: Path) -> None:
    source = external_model(tmp_path, offset=8)
    before = source.sha256()
    data = tmp_path / "weights.bin"
    data.write_bytes(data.read_bytes()[:-1] + b"x")
    assert source.sha256() != before


@pytest.mark.parametrize(("offset", "length"), [(9, 80), (-8, 80), (0, 10**9), (88, -8)])
def test_weights_outside_the_data_file_are_refused(
    tmp_path: Path, offset: int, length: int
) -> None:
    with pytest.raises(ModelError, match="lies outside its data file"):
        load_network(external_model(tmp_path, offset=offset, length=length))


def test_a_model_may_not_read_other_folders(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "secret").write_bytes(b"\0" * 80)
    path = tmp_path / "model" / "evil.onnx"
    path.write_bytes(tiny_onnx.rfdetr_like(external="../secret"))
    with pytest.raises(ModelError, match="only a file right beside the model is allowed"):
        NetworkSource(onnx_path=path).sha256()


def test_an_open_batch_becomes_one(tmp_path: Path) -> None:
    path = tiny_onnx.write(tmp_path / "open.onnx", tiny_onnx.rfdetr_like(batch="batch"))
    model, _ = load_network(NetworkSource(onnx_path=path))
    assert [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == [1, 3, 24, 24]


def test_the_demo_model_gets_its_weights() -> None:
    source = NetworkSource.of(demo_spec())
    model, digest = load_network(source)
    assert digest == source.sha256()
    assert all(t.raw_data and not t.external_data for t in model.graph.initializer)


def test_precisions(spec: ModelSpec) -> None:
    source = NetworkSource.of(spec)
    assert source.precision("auto") == "fp16"
    assert source.precision("fp32") == "fp32"
    assert source.precision("tf32") == "tf32"


def test_a_half_precision_model_stays_as_it_is(tmp_path: Path) -> None:
    model = onnx.ModelProto.FromString(tiny_onnx.rfdetr_like())
    for tensor in model.graph.initializer:
        half = onnx.numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(onnx.numpy_helper.from_array(half, tensor.name))
    path = tiny_onnx.write(tmp_path / "half.onnx", model.SerializeToString())
    source = NetworkSource(onnx_path=path)
    assert source.precision("auto") == "fp16"
    with pytest.raises(EngineError, match=r"half\.onnx is fp16, so precision fp32 cannot be had"):
        source.precision("fp32")


def test_models_without_a_graph(spec: ModelSpec) -> None:
    nothing = ModelSpec("none", None, (0, 0), (), has_masks=False, num_select=0)
    with pytest.raises(EngineError, match="needs an ONNX graph of none"):
        NetworkSource.of(nothing)
