"""A real engine of the demo model by TensorRT for RTX, ahead of time: no GPU needed."""

import json
from pathlib import Path

import pytest

from rfviewer.cli import main
from rfviewer.engine.plans.store import StoredPlan, find_plan, list_plans

WORDS = ["engine", "build", "--backend", "tensorrt-rtx", "--target", "sm89", "--json"]


@pytest.mark.slow
@pytest.mark.needs_tensorrt_rtx
def test_the_demo_model_builds_once_in_fp16(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WORDS, "--precision", "fp16"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["built"]
    assert report["precision"] == "fp16"
    # fp32 makes 132 MB: half the weights is what fp16 means.
    assert 55e6 < report["bytes"] < 85e6
    ((path, manifest),) = list_plans()
    assert str(path) == report["path"]
    assert [(t.name, t.shape, t.dtype) for t in manifest.inputs] == [
        ("input", (1, 3, 312, 312), "fp32")
    ]
    assert [(t.name, t.shape, t.dtype) for t in manifest.outputs] == [
        ("dets", (1, 100, 4), "fp32"),
        ("labels", (1, 100, 91), "fp32"),
        ("masks", (1, 100, 78, 78), "fp32"),
    ]
    assert isinstance(find_plan(manifest.key, "demo"), StoredPlan)

    assert main([*WORDS, "--precision", "auto"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert not again["built"]
    assert again["path"] == report["path"]


@pytest.mark.needs_tensorrt_rtx
def test_without_a_gpu_the_real_runtime_refuses_in_one_sentence(tmp_path: Path) -> None:
    from rfviewer.engine.backends.tensorrt_engine import LoadedEngine
    from rfviewer.engine.backends.tensorrt_module import load_tensorrt
    from rfviewer.errors import EngineError
    from rfviewer.models.demo import demo_spec

    with pytest.raises(EngineError, match="cannot load the engine of demo on this GPU") as caught:
        LoadedEngine(load_tensorrt("tensorrt-rtx"), b"not an engine" * 100, demo_spec())
    assert "\n" not in str(caught.value)
