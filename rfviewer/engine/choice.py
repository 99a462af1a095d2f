"""Which backend runs, and why. Asks about packages and the driver before anything heavy loads."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass

import pynvml

from rfviewer.config import EngineConfig
from rfviewer.extras import install_command
from rfviewer.models.spec import ModelSpec

CUDA_PACKAGES = {"torch": "gpu", "triton": "gpu"}
"""What every GPU engine needs, and the extra that brings it."""
TORCH_PACKAGES = {**CUDA_PACKAGES, "rfdetr": "models"}
"""What the backend torch needs: rfdetr holds the network's definition."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The backend to build."""

    backend: str
    """One of `config.BACKEND_NAMES` other than auto."""
    reason: str
    """Why, in a few words."""


def choose_backend(config: EngineConfig, spec: ModelSpec) -> Choice:
    """Return the backend asked for, or for auto the fastest that can run here."""
    if config.backend != "auto":
        return Choice(config.backend, "asked for by name")
    obstacle = torch_obstacle(spec)
    if not obstacle:
        return Choice("torch", "auto: PyTorch on the NVIDIA GPU is the fastest that can run here")
    return Choice("onnxruntime", f"auto: ONNX Runtime, because {obstacle}")


def torch_obstacle(spec: ModelSpec) -> str:
    """Return why the backend torch cannot run `spec` here, as half a sentence; empty if it can.

    Imports torch only where everything else is there: it takes seconds.
    """
    missing = _missing_package(TORCH_PACKAGES)
    if missing:
        return missing
    if spec.weights is None and (spec.checkpoint is None or not spec.checkpoint.is_file()):
        return f"there is no torch checkpoint of {spec.name}"
    return _device_obstacle()


def gpu_obstacle(config: EngineConfig) -> str:
    """Return why no engine on a GPU is to be expected for `config`, for any model; else nothing."""
    if config.model == "none" or config.backend == "onnxruntime":
        return "the engine reads frames on the host"
    packages = TORCH_PACKAGES if config.backend in ("auto", "torch") else CUDA_PACKAGES
    return _missing_package(packages) or _device_obstacle()


def tensorrt_obstacle() -> str:
    """Return why no TensorRT engine can run here, as half a sentence; empty if one may."""
    return _missing_package(CUDA_PACKAGES) or _device_obstacle()


def _missing_package(packages: Mapping[str, str]) -> str:
    for package, extra in packages.items():
        if importlib.util.find_spec(package) is None:
            if _no_gpu_answers():
                return "there is no NVIDIA GPU, or no driver for it"
            return f"the package {package} is not installed ({install_command(extra)})"
    return ""


def _no_gpu_answers() -> bool:
    """Whether the driver's library knows no GPU. Containers may lack it: ask torch if it is there.

    So nothing is decided by this, but what is said.
    """
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return True
    try:
        return int(pynvml.nvmlDeviceGetCount()) == 0
    finally:
        pynvml.nvmlShutdown()


def _device_obstacle() -> str:
    import torch

    return "" if torch.cuda.is_available() else "torch finds no CUDA device"
