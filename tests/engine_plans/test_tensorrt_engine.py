"""A plan becomes bound contexts, or one sentence."""

import re
from pathlib import Path
from typing import Any

import pytest

from rfviewer.engine.backends.tensorrt_engine import LoadedEngine
from rfviewer.engine.backends.tensorrt_module import TensorRt, load_tensorrt
from rfviewer.errors import EngineError
from rfviewer.extras import install_command
from rfviewer.models.spec import ModelSpec

ADDRESSES = {"input": 100, "dets": 200, "labels": 300, "masks": 400}


def tensors(module: Any, **changes: Any) -> dict[str, Any]:
    kind = module.DataType.FLOAT
    found = {
        "input": ((1, 3, 24, 24), kind),
        "dets": ((1, 5, 4), kind),
        "labels": ((1, 5, 91), kind),
        "masks": ((1, 5, 6, 6), kind),
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


@pytest.fixture
def module(rtx: TensorRt) -> Any:
    module: Any = rtx.module
    module.Engine.tensors = tensors(module)
    return module


def test_tensors_are_bound_by_name_and_run_on_the_stream(
    rtx: TensorRt, module: Any, spec: ModelSpec
) -> None:
    # Another order than ours: names decide.
    module.Engine.tensors = dict(reversed(tensors(module).items()))
    engine = LoadedEngine(rtx, b"plan", spec)
    assert module.Runtime.loaded == [b"plan"]
    assert [t.name for t in engine.layout.tensors()] == ["input", "dets", "labels", "masks"]
    assert engine.layout.masks is not None
    assert engine.layout.masks.shape == (1, 5, 6, 6)
    first, second = engine.bind(ADDRESSES), engine.bind({**ADDRESSES, "input": 500})
    first(77)
    second(88)
    contexts = module.Engine.contexts
    assert len(contexts) == 2, "overlapping passes need a context each"
    assert contexts[0].addresses == ADDRESSES
    assert contexts[1].addresses["input"] == 500
    assert [context.streams for context in contexts] == [[77], [88]]
    engine.close()
    engine.close()
    with pytest.raises(RuntimeError):
        engine.bind(ADDRESSES)


def test_names_of_other_exports_and_half_outputs(
    rtx: TensorRt, module: Any, spec: ModelSpec
) -> None:
    half = module.DataType.HALF
    module.Engine.tensors = tensors(
        module,
        dets=None,
        labels=None,
        masks=None,
        pred_boxes=((1, 5, 4), half),
        pred_logits=((1, 5, 91), half),
        pred_masks=((1, 5, 6, 6), half),
    )
    layout = LoadedEngine(rtx, b"plan", spec).layout
    assert (layout.boxes.name, layout.boxes.dtype) == ("pred_boxes", "fp16")


def test_a_refused_plan_is_one_sentence(rtx: TensorRt, module: Any, spec: ModelSpec) -> None:
    module.Runtime.refuses = True
    with pytest.raises(EngineError) as caught:
        LoadedEngine(rtx, b"plan", spec)
    assert str(caught.value) == (
        "TensorRT for RTX 1.7.1.116 cannot load the engine of tiny.onnx on this GPU"
        " (Error Code 1: cudaError 35 (old driver)); update the driver, remove the engine with"
        " `rfviewer engine clear`, or choose backend torch."
    )


@pytest.mark.parametrize(
    "change",
    [
        {"dets": None},
        {"masks": None},
        {"extra": ((1, 5), "FLOAT")},
        {"labels": ((1, 5, 90), "FLOAT")},
        {"labels": ((1, 6, 91), "FLOAT")},
        {"dets": ((1, 5, 4), "INT8")},
        {"input": ((1, 3, 24, 32), "FLOAT")},
        {"input": ((-1, 3, 24, 24), "FLOAT")},
        {"masks": ((1, 5, -1, -1), "FLOAT")},
        {"masks": ((1, 5, 36), "FLOAT")},
    ],
)
def test_another_network_is_refused(
    rtx: TensorRt, module: Any, spec: ModelSpec, change: dict[str, Any]
) -> None:
    types = module.DataType
    changed = {n: v and (v[0], getattr(types, v[1])) for n, v in change.items()}
    module.Engine.tensors = tensors(module, **changed)
    with pytest.raises(EngineError, match=r"The engine of tiny\.onnx has .*, but needed are an"):
        LoadedEngine(rtx, b"plan", spec)


def test_no_memory_for_a_context(rtx: TensorRt, module: Any, spec: ModelSpec) -> None:
    engine = LoadedEngine(rtx, b"plan", spec)
    module.Engine.memory = False
    with pytest.raises(EngineError, match=r"cannot get 9 MB of GPU memory .* lower depth"):
        engine.bind(ADDRESSES)


def test_refusals_of_a_context_are_errors(rtx: TensorRt, module: Any, spec: ModelSpec) -> None:
    engine = LoadedEngine(rtx, b"plan", spec)
    with pytest.raises(EngineError, match="refuses the memory of masks"):
        engine.bind({**ADDRESSES, "masks": 13})
    enqueue = engine.bind(ADDRESSES)
    with pytest.raises(EngineError, match="could not start the network"):
        enqueue(13)
    module.Context.infer_shapes = lambda _: ["mask_size"]
    with pytest.raises(EngineError, match=r"wants more inputs than an image \(mask_size\)"):
        engine.bind(ADDRESSES)


def test_missing_and_broken_packages(fakes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (fakes / "tensorrt.py").write_text("raise OSError('libnvinfer.so.11: cannot open')")
    with pytest.raises(EngineError, match=r"cannot start here \(libnvinfer\.so\.11: cannot open\)"):
        load_tensorrt("tensorrt")
    (fakes / "tensorrt.py").unlink()
    monkeypatch.setattr("sys.path", [str(fakes)])
    with pytest.raises(EngineError, match=re.escape(install_command("gpu"))):
        load_tensorrt("tensorrt")
