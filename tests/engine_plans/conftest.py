"""A private cache, a fake TensorRT for this process and its children, a tiny model."""

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rfviewer.engine.backends.tensorrt_module import TensorRt, load_tensorrt
from rfviewer.engine.plans.build import PlanRequest
from rfviewer.engine.plans.key import GpuIdentity
from rfviewer.models import export_store
from rfviewer.models.spec import ModelSpec
from tests.engine_plans import fake_tensorrt
from tests.models import tiny_onnx

RTX_4090 = GpuIdentity(name="NVIDIA GeForce RTX 4090", sm="sm89", driver="580.65")
type MakeRequest = Callable[..., PlanRequest]

MISSING = [n for n in ("tensorrt_rtx_bindings", "onnx") if importlib.util.find_spec(n) is None]
"""Optional packages; RFVIEWER_REQUIRE_RTX=1 says that they must be there: no skipping."""
if MISSING and os.environ.get("RFVIEWER_REQUIRE_RTX") == "1":
    raise RuntimeError(f"RFVIEWER_REQUIRE_RTX is set, but {MISSING[0]} is not installed")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs the real packages without them."""
    if item.get_closest_marker("needs_tensorrt_rtx") is None:
        return
    if MISSING:
        pytest.skip(f"{MISSING[0]} is not installed (the rtx extra)")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setattr(export_store, "cache_dir", lambda: folder)
    return folder


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of the fake TensorRT: files named die, fail, hang, refuse change it."""
    folder = fake_tensorrt.install(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(str(folder))
    names = ("tensorrt", "tensorrt_rtx")
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield folder
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def rtx(fakes: Path) -> TensorRt:
    return load_tensorrt("tensorrt-rtx")


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    path = tiny_onnx.write(tmp_path / "tiny.onnx", tiny_onnx.rfdetr_like())
    return tiny_spec(path)


def tiny_spec(path: Path) -> ModelSpec:
    names = tuple(f"class {index}" for index in range(91))
    return ModelSpec(path.name, path, (24, 24), names, has_masks=True, num_select=5)


@pytest.fixture
def request_for(rtx: TensorRt, spec: ModelSpec, cache: Path) -> MakeRequest:
    """Return what makes a request for the tiny model; arguments replace its parts."""

    def make(**changes: object) -> PlanRequest:
        parts = {"spec": spec, "tensorrt": rtx, "precision": "auto", "gpu": RTX_4090}
        return PlanRequest(**{**parts, **changes})

    return make
