"""The verbs that list what there is: devices and models. Opens no camera, loads no network."""

import importlib.util
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from rfviewer.engine.choice import CUDA_PACKAGES, TORCH_PACKAGES
from rfviewer.extras import install_command

NO_GPU = "no NVIDIA GPU here would use it"
"""Said of GPU packages where there is none, in place of how to install them."""
_CPU_BACKENDS = ("onnxruntime",)


def devices(*, as_json: bool) -> int:
    """Print cameras by name, GPUs and backends; return the exit code."""
    from rfviewer.sources.cameras import list_cameras

    found = [
        {"source": f"camera:{camera.index}", "name": camera.name, "path": camera.path}
        for camera in list_cameras()
    ]
    gpus = list_gpus()
    needs = backend_needs()
    installed = [name for name, need in needs.items() if not need]
    if as_json:
        missing = {name: need for name, need in needs.items() if need}
        report = {"cameras": found, "gpus": gpus, "backends": installed}
        _print(json.dumps({**report, "known_backends": [*needs], "backends_missing": missing}))
        return 0
    for camera in found:
        _print(f"{camera['source']:<10} {camera['name']}  {camera['path']}")
    if not found:
        _print("camera     none is connected")
    _print("gpu        " + ("; ".join(gpus) or "none"))
    for name, need in needs.items():
        text = f"needs: {need}" if need else "installed"
        if not gpus and name not in _CPU_BACKENDS:  # what packages it lacks does not matter then
            before = "cannot run here:" if need else "installed, but"
            text = f"{before} there is no NVIDIA GPU"
        _print(f"backend    {name:<13} {text}")
    return 0


def backend_needs() -> dict[str, str]:
    """Return every backend with the command that installs what it lacks, empty for nothing.

    Looks for packages and imports none of them.
    """
    from rfviewer.engine.backends.tensorrt_module import EXTRAS, MODULES

    def command(*wanted: tuple[str, str]) -> str:
        lacking = [extra for package, extra in wanted if not _found(package)]
        return install_command(",".join(dict.fromkeys(lacking))) if lacking else ""

    needs = {
        "onnxruntime": command(("onnxruntime", "")),
        "torch": command(*TORCH_PACKAGES.items()),
    }
    for name, modules in MODULES.items():
        module = next(filter(_found, modules), modules[0])  # the first that is there counts
        needs[name] = command(*CUDA_PACKAGES.items(), (module, EXTRAS[name]))
    return needs


def _found(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def models(*, as_json: bool, accept: str | None) -> int:
    """Print the models and what each needs, after accepting a licence if one is named."""
    from rfviewer.models.official import accept_licence
    from rfviewer.models.registry import list_models

    if accept is not None:
        accept_licence(accept)
    entries = list_models()
    if as_json:
        _print(json.dumps({"models": [asdict(entry) for entry in entries]}))
        return 0
    for entry in entries:
        mark = "ok" if entry.available else f"needs: {entry.needs}"
        _print(f"{entry.name:<19} {entry.description}  [{entry.licence or '-'}]  {mark}")
    _print("Or a path to your own .onnx or RF-DETR .pth file.")
    return 0


def list_gpus() -> list[str]:
    """Return the NVIDIA GPUs with memory and driver; empty without a driver."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        driver = pynvml.nvmlSystemGetDriverVersion()
        gpus = []
        for index in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            name = pynvml.nvmlDeviceGetName(handle)
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle).total / 2**30
            gpus.append(f"{name}, {memory:.0f} GiB, driver {driver}")
    except pynvml.NVMLError as error:
        return [f"an NVIDIA GPU whose driver answers {error}"]
    else:
        return gpus
    finally:
        pynvml.nvmlShutdown()


def hardware() -> dict[str, object]:
    """Return what the machine is, as far as the system says."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "platform": platform.platform(terse=True),
    }


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
