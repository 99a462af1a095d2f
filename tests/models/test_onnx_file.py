"""What is accepted as an RF-DETR network, and the sentence for what is not."""

from pathlib import Path
from typing import Any

import pytest

from rfviewer.errors import ModelError
from rfviewer.models.onnx_file import OnnxLayout, inspect_onnx
from tests.models import tiny_onnx
from tests.models.tiny_onnx import write


def inspect(tmp_path: Path, **options: Any) -> OnnxLayout:
    return inspect_onnx(write(tmp_path / "a.onnx", tiny_onnx.rfdetr_like(**options)))


def test_segmentation_layout(tmp_path: Path) -> None:
    layout = inspect(tmp_path, side=48, queries=7, classes=3, metadata={"names": "[]"})
    assert layout == OnnxLayout((48, 48), 7, 3, has_masks=True, metadata={"names": "[]"})


def test_detection_only_layout(tmp_path: Path) -> None:
    layout = inspect(tmp_path, mask_side=None)
    assert not layout.has_masks


def test_symbolic_batch_is_accepted(tmp_path: Path) -> None:
    assert inspect(tmp_path, batch="batch").input_wh == (24, 24)


def test_sizes_left_open_are_found_by_one_run(tmp_path: Path) -> None:
    layout = inspect(tmp_path, batch="batch", open_outputs=True, queries=6, classes=4)
    assert (layout.queries, layout.classes, layout.has_masks) == (6, 4, True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"batch": 4}, "its inputs are input 4x3x24x24 float, needed is one float32 image"),
        ({"input_kind": tiny_onnx.FLOAT16}, "input 1x3x24x24 float16"),
        ({"output_names": ("boxes", "scores", "masks")}, "its outputs are boxes 1x5x4 float"),
        ({"output_names": ("dets", "labels", "keypoints")}, "keypoints 1x5x6x6"),
        ({"dets_width": 5}, "dets 1x5x5 float"),
        ({"side": 5000}, "at most 4096x4096"),
    ],
)
def test_other_networks_are_refused_with_what_was_found(
    tmp_path: Path, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ModelError) as caught:
        inspect(tmp_path, **options)
    text = str(caught.value)
    assert sentence in text
    assert str(tmp_path / "a.onnx") in text
    assert "\n" not in text


def test_broken_graph_is_one_sentence(tmp_path: Path) -> None:
    broken = tiny_onnx.rfdetr_like().replace(b"ReduceMean", b"ReduceMeen")
    with pytest.raises(ModelError, match="cannot be loaded as an ONNX model") as caught:
        inspect_onnx(write(tmp_path / "a.onnx", broken))
    assert "ONNXRuntimeError" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_external_weights_beside_the_model_are_read(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(5 * 4 * 4))
    assert inspect(tmp_path, external="w.bin").queries == 5
