"""An engine is built once, in a child process, and never half-way."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rfviewer.engine.backends.tensorrt_engine import LoadedEngine
from rfviewer.engine.backends.tensorrt_module import load_tensorrt
from rfviewer.engine.plans import build
from rfviewer.engine.plans.build import ensure_plan, plan_key
from rfviewer.engine.plans.key import GpuIdentity
from rfviewer.errors import EngineError
from rfviewer.models.spec import ModelSpec
from tests.engine_plans.conftest import RTX_4090, MakeRequest
from tests.engine_plans.fake_tensorrt import build_pids
from tests.models import tiny_onnx

pytest.importorskip("onnx")

type Steps = list[tuple[str, int, int]]


def quiet(step: str, index: int, count: int) -> None:
    """Take progress and do nothing with it."""


def entries(cache: Path) -> list[str]:
    """Return what lies in the store except locks."""
    return sorted(p.name for p in (cache / "engines").iterdir() if p.suffix != ".lock")


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.01)


def test_first_start_builds_and_second_does_not(
    request_for: MakeRequest, fakes: Path, cache: Path
) -> None:
    steps: Steps = []
    first = ensure_plan(request_for(), lambda *step: steps.append(step))
    assert first.reason == "there was none for this model yet"
    manifest = first.plan.manifest
    assert (manifest.precision, manifest.key.precision) == ("fp16", "fp16")
    assert [t.name for t in manifest.outputs] == ["dets", "labels", "masks"]
    assert manifest.inputs[0].shape == (1, 3, 24, 24)
    assert first.plan.data.startswith(b"plan 1.7.1.116")
    assert first.plan.path.read_bytes() == first.plan.data
    indices = [index for _, index, _ in steps]
    assert indices == sorted(indices)
    second = ensure_plan(request_for(), quiet)
    assert not second.built
    assert second.plan.data == first.plan.data
    assert len(build_pids(fakes)) == 1
    assert len(entries(cache)) == 1


def test_progress_of_the_builder_arrives(request_for: MakeRequest, fakes: Path) -> None:
    hang = fakes / "hang"
    hang.touch()
    seen: set[str] = set()

    def progress(step: str, index: int, count: int) -> None:
        seen.add(step)
        if step == "Building the engine: 50 %":
            hang.unlink(missing_ok=True)

    ensure_plan(request_for(), progress)
    assert "Building the engine: 50 %" in seen


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("version", "the TensorRT version changed from 1.7.1.116 to 1.8.0.1"),
        ("model", "the model changed from "),
        ("precision", "the precision changed from fp16 to fp32"),
    ],
)
def test_a_change_rebuilds_with_its_reason(
    request_for: MakeRequest,
    fakes: Path,
    spec: ModelSpec,
    cache: Path,
    change: str,
    reason: str,
) -> None:
    ensure_plan(request_for(), quiet)
    changes: dict[str, object] = {}
    if change == "version":
        (fakes / "version").write_text("1.8.0.1")
        del sys.modules["tensorrt_rtx"]
        changes["tensorrt"] = load_tensorrt("tensorrt-rtx")
    elif change == "model":
        assert spec.onnx_path is not None
        tiny_onnx.write(spec.onnx_path, tiny_onnx.rfdetr_like(queries=6))
    else:
        changes["precision"] = "fp32"
    ready = ensure_plan(request_for(**changes), quiet)
    assert ready.reason.startswith(reason)
    # The old one stays, for whoever goes back.
    assert len(entries(cache)) == 2


def test_full_tensorrt_is_keyed_by_gpu_and_driver(request_for: MakeRequest, cache: Path) -> None:
    tensorrt = load_tensorrt("tensorrt")
    ensure_plan(request_for(tensorrt=tensorrt), quiet)
    for gpu, reason in (
        (replace(RTX_4090, driver="590.1"), "the driver changed from 580.65 to 590.1"),
        (
            replace(RTX_4090, name="NVIDIA H100"),
            "the GPU changed from NVIDIA GeForce RTX 4090 (sm89) to NVIDIA H100 (sm89)",
        ),
    ):
        assert ensure_plan(request_for(tensorrt=tensorrt, gpu=gpu), quiet).reason == reason
    assert len(entries(cache)) == 3


def test_rtx_engine_made_for_a_generation_is_found_on_its_gpu(request_for: MakeRequest) -> None:
    ahead = ensure_plan(request_for(gpu=GpuIdentity.of_generation("sm89")), quiet)
    ready = ensure_plan(request_for(gpu=RTX_4090), quiet)
    assert ahead.built
    assert not ready.built


def test_targets_that_cannot_be_built(request_for: MakeRequest, fakes: Path) -> None:
    with pytest.raises(EngineError, match=r"no engines for sm90 GPUs, only for sm75, sm89, sm120"):
        ensure_plan(request_for(gpu=replace(RTX_4090, sm="sm90")), quiet)
    assert build_pids(fakes) == []


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        ("die", r"stopped unexpectedly \(code -9\)"),
        ("fail", r"cannot build an engine .*\(Error Code 1: Myelin \(FP32 GEMM\)\)"),
        ("refuse", r"cannot read this model \(In node 7 \(importGridSample\): unsupported\)"),
    ],
)
def test_failures_leave_nothing(
    request_for: MakeRequest, fakes: Path, cache: Path, act: str, sentence: str
) -> None:
    (fakes / act).touch()
    with pytest.raises(EngineError, match=sentence) as caught:
        ensure_plan(request_for(), quiet)
    assert "\n" not in str(caught.value)
    assert entries(cache) == []
    (fakes / act).unlink()
    assert ensure_plan(request_for(), quiet).built


def test_a_network_of_another_shape_is_not_kept(
    request_for: MakeRequest, spec: ModelSpec, cache: Path
) -> None:
    wrong = replace(spec, class_names=("cat", "dog"))
    with pytest.raises(EngineError, match=r"labels 1x5x91 fp32, masks .* needed are .* 1xQx2"):
        ensure_plan(request_for(spec=wrong), quiet)
    assert entries(cache) == []


def test_giving_up_ends_the_child(request_for: MakeRequest, fakes: Path, cache: Path) -> None:
    (fakes / "hang").touch()

    def progress(step: str, index: int, count: int) -> None:
        if build_pids(fakes):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure_plan(request_for(), progress)
    with pytest.raises(ProcessLookupError):
        os.kill(build_pids(fakes)[0], 0)
    assert entries(cache) == []


@pytest.mark.parametrize("damage", ["changed", "cut", "link", "foreign mode", "side file"])
def test_a_damaged_engine_is_never_loaded_but_built_again(
    request_for: MakeRequest, spec: ModelSpec, tmp_path: Path, cache: Path, damage: str
) -> None:
    ready = ensure_plan(request_for(), quiet)
    path, good = ready.plan.path, ready.plan.data
    if damage == "changed":
        path.write_bytes(good[:-1] + b"!")
    elif damage == "cut":
        path.write_bytes(good[: len(good) * 6 // 10])
    elif damage == "link":
        path.symlink_to(shutil.move(path, tmp_path / "outside.plan"))
    elif damage == "foreign mode":
        path.chmod(0o666)
    else:
        (path.parent / "manifest.json").write_text("{")
    again = ensure_plan(request_for(), quiet)
    assert again.built
    runtime = again_module(request_for).Runtime
    with pytest.raises(EngineError):  # the fake engine has no tensors: only what is loaded counts
        LoadedEngine(request_for().tensorrt, again.plan.data, spec)
    assert runtime.loaded == [good]
    assert not again.plan.path.is_symlink()
    assert len(entries(cache)) == 1


def again_module(request_for: MakeRequest) -> object:
    return request_for().tensorrt.module


def test_model_changed_during_the_build(
    request_for: MakeRequest,
    fakes: Path,
    spec: ModelSpec,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The child reads other bytes than those that were hashed for the key."""
    path, run = spec.onnx_path, build.run_worker
    assert path is not None

    def change_then_run(*arguments: Any, **options: Any) -> Any:
        tiny_onnx.write(path, tiny_onnx.rfdetr_like(queries=6))
        return run(*arguments, **options)

    monkeypatch.setattr(build, "run_worker", change_then_run)
    with pytest.raises(EngineError, match="changed while its engine was built"):
        ensure_plan(request_for(), lambda *_: None)
    assert entries(cache) == []


CONTENDER = """
import sys
from pathlib import Path
from typing import Any
from rfviewer.engine.backends.tensorrt_module import load_tensorrt
from rfviewer.engine.plans.build import PlanRequest, ensure_plan
from rfviewer.engine.plans.key import GpuIdentity
from tests.engine_plans.conftest import RTX_4090, tiny_spec
request = PlanRequest(spec=tiny_spec(Path(sys.argv[1])), tensorrt=load_tensorrt("tensorrt-rtx"),
                      precision="auto", gpu=RTX_4090)
ready = ensure_plan(request, lambda *_: None)
print(ready.plan.manifest.plan_sha256, ready.built)
"""


def contender(spec: ModelSpec, fakes: Path, tmp_path: Path) -> "subprocess.Popen[str]":
    """Start one viewer's worth of `ensure_plan` in a process of its own."""
    repository = Path(__file__).parents[2]
    path = os.pathsep.join(map(str, (repository, repository / "kernels", fakes)))
    return subprocess.Popen(
        [sys.executable, "-c", CONTENDER, str(spec.onnx_path)],
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "xdg"), "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_eight_viewers_at_once_build_once(spec: ModelSpec, fakes: Path, tmp_path: Path) -> None:
    children = [contender(spec, fakes, tmp_path) for _ in range(8)]
    answers = [child.communicate(timeout=300)[0].split() for child in children]
    assert [child.returncode for child in children] == [0] * 8
    assert len({answer[0] for answer in answers}) == 1
    assert sorted(answer[1] for answer in answers) == ["False"] * 7 + ["True"]
    assert len(build_pids(fakes)) == 1


def test_killed_viewer_takes_its_builder_along_and_blocks_nobody(
    spec: ModelSpec, fakes: Path, tmp_path: Path
) -> None:
    (fakes / "hang").touch()
    first = contender(spec, fakes, tmp_path)
    wait_for(fakes / "builds.log")
    first.send_signal(signal.SIGKILL)
    first.communicate()
    wait_for(fakes / "gave_up")
    (fakes / "hang").unlink()
    second = contender(spec, fakes, tmp_path)
    assert second.communicate(timeout=300)[0].split()[1] == "True"
    store = tmp_path / "xdg" / "rfviewer" / "engines"
    assert [p.name for p in store.iterdir() if p.name.startswith(".")] == []


def test_key_needs_no_builder(request_for: MakeRequest, fakes: Path) -> None:
    key = plan_key(request_for(precision="tf32"))
    assert (key.precision, key.input_wh, key.gpu) == ("tf32", (24, 24), RTX_4090)
    assert build_pids(fakes) == []
