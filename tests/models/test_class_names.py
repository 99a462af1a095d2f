"""Class names of a user's model: side file, metadata, COCO, numbers."""

import json
from pathlib import Path

import pytest

from rfviewer.errors import ModelError
from rfviewer.models.class_names import coco_names, names_for_onnx


def test_coco_has_80_names_on_91_ids() -> None:
    names = coco_names()
    assert len(names) == 91
    assert sum(name is not None for name in names) == 80
    assert (names[0], names[1], names[3], names[12], names[90]) == (
        None,
        "person",
        "car",
        None,
        "toothbrush",
    )


def test_91_classes_are_coco_and_others_are_numbered(tmp_path: Path) -> None:
    assert names_for_onnx(tmp_path / "a.onnx", {}, 91) == coco_names()
    assert names_for_onnx(tmp_path / "a.onnx", {}, 2) == ("class 0", "class 1")


@pytest.mark.parametrize(
    "metadata",
    [
        {"class_names": '["cat", "dog"]'},
        {"names": '{"0": "cat", "1": "dog"}'},
        {"rfdetr_notes": '{"class_names": ["cat", "dog"]}'},
        {"class_names": "free text", "names": '["cat", "dog"]'},
    ],
)
def test_metadata_names(tmp_path: Path, metadata: dict[str, str]) -> None:
    assert names_for_onnx(tmp_path / "a.onnx", metadata, 3) == ("cat", "dog", None)


def test_side_file_wins_over_metadata(tmp_path: Path) -> None:
    (tmp_path / "a.names.txt").write_text("lion\ntiger\n", encoding="utf-8")
    metadata = {"class_names": '["cat", "dog"]'}
    assert names_for_onnx(tmp_path / "a.onnx", metadata, 2) == ("lion", "tiger")
    (tmp_path / "a.names.json").write_text(json.dumps({"1": "bear"}), encoding="utf-8")
    assert names_for_onnx(tmp_path / "a.onnx", metadata, 2) == (None, "bear")


def test_broken_side_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.names.json").write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(ModelError, match=r"a\.names\.json must hold a list of names"):
        names_for_onnx(tmp_path / "a.onnx", {}, 2)
    (tmp_path / "a.names.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be read"):
        names_for_onnx(tmp_path / "a.onnx", {}, 2)


def test_names_become_one_short_line(tmp_path: Path) -> None:
    metadata = {"class_names": json.dumps(["a\nb\x1b[31m", "x" * 5000, "  "])}
    names = names_for_onnx(tmp_path / "a.onnx", metadata, 3)
    assert names == ("a b [31m", "x" * 200, None)
