"""One name for every network."""

from pathlib import Path

import pytest

from rfviewer.errors import ModelError
from rfviewer.extras import install_command
from rfviewer.models import registry
from rfviewer.models.registry import list_models, resolve_model
from rfviewer.models.spec import ModelSpec
from tests.models import tiny_onnx
from tests.models.tiny_onnx import write


def resolve(name: str) -> ModelSpec:
    return resolve_model(name, lambda *_: None)


def test_none_has_no_network() -> None:
    assert resolve("none") == ModelSpec("none", None, (0, 0), (), has_masks=False, num_select=0)


def test_demo_brings_its_weights() -> None:
    spec = resolve("demo")
    assert spec.onnx_path is not None
    assert spec.onnx_path.is_file()
    assert (spec.input_wh, spec.num_select, spec.has_masks) == ((312, 312), 100, True)
    assert len(spec.class_names) == 91
    named = {spec.class_names[i] for i in range(91)} - {None}
    assert named == {"person", "car", "motorcycle", "bus", "truck"}
    assert spec.weights is not None
    assert all(array.dtype == "float32" for array in spec.weights.onnx_initializers().values())
    assert "class_embed.weight" in spec.weights.state_dict()


def test_own_onnx(tmp_path: Path) -> None:
    content = tiny_onnx.rfdetr_like(classes=2, mask_side=None, metadata={"names": '["cat"]'})
    spec = resolve(str(write(tmp_path / "My Model.ONNX", content)))
    assert spec.name == "My Model.ONNX"
    assert spec.class_names == ("cat", None)
    assert not spec.has_masks
    assert spec.num_select == 5


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("rfdetr-seg-nan", "did you mean rfdetr-seg-nano?"),
        ("Demo", "did you mean demo?"),
        ("qqqq", "`rfviewer models` lists the names"),
        ("missing.onnx", r"There is no model file .*missing\.onnx"),
        ("missing.pth", r"There is no model file .*missing\.pth"),
    ],
)
def test_unknown_names(name: str, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        resolve(name)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="because they can hold code"):
        resolve(str(write(tmp_path / "model.engine", b"x")))
    with pytest.raises(ModelError, match="is not a model file"):
        resolve(str(tmp_path))


def test_licence_is_needed_before_anything_happens(cache: Path) -> None:
    with pytest.raises(ModelError, match=r"rfviewer models --accept PML-1\.0"):
        resolve("rfdetr-xlarge")


def test_list_says_what_is_missing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {entry.name: entry for entry in list_models()}
    assert entries["demo"].available
    assert entries["none"].available
    assert entries["rfdetr-seg-nano"].needs == install_command("models")
    assert entries["rfdetr-2xlarge"].needs == "rfviewer models --accept PML-1.0"
    assert entries["rfdetr-2xlarge"].licence == "PML-1.0"
    assert not entries["rfdetr-large"].has_masks
    monkeypatch.setattr(registry, "rfdetr_version", lambda: "1.11.2")
    assert {entry.name for entry in list_models() if not entry.available} == {
        "rfdetr-xlarge",
        "rfdetr-2xlarge",
    }


def test_a_path_that_cannot_be_looked_at_is_told_in_one_sentence(tmp_path) -> None:
    with pytest.raises(ModelError, match=r"cannot be looked at \(.+\); check the path"):
        resolve(str(tmp_path / f"{'a' * 300}.onnx"))
