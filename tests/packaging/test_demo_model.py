"""The shipped graph, weights and clip work together, with no torch and no onnx package."""

import hashlib
import json
import shutil
import subprocess
import sys

import av
import cv2
import numpy as np
import pytest

from rfviewer.errors import ModelError
from rfviewer.models.demo_weights import (
    demo_onnx_inputs,
    iter_demo_initializers,
    load_demo_state_dict,
    write_full_onnx,
)
from rfviewer.onnx_runtime import onnxruntime
from rfviewer.paths import resource
from scene import demo_frames

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


@pytest.fixture(scope="module")
def folder():
    return resource("demo_model")


@pytest.fixture(scope="module")
def session_and_inputs(folder):
    inputs = demo_onnx_inputs(folder)
    session = onnxruntime.InferenceSession(str(inputs.graph_path), inputs.options)
    return session, inputs


def _run(session, image):
    resized = cv2.resize(image.astype(np.float32) / 255, (312, 312))
    network_input = ((resized - MEAN) / STD).transpose(2, 0, 1)[None]
    return session.run(["dets", "labels", "masks"], {"input": np.ascontiguousarray(network_input)})


def test_folder_is_small_and_holds_the_weights_once(folder):
    weights = (folder / "weights_int8.safetensors").read_bytes()
    expected = json.loads((folder / "weights_map.json").read_text())["weights_sha256"]
    assert hashlib.sha256(weights).hexdigest() == expected
    assert sum(path.stat().st_size for path in folder.iterdir()) < 34e6


def test_state_dict_is_float32_and_follows_the_scale_of_each_row(folder):
    state = load_demo_state_dict(folder)
    assert {array.dtype for array in state.values()} == {np.dtype("float32"), np.dtype("bool")}
    matrix = state["class_embed.weight"]
    steps = np.abs(matrix).max(1)
    assert matrix.shape == (91, 256)
    quantized = matrix / (steps[:, None] / 127)
    np.testing.assert_allclose(quantized, np.round(quantized), atol=1e-3)


def test_map_fills_every_initializer_with_contiguous_float32(folder):
    arrays = dict(iter_demo_initializers(folder))
    assert len(arrays) == 415
    assert all(a.dtype == np.float32 and a.flags.c_contiguous for a in arrays.values())


def test_model_loads_with_neither_torch_nor_onnx(folder):
    code = (
        "import sys, onnxruntime; from pathlib import Path;"
        "from rfviewer.models.demo_weights import demo_onnx_inputs;"
        "i = demo_onnx_inputs(Path(sys.argv[1]));"
        "s = onnxruntime.InferenceSession(str(i.graph_path), i.options);"
        "print([o.shape for o in s.get_outputs()], 'torch' in sys.modules, 'onnx' in sys.modules)"
    )
    root = folder.parent.parent
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[[1, 100, 4], [1, 100, 91], [1, 100, 78, 78]] False False"


def test_full_onnx_on_disk_gives_the_same_outputs(folder, session_and_inputs, tmp_path):
    session, _ = session_and_inputs
    from_disk = onnxruntime.InferenceSession(str(write_full_onnx(folder, tmp_path)))
    image = next(demo_frames(1)).image
    for left, right in zip(_run(session, image), _run(from_disk, image), strict=True):
        np.testing.assert_array_equal(left, right)


def test_demo_model_finds_what_is_in_the_demo_clip(session_and_inputs):
    session, _ = session_and_inputs
    truth = next(demo_frames(1))
    with av.open(str(resource("demo_clip.mp4"))) as container:
        image = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(image.astype(int) - truth.image).mean() < 5
    _, logits, masks = _run(session, image)
    scores = 1 / (1 + np.exp(-logits[0].max(1)))
    found = [
        (int(logits[0, query].argmax()), cv2.resize(masks[0, query], (312, 176)) > 0)
        for query in np.flatnonzero(scores > 0.4)
    ]
    visible = [i for i in truth.classes if np.count_nonzero(truth.ids == i) > 60]
    hits = sum(
        any(
            class_id == truth.classes[i] and _iou(mask, truth.ids == i) > 0.5
            for class_id, mask in found
        )
        for i in visible
    )
    assert hits / len(visible) > 0.85
    assert len(found) < 1.2 * len(visible) + 3


def _iou(mask, other):
    return np.count_nonzero(mask & other) / np.count_nonzero(mask | other)


@pytest.mark.parametrize("missing", ["weights_int8.safetensors", "graph.onnx", "weights_map.json"])
def test_missing_file_is_named_in_one_sentence(folder, tmp_path, missing):
    for path in folder.iterdir():
        if path.name != missing:
            (tmp_path / path.name).symlink_to(path)
    with pytest.raises(ModelError, match=missing):
        demo_onnx_inputs(tmp_path)


@pytest.mark.parametrize("name", ["weights_int8.safetensors", "weights_map.json"])
def test_damaged_file_is_named_in_one_sentence(folder, tmp_path, name):
    for path in folder.iterdir():
        if path.name != name:
            (tmp_path / path.name).symlink_to(path)
    shutil.copyfile(folder / name, tmp_path / name)
    with (tmp_path / name).open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(ModelError, match=name):
        demo_onnx_inputs(tmp_path)


def test_map_of_another_model_is_refused(folder, tmp_path):
    for path in folder.iterdir():
        if path.name != "weights_map.json":
            (tmp_path / path.name).symlink_to(path)
    recipe = {"key": "no.such.weight", "shape": [1]}
    (tmp_path / "weights_map.json").write_text(json.dumps({"initializers": {"x": recipe}}))
    with pytest.raises(ModelError, match="do not belong together"):
        demo_onnx_inputs(tmp_path)
