"""fp16 where the time goes, fp32 where rounding would show."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from rfviewer.engine.plans.network_source import NetworkSource, load_network
from rfviewer.errors import ModelError
from rfviewer.models.demo import demo_spec

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402 - after the check that it is there

from rfviewer.engine.plans.half_graph import to_half  # noqa: E402

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16


def network(nodes, outputs, weights=(), inputs=(("input", [1, 8]),)):
    """Return a model of fp32 values."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in inputs],
        [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in outputs],
        [numpy_helper.from_array(array, name) for name, array in weights],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def types_by_node(model):
    """Return {node name: types of its outputs}; every node of the tests has a name."""
    typed = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    infos = (*typed.graph.value_info, *typed.graph.output)
    types = {info.name: info.type.tensor_type.elem_type for info in infos}
    return {node.name: [types[o] for o in node.output if o in types] for node in typed.graph.node}


def load(model):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    data = model.SerializeToString()
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def run(model, value):
    session = load(model)
    return session.run(None, {session.get_inputs()[0].name: value})


def weight(rows, columns, scale=0.3):
    return np.random.default_rng(1).normal(0, scale, (rows, columns)).astype(np.float32)


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs, [output], name=output, **attributes)


def test_products_are_half_and_positions_are_not() -> None:
    model = network(
        [
            node("MatMul", ["input", "w"], "product"),
            node("Relu", ["product"], "active"),
            node("MatMul", ["active", "w"], "delta"),
            node("Sigmoid", ["delta"], "position"),
            node("Add", ["position", "one"], "dets"),
            node("Add", ["active", "one"], "masks"),
        ],
        [("dets", [1, 8]), ("masks", [1, 8])],
        [("w", weight(8, 8)), ("one", np.ones(8, np.float32))],
    )
    half = to_half(model)
    types = types_by_node(half)
    for name in ("product", "active", "delta"):
        assert types[name] == [HALF], name
    for name in ("position", "dets"):
        assert types[name] == [FLOAT], name
    assert types["masks"] == [HALF]  # computed so, then cast to the output's type
    assert [t.name for t in half.graph.initializer if t.data_type == HALF] == ["w_half", "one_half"]
    image = np.random.default_rng(2).normal(size=(1, 8)).astype(np.float32)
    for exact, rounded in zip(run(model, image), run(half, image), strict=True):
        assert rounded.dtype == np.float32
        np.testing.assert_allclose(rounded, exact, atol=4e-3)


def test_layer_norm_of_large_values_survives() -> None:
    """Squares of 300 are beyond fp16, the values themselves are not."""
    model = network(
        [
            node("MatMul", ["input", "w"], "product"),
            node("LayerNormalization", ["product", "scale", "bias"], "norm"),
            node("MatMul", ["norm", "v"], "masks"),
        ],
        [("masks", [1, 8])],
        [
            ("w", weight(8, 16, 150.0)),
            ("scale", np.ones(16, np.float32)),
            ("bias", np.zeros(16, np.float32)),
            ("v", weight(16, 8)),
        ],
    )
    half = to_half(model)
    assert types_by_node(half)["norm"] == [FLOAT]
    image = np.full((1, 8), 1.0, np.float32)
    exact, rounded = run(model, image)[0], run(half, image)[0]
    np.testing.assert_allclose(rounded, exact, atol=0.02)


def test_arithmetic_on_sizes_stays_exact() -> None:
    model = network(
        [
            node("Shape", ["input"], "shape"),
            node("Cast", ["shape"], "as_float", to=FLOAT),
            node("Mul", ["as_float", "thousand"], "large"),
            node("Add", ["large", "one"], "odd"),
            node("Cast", ["odd"], "size", to=TensorProto.INT64),
            node("Cast", ["size"], "masks", to=FLOAT),
        ],
        [("masks", [2])],
        [("thousand", np.float32([2000])), ("one", np.float32([1]))],
        inputs=(("input", [1, 4099]),),
    )
    half = to_half(model)
    image = np.zeros((1, 4099), np.float32)
    assert run(half, image)[0].tolist() == run(model, image)[0].tolist() == [2001, 4099 * 2000 + 1]


def test_resize_keeps_its_scales() -> None:
    model = network(
        [
            node("Conv", ["input", "w"], "features"),
            helper.make_node("Resize", ["features", "", "scales"], ["masks"], name="masks"),
        ],
        [("masks", [1, 1, 8, 8])],
        [("w", np.ones((1, 3, 1, 1), np.float32)), ("scales", np.float32([1, 1, 2, 2]))],
        inputs=(("input", [1, 3, 4, 4]),),
    )
    image = np.random.default_rng(3).random((1, 3, 4, 4), np.float32)
    np.testing.assert_allclose(run(to_half(model), image)[0], run(model, image)[0], atol=4e-3)


def test_weights_too_large_for_half_do_not_become_infinite() -> None:
    model = network(
        [node("MatMul", ["input", "w"], "masks")],
        [("masks", [1, 8])],
        [("w", np.full((8, 8), 1e6, np.float32))],
    )
    (stored,) = to_half(model).graph.initializer
    assert np.isfinite(numpy_helper.to_array(stored)).all()


def test_branches_are_refused() -> None:
    branch = helper.make_graph(
        [helper.make_node("Identity", ["input"], ["out"])],
        "branch",
        [],
        [helper.make_tensor_value_info("out", FLOAT, [1, 8])],
    )
    model = network(
        [helper.make_node("If", ["yes"], ["masks"], then_branch=branch, else_branch=branch)],
        [("masks", [1, 8])],
        [("yes", np.array([True]))],
    )
    with pytest.raises(ModelError, match="cannot be cast to fp16; choose precision fp32"):
        to_half(model)


def matched(exact, rounded, threshold=0.4):
    """Return (missed, extra, largest box distance in network pixels, most mask logits flipped)."""
    found = []
    for boxes, logits, masks in (exact, rounded):
        scores = 1 / (1 + np.exp(-logits[0].astype(np.float64)))
        queries, classes = np.nonzero(scores > threshold)
        found.append((boxes[0][queries] * 312, classes, masks[0][queries] > 0))
    (boxes_a, classes_a, masks_a), (boxes_b, classes_b, masks_b) = found
    free, missed, distances, flips = set(range(len(boxes_b))), 0, [0.0], [0]
    for box, class_id, mask in zip(boxes_a, classes_a, masks_a, strict=True):
        near = [
            (np.abs(boxes_b[j] - box).max(), j) for j in free if classes_b[j] == class_id
        ]  # cx, cy, w, h
        distance, index = min(near, default=(np.inf, -1))
        if distance > 4:
            missed += 1
            continue
        free.discard(index)
        distances.append(float(distance))
        flips.append(int(np.count_nonzero(mask ^ masks_b[index])))
    return missed, len(free), max(distances), max(flips)


@pytest.mark.slow
def test_the_demo_model_keeps_its_detections(tmp_path: Path) -> None:
    """What fp16 rounding does to the results; ONNX Runtime's CPU rounds between operations."""
    import av
    import cv2

    from rfviewer.paths import resource

    model, _ = load_network(NetworkSource.of(demo_spec()))
    half = to_half(model)
    operations = Counter(n.op_type for n in half.graph.node)
    assert operations["LayerNormalization"] == 57
    mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    with av.open(str(resource("demo_clip.mp4"))) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)][::150]
    sessions = [load(m) for m in (model, half)]
    missed = extra = total = 0
    for frame in frames:
        scaled = cv2.resize(np.float32(frame) / 255, (312, 312))
        image = np.ascontiguousarray(((scaled - mean) / std).transpose(2, 0, 1)[None])
        exact, rounded = (s.run(["dets", "labels", "masks"], {"input": image}) for s in sessions)
        lost, new, distance, flipped = matched(exact, rounded)
        missed, extra = missed + lost, extra + new
        total += np.count_nonzero(exact[1] > np.log(0.4 / 0.6))
        assert distance < 0.5
        assert flipped <= 4  # of 78 x 78
    # One score beside the threshold may fall to its other side.
    assert total > 50
    assert missed <= 1
    assert extra <= 1
