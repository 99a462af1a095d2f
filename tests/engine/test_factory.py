"""Choice of the backend, and ONNX Runtime on tiny graphs and on the demo model."""

import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from rfviewer.config import EngineConfig
from rfviewer.engine import choice
from rfviewer.engine.backends.onnx_precision import weight_precision
from rfviewer.engine.backends.onnxruntime import OrtBackend
from rfviewer.engine.factory import make_engine
from rfviewer.errors import EngineError, ModelError, UsageError
from rfviewer.experiment import ReplayPart
from rfviewer.frame import Frame
from rfviewer.models.demo import demo_spec
from rfviewer.models.spec import ModelSpec
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.threads import start_thread
from tests.engine import golden
from tests.engine.tiny_onnx import write_tiny_onnx

RNG = np.random.default_rng(4)
DETS = RNG.uniform(0, 1, (1, 9, 4)).astype(np.float32)
LABELS = RNG.normal(0, 2, (1, 9, 3)).astype(np.float32)
MASKS = RNG.normal(0, 2, (1, 9, 5, 7)).astype(np.float32)
OUTPUTS = {"dets": DETS, "labels": LABELS, "masks": MASKS}


def spec_of(path, **kwargs):
    spec = ModelSpec("tiny", path, (6, 4), ("a", "b", "c"), has_masks=True, num_select=9)
    return replace(spec, **kwargs)


def backend_of(spec, config=None):
    return OrtBackend(spec, config or EngineConfig(threads=1), lambda step: None)


def engine_of(spec, config=None, optimizations=None, progress=lambda *step: None):
    return make_engine(
        config or EngineConfig(threads=1),
        optimizations or Optimizations(depth=1),
        progress,
        resolve_model=lambda name, progress: spec,
        start_thread=start_thread,
    )


def frame(index=0, size_wh=(20, 14)):
    width, height = size_wh
    image = np.full((height, width, 3), index * 40, np.uint8)
    return Frame(image, width, height, index, 0.0, 0)


@pytest.fixture
def tiny(tmp_path):
    return write_tiny_onnx(tmp_path / "tiny.onnx", OUTPUTS)


# ONNX Runtime


@pytest.mark.parametrize("batch", [1, "batch"])
def test_bound_outputs_are_written_in_place(tmp_path, batch):
    path = write_tiny_onnx(tmp_path / "tiny.onnx", OUTPUTS, batch=batch)
    backend = backend_of(spec_of(path))
    first, second = backend.bind(), backend.bind()
    first.network_input[...], second.network_input[...] = 2.0, 5.0
    buffer = first.raw.pred_masks.ctypes.data
    first.run()
    second.run()
    np.testing.assert_allclose(first.raw.pred_boxes, DETS[0] + 2, rtol=1e-6)
    np.testing.assert_allclose(first.raw.pred_logits, LABELS[0] + 2, rtol=1e-6)
    np.testing.assert_allclose(first.raw.pred_masks, MASKS[0] + 2, rtol=1e-6)
    np.testing.assert_allclose(second.raw.pred_masks, MASKS[0] + 5, rtol=1e-6)
    assert first.raw.pred_masks.ctypes.data == buffer
    called = backend.call(np.full_like(first.network_input, 3.0))
    np.testing.assert_allclose(called.pred_masks, MASKS[0] + 3, rtol=1e-6)
    np.testing.assert_allclose(called.pred_boxes, DETS[0] + 3, rtol=1e-6)
    np.testing.assert_allclose(first.raw.pred_masks, MASKS[0] + 2, rtol=1e-6)  # not touched
    backend.close()
    backend.close()


def test_a_model_without_masks_has_none(tmp_path):
    outputs = {"dets": DETS, "labels": LABELS}
    path = write_tiny_onnx(tmp_path / "tiny.onnx", outputs)
    engine = engine_of(spec_of(path, has_masks=False))
    engine.submit(frame(), 0.5)
    result = engine.collect()
    assert result.detections.masks is None
    assert len(result.detections) > 0
    states = {state.name: state for state in engine.info.toggles}
    assert states["roi_masks"].reason == "the model has no masks"
    engine.close()


@pytest.mark.parametrize(("dtype", "precision"), [(np.float32, "fp32"), (np.float16, "fp16")])
def test_precision_is_that_of_the_weights_not_of_the_inputs(tmp_path, dtype, precision):
    path = write_tiny_onnx(tmp_path / "tiny.onnx", OUTPUTS, dtype=dtype)
    assert weight_precision(path) == precision
    assert backend_of(spec_of(path)).precision == precision
    assert backend_of(spec_of(path), EngineConfig(precision=precision)).precision == precision


def test_a_precision_that_the_graph_does_not_have_is_refused(tiny):
    with pytest.raises(EngineError, match=r"tiny is fp32 .* precision fp16 cannot be had"):
        backend_of(spec_of(tiny), EngineConfig(precision="fp16"))


@pytest.mark.parametrize(
    ("outputs", "found"),
    [
        ({"boxes": DETS, "labels": LABELS, "masks": MASKS}, "found pred_logits"),
        ({"dets": DETS, "labels": LABELS}, "found pred_boxes"),
        ({"dets": DETS, "labels": LABELS[:, :, :2], "masks": MASKS}, r"pred_logits \(1, 9, 2\)"),
        ({"dets": DETS, "labels": LABELS, "masks": MASKS[:, :4]}, r"pred_masks \(1, 4, 5, 7\)"),
        ({"dets": DETS[:, :, :3], "labels": LABELS, "masks": MASKS}, r"pred_boxes \(1, 9, 3\)"),
        ({"x": DETS}, "none of them"),
    ],
)
def test_a_graph_that_is_not_rf_detr_is_named_and_refused(tmp_path, outputs, found):
    path = write_tiny_onnx(tmp_path / "other.onnx", outputs)
    with pytest.raises(ModelError, match=f"(?s)other.onnx is not an RF-DETR graph.*{found}"):
        backend_of(spec_of(path))


@pytest.mark.parametrize("content", [b"", b"junk that is no protobuf", b"\x3a\x7f"])
def test_a_broken_file_is_named_and_refused(tmp_path, content):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.onnx"):
        backend_of(spec_of(path))


def test_a_truncated_file_is_named_and_refused(tiny):
    tiny.write_bytes(tiny.read_bytes()[:-40])
    with pytest.raises(ModelError, match=r"tiny\.onnx"):
        backend_of(spec_of(tiny))


def test_a_graph_without_weights_has_no_precision(tmp_path):
    path = write_tiny_onnx(tmp_path / "empty.onnx", {})
    with pytest.raises(ModelError, match="holds no weights"):
        weight_precision(path)


def test_a_wrong_input_size_is_told(tmp_path):
    path = write_tiny_onnx(tmp_path / "tiny.onnx", OUTPUTS)
    with pytest.raises(ModelError, match="does not run on an input of 1x3x8x8"):
        backend_of(spec_of(path, input_wh=(8, 8)))


def test_threads_come_from_config_then_environment(tiny, monkeypatch):
    monkeypatch.setitem(os.environ, "RFVIEWER_THREADS", "3")
    assert backend_of(spec_of(tiny), EngineConfig()).device == "CPU, 3 threads"
    assert backend_of(spec_of(tiny), EngineConfig(threads=1)).device == "CPU, 1 thread"


@pytest.mark.parametrize("text", ["abc", "0", "-1", "1.5", "²", "99999"])
def test_an_environment_that_names_no_number_of_threads_is_told(tiny, text, monkeypatch):
    monkeypatch.setitem(os.environ, "RFVIEWER_THREADS", text)
    with pytest.raises(UsageError, match=f"RFVIEWER_THREADS must lie between 1 .*, got {text}"):
        backend_of(spec_of(tiny), EngineConfig())


# The factory


@pytest.mark.parametrize("backend", ["torch", "tensorrt", "tensorrt-rtx"])
def test_a_gpu_backend_fails_by_name_and_never_falls_back(tiny, backend):
    with pytest.raises(EngineError, match=f"The backend {backend} needs an NVIDIA GPU and"):
        engine_of(spec_of(tiny), EngineConfig(backend=backend))


@pytest.mark.parametrize(("no_gpu", "told"), [(True, False), (False, True)])
def test_gpu_packages_are_advised_only_where_a_gpu_is(tiny, monkeypatch, no_gpu, told):
    monkeypatch.setattr(choice, "_no_gpu_answers", lambda: no_gpu)
    monkeypatch.setattr(choice.importlib.util, "find_spec", lambda _: None)
    reason = choice.choose_backend(EngineConfig(), spec_of(tiny)).reason
    assert ("pip install" in reason) == told
    assert ("because there is no NVIDIA GPU" in reason) == no_gpu


@pytest.mark.parametrize(
    ("backend", "reason"), [("auto", "auto: ONNX Runtime"), ("onnxruntime", "asked for by name")]
)
def test_the_choice_is_explained(tiny, backend, reason):
    steps = []
    engine = engine_of(
        spec_of(tiny), EngineConfig(backend=backend), progress=lambda *step: steps.append(step)
    )
    assert engine.info.backend == "onnxruntime"
    assert engine.info.backend_reason.startswith(reason)
    assert [(index, count) for _, index, count in steps][-1] == (3, 3)
    assert [index for _, index, _ in steps] == sorted(index for _, index, _ in steps)
    engine.close()


def test_a_checkpoint_without_a_graph_is_refused(tmp_path):
    spec = spec_of(None, checkpoint=tmp_path / "weights.pth")
    with pytest.raises(EngineError, match="needs an ONNX graph of tiny"):
        engine_of(spec)


@pytest.mark.parametrize("depth", [1, 3])
def test_each_frame_gets_its_own_outputs(tiny, depth):
    engine = engine_of(spec_of(tiny), optimizations=Optimizations(depth=depth))
    frames = [frame(index) for index in range(6)]
    results = []
    for item in frames:
        if engine.in_flight == engine.depth:
            results.append(engine.collect())
        engine.submit(item, 0.0)
    while engine.in_flight:
        results.append(engine.collect())
    assert [result.frame for result in results] == frames
    best = [float(result.detections.scores[0]) for result in results]
    assert best == sorted(best)  # brighter frames have a higher mean, so higher scores
    assert len(set(best)) == len(frames)
    engine.close()


def test_model_none_passes_frames_through():
    spec = ModelSpec("none", None, (0, 0), (), has_masks=False, num_select=0)
    engine = engine_of(spec, optimizations=Optimizations(depth=3))
    assert (engine.info.backend, engine.info.precision, engine.depth) == ("none", "", 1)
    for state in engine.info.toggles:
        assert bool(state.reason) == (state.requested != state.effective or not state.available)
    item = frame(3)
    engine.submit(item, 0.25)
    with pytest.raises(RuntimeError):
        engine.submit(item, 0.25)
    with pytest.raises(RuntimeError):
        engine.configure(Optimizations())
    result = engine.collect()
    assert result.frame is item
    assert (len(result.detections), result.threshold) == (0, 0.25)
    assert dict(result.timings.stages_ms) == {}
    assert result.timings.latency_ms >= 0
    with pytest.raises(EngineError, match="no network to measure"):
        engine.replay_backend(1)
    with pytest.raises(EngineError, match="no network to measure"):
        engine.replay_part(ReplayPart.CALL, item, 1)
    assert engine.device_usage().gpu_idle is None
    engine.close()


# The demo model


def test_the_demo_model_finds_what_rfdetr_found():
    engine = engine_of(demo_spec(), EngineConfig())
    assert engine.info.precision == "fp32"
    image = golden.images_bgr()["demo"]
    height, width = image.shape[:2]
    engine.submit(Frame(image, width, height, 0, 0.0, 0), 0.5)
    result = engine.collect()
    engine.close()
    arrays = golden.load("postprocess_demo")
    got = result.detections
    np.testing.assert_array_equal(got.class_ids, arrays["312x176_50_class_ids"])
    np.testing.assert_allclose(got.scores, arrays["312x176_50_scores"], rtol=0, atol=1e-3)
    np.testing.assert_allclose(got.boxes_xyxy, arrays["312x176_50_boxes_xyxy"], rtol=0, atol=0.05)
    wanted = np.unpackbits(
        arrays["312x176_masks"][: len(got)], axis=-1, bitorder="little", count=width
    ).astype(bool)
    masks = got.masks.dense()
    assert ((masks & wanted).sum() / (masks | wanted).sum()) > 0.999


def test_the_weights_are_handed_to_a_weightless_graph(tmp_path):
    wrong = SimpleNamespace(onnx_initializers=dict, state_dict=dict)
    with pytest.raises(ModelError, match=r"ONNX Runtime cannot load .*graph\.onnx"):
        backend_of(replace(demo_spec(), weights=wrong))
