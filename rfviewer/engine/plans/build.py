"""The engine for a model: from disk if a sound one is there, else built once, in a child."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import rfviewer
from rfviewer import log
from rfviewer.engine.backends.tensorrt_layout import match_layout
from rfviewer.engine.backends.tensorrt_module import TensorRt
from rfviewer.engine.plans.key import GpuIdentity, PlanKey
from rfviewer.engine.plans.network_builder import check_target
from rfviewer.engine.plans.network_source import NetworkSource
from rfviewer.engine.plans.store import (
    PLAN_FILE,
    Missing,
    PlanManifest,
    StoredPlan,
    find_plan,
    layouts_from_json,
    lock_path,
    partial_folder,
    plans_folder,
    publish,
)
from rfviewer.errors import EngineError
from rfviewer.interfaces import Progress
from rfviewer.models.export_process import run_worker, this_python
from rfviewer.models.export_store import file_sha256
from rfviewer.models.file_lock import file_lock
from rfviewer.models.spec import ModelSpec

_START_WORKER = (
    "import sys; sys.path.append(sys.argv.pop(1));"
    " from rfviewer.engine.plans.worker import main; sys.exit(main())"
)
"""Our own folder comes last on the path, so that it works where we run without being installed."""
STEPS = 4
"""Steps that a build tells."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadyPlan:
    """An engine that may be loaded."""

    plan: StoredPlan
    reason: str
    """Why it was built just now; empty when it was there already."""

    @property
    def built(self) -> bool:
        """Whether it was built just now."""
        return bool(self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """Which engine is wanted."""

    spec: ModelSpec
    tensorrt: TensorRt
    precision: str
    """"auto", "fp32", "tf32" or "fp16"."""
    gpu: GpuIdentity


def plan_key(request: PlanRequest) -> PlanKey:
    """Return the key of the engine that the request means; reads the whole model to hash it.

    Raises:
        ModelError: the model cannot be read, or reads files that it may not.
        EngineError: it cannot be had in that precision, or not by TensorRT.
    """
    source = NetworkSource.of(request.spec)
    return PlanKey(
        model_sha256=source.sha256(),
        backend=request.tensorrt.name,
        backend_version=request.tensorrt.version,
        gpu=request.gpu,
        precision=source.precision(request.precision),
        input_wh=request.spec.input_wh,
    )


def ensure_plan(
    request: PlanRequest, progress: Progress, *, python: str | None = None
) -> ReadyPlan:
    """Return the engine, building it unless a sound one is stored; blocks, seconds to minutes.

    TensorRT for RTX builds for a whole generation of GPUs without touching one, so its engines are
    stored for the generation, and one made by `rfviewer engine build --target` is found.

    Args:
        request: which engine.
        progress: told at least five times a second while it waits or builds; may raise to give
            up, which ends the build and leaves nothing behind.
        python: interpreter for the child; None for the running one.

    Raises:
        ModelError: the model cannot be read.
        EngineError: the engine cannot be built or kept; one sentence.
    """
    progress(f"Looking for an engine of {request.spec.name}", 1, STEPS)
    target = ""
    if request.tensorrt.is_rtx:
        target = request.gpu.sm.upper()
        check_target(request.tensorrt, target)
    key = plan_key(request)
    if target:
        key = key.ahead_of_time()
    found = find_plan(key, request.spec.name)
    if isinstance(found, StoredPlan):
        return ReadyPlan(found, "")

    def on_wait() -> None:
        progress("Waiting for another rfviewer that builds the same engine", 1, STEPS)

    try:
        with file_lock(lock_path(key), on_wait):
            # Whoever held the lock may have built it meanwhile, or died half-way.
            found = find_plan(key, request.spec.name)
            if isinstance(found, StoredPlan):
                return ReadyPlan(found, "")
            reason = found.reason
            log.engine.info("building an engine of %s: %s", request.spec.name, reason)
            _build(request, key, target, progress, python or this_python())
            found = find_plan(key, request.spec.name)
    except OSError as error:
        raise EngineError(
            f"The engine of {request.spec.name} cannot be kept in {plans_folder()}"
            f" ({error.strerror or error}); free some space there or mend its permissions."
        ) from error
    if isinstance(found, Missing):
        raise EngineError(
            f"The engine of {request.spec.name} was built, but {found.reason}; try again."
        )
    return ReadyPlan(found, reason)


def _build(
    request: PlanRequest, key: PlanKey, target: str, progress: Progress, python: str
) -> None:
    """Build and publish one engine; the caller holds its lock."""
    partial = partial_folder(key)
    try:
        result = run_worker(
            _command(request, key, target, partial, python),
            partial,
            progress,
            first=("Starting TensorRT", 1, STEPS),
            what="Building the engine",
            error_class=EngineError,
        )
        _check(result, key, request)
        inputs, outputs = (layouts_from_json(result[name]) for name in ("inputs", "outputs"))
        match_layout(inputs, outputs, request.spec)
        plan_path = partial / PLAN_FILE
        manifest = PlanManifest(
            key=key,
            model=request.spec.name,
            precision=str(result["precision"]),
            inputs=inputs,
            outputs=outputs,
            plan_sha256=file_sha256(plan_path),
            plan_bytes=plan_path.stat().st_size,
            seconds=round(float(result["seconds"]), 1),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        publish(partial, manifest)
        log.engine.info(
            "built an engine of %s: %s, %.0f MB, %.1f s",
            request.spec.name,
            manifest.precision,
            manifest.plan_bytes / 1e6,
            manifest.seconds,
        )
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _command(
    request: PlanRequest, key: PlanKey, target: str, partial: Path, python: str
) -> list[str]:
    """Return the worker's command line."""
    source = NetworkSource.of(request.spec)
    ours = str(Path(rfviewer.__file__).parents[1])
    command = [python, "-P", "-c", _START_WORKER, ours, "--output", str(partial)]
    command += ["--backend", request.tensorrt.name, "--onnx", str(source.onnx_path)]
    command += ["--precision", key.precision]
    if source.demo_folder is not None:
        command += ["--demo", str(source.demo_folder)]
    if target:
        command += ["--target", target]
    return command


def _check(result: Mapping[str, object], key: PlanKey, request: PlanRequest) -> None:
    """Check that the child built what the key says.

    Raises:
        EngineError: it did not.
    """
    if result["model_sha256"] != key.model_sha256:
        raise EngineError(
            f"The model {request.spec.name} changed while its engine was built; try again."
        )
    if result["backend_version"] != key.backend_version:
        raise EngineError(
            f"{request.tensorrt.title} changed from {key.backend_version} to"
            f" {result['backend_version']} while the viewer runs; start it again."
        )
    if result["precision"] != key.precision:
        raise EngineError(
            f"The engine of {request.spec.name} came out as {result['precision']} instead of"
            f" {key.precision}; choose precision fp32."
        )
