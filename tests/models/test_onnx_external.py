"""A model may read plain files of its own folder, and nothing else."""

from pathlib import Path

import pytest

from rfviewer.errors import ModelError
from rfviewer.models.onnx_external import check_external_data, external_locations
from tests.models import tiny_onnx
from tests.models.tiny_onnx import blob, external_tensor, model, node, number, write


def test_self_contained_model_names_no_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.onnx", tiny_onnx.rfdetr_like())
    assert external_locations(path) == set()
    check_external_data(path)


def test_file_beside_the_model_is_allowed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.onnx", tiny_onnx.rfdetr_like(external="weights.bin"))
    (tmp_path / "weights.bin").write_bytes(bytes(80))
    assert external_locations(path) == {"weights.bin"}
    check_external_data(path)


@pytest.mark.parametrize(
    "location",
    ["../secret", "/etc/passwd", "sub/weights.bin", "..", ".", "", "..\\secret", "C:\\secret"],
)
def test_other_places_are_refused(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "models"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "weights.bin").write_bytes(bytes(80))
    (tmp_path / "secret").write_bytes(bytes(80))
    path = write(folder / "a.onnx", tiny_onnx.rfdetr_like(external=location))
    with pytest.raises(ModelError, match="right beside the model"):
        check_external_data(path)


def test_links_are_refused(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret", bytes(80))
    folder = tmp_path / "models"
    folder.mkdir()
    path = write(folder / "a.onnx", tiny_onnx.rfdetr_like(external="weights.bin"))
    (folder / "weights.bin").symlink_to(secret)
    with pytest.raises(ModelError, match="links are refused"):
        check_external_data(path)
    (folder / "weights.bin").unlink()
    (folder / "weights.bin").hardlink_to(secret)
    with pytest.raises(ModelError, match="hard link"):
        check_external_data(path)


def test_missing_data_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.onnx", tiny_onnx.rfdetr_like(external="weights.bin"))
    with pytest.raises(ModelError, match=r"needs its data file 'weights\.bin'"):
        check_external_data(path)


EVIL = external_tensor("x", (1,), "../secret")
ATTRIBUTE_TENSOR = blob(5, EVIL)
SUBGRAPH = blob(6, blob(5, EVIL))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(model(blob(1, node("Constant", [], "y", ATTRIBUTE_TENSOR))), id="attribute"),
        pytest.param(model(blob(1, node("If", ["c"], "y", SUBGRAPH))), id="subgraph"),
        pytest.param(model(blob(15, blob(1, EVIL))), id="sparse initializer"),
        pytest.param(model(b"") + blob(25, blob(7, node("If", [], "y", SUBGRAPH))), id="function"),
        pytest.param(model(b"") + blob(20, blob(1, blob(5, EVIL))), id="training"),
    ],
)
def test_every_place_of_a_tensor_is_looked_at(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "a.onnx", content)
    assert external_locations(path) == {"../secret"}


@pytest.mark.parametrize("content", [b"hello, world\n", b"\x07", b"<html></html>" * 10])
def test_other_files_are_not_onnx(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "a.onnx", content)
    with pytest.raises(ModelError, match="not a complete ONNX file"):
        check_external_data(path)


def test_cut_files_are_refused_at_every_length(tmp_path: Path) -> None:
    whole = tiny_onnx.rfdetr_like(queries=2, classes=2, mask_side=2)
    refused = 0
    for length in range(1, len(whole)):
        path = write(tmp_path / "a.onnx", whole[:length])
        try:
            check_external_data(path)
        except ModelError:
            refused += 1
    # A few cuts fall between two top-level fields; ONNX Runtime judges those.
    assert refused >= len(whole) - 4


def test_empty_and_missing_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is empty"):
        check_external_data(write(tmp_path / "a.onnx", b""))
    with pytest.raises(ModelError, match="No such file"):
        check_external_data(tmp_path / "b.onnx")


def test_endless_nesting_ends(tmp_path: Path) -> None:
    graph = b""
    for _ in range(200):
        graph = blob(1, node("If", [], "y", blob(6, graph)))
    with pytest.raises(ModelError, match="too deeply"):
        check_external_data(write(tmp_path / "a.onnx", model(graph)))


def test_overlong_number_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.onnx", number(1, 8) + b"\x10" + b"\xff" * 11)
    with pytest.raises(ModelError, match="too long"):
        check_external_data(path)
