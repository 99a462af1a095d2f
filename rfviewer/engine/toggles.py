"""Which optimizations really run on the host engine, and why the others do not."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rfviewer.models.spec import ModelSpec
from rfviewer.optimizations import Optimizations, off_value, toggle_names
from rfviewer.result import ToggleState

MAX_HOST_DEPTH = 3
"""Three stages, so a fourth frame in flight would only wait."""

_NEEDS_GPU = (
    "cuda_graph",
    "pinned_input",
    "needed_rows",
    "device_frames",
    "event_waits",
    "early_relaunch",
    "kernel_timestamps",
    "fixed_copy",
    "pinned_output",
    "device_overlay",
    "fused_network",
    "dependent_launch",
    "early_warmup",
    "tuned_masks",
)
_NEEDS_MASKS = ("limit_masks", "roi_masks", "packed_masks")
_NEEDS_NETWORK = (
    "fused_preprocess",
    "fused_constants",
    "planar_stores",
    "table_cache",
    "zero_copy_input",
    "zero_copy_output",
    "fused_select",
    "float_boxes",
    "direct_detections",
)
PARTS_OF_FUSED_PREPROCESS = ("fused_constants", "planar_stores")
"""Optimizations that the plain preprocess has no place for."""
NO_FUSED_PREPROCESS = "part of the fused preprocess"


def host_toggles(requested: Optimizations, spec: ModelSpec) -> tuple[ToggleState, ...]:
    """Return the state of every optimization on a host engine for `spec`, in display order."""
    obstacles = dict.fromkeys(_NEEDS_GPU, "needs an NVIDIA GPU")
    obstacles["micro_batch"] = "the ONNX graph takes one frame a pass"
    if spec.onnx_path is None:
        names = (*_NEEDS_NETWORK, *_NEEDS_MASKS, "micro_batch")
        obstacles |= dict.fromkeys(names, "the model has no network")
    elif not spec.has_masks:
        obstacles |= dict.fromkeys(_NEEDS_MASKS, "the model has no masks")
    unused = {}
    if not requested.fused_preprocess:
        unused = dict.fromkeys(PARTS_OF_FUSED_PREPROCESS, NO_FUSED_PREPROCESS)
    return tuple(
        _depth_state(requested.depth, spec)
        if name == "depth"
        else _switch_state(name, getattr(requested, name), obstacles, unused)
        for name in toggle_names()
    )


def effective_optimizations(states: tuple[ToggleState, ...]) -> Optimizations:
    """Return the set in effect."""
    values: dict[str, Any] = {state.name: state.effective for state in states}
    return replace(Optimizations(), **values)


def _switch_state(
    name: str,
    wanted: bool | int,  # noqa: FBT001 - the value itself
    obstacles: Mapping[str, str],
    unused: Mapping[str, str],
) -> ToggleState:
    if name in obstacles:
        return ToggleState(name, wanted, off_value(name), obstacles[name], available=False)
    if name in unused and wanted:
        return ToggleState(name, wanted, effective=False, reason=unused[name])
    return ToggleState(name, wanted, wanted)


def _depth_state(wanted: int, spec: ModelSpec) -> ToggleState:
    if spec.onnx_path is None:
        return ToggleState("depth", wanted, 1, "the model has no network", available=False)
    if wanted > MAX_HOST_DEPTH:
        reason = f"the CPU engine has {MAX_HOST_DEPTH} stages to overlap"
        return ToggleState("depth", wanted, MAX_HOST_DEPTH, reason)
    return ToggleState("depth", wanted, wanted)
