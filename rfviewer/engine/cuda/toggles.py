"""Which optimizations really run on the GPU engine, and why the others do not. Needs no torch."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rfviewer.config import ResizeMode
from rfviewer.engine.toggles import NO_FUSED_PREPROCESS, PARTS_OF_FUSED_PREPROCESS
from rfviewer.optimizations import Optimizations, off_value, toggle_names
from rfviewer.result import ToggleState

_MASK_TOGGLES = ("limit_masks", "roi_masks", "packed_masks", "tuned_masks")
_DENSE = "masks of one byte per pixel are copied by their number"
_BLOCKING_LAUNCH = "without {name} the launch itself keeps the host, and the result waiting"
_PAGEABLE = "a copy from pageable memory takes the whole frame"
_PAGEABLE_FRAMES = "a copy from pageable memory begins on the host"
_EVERY_ROW = "resize mode B reads every row"
_NO_FUSED_NETWORK = "part of the fused network"
_NO_MASKS = "the model has no masks"
_DENSE_OVERLAY = "bit-packed masks only can be drawn there"


def cuda_toggles(
    requested: Optimizations,
    *,
    resize: ResizeMode,
    has_masks: bool,
    failures: Mapping[str, str],
    obstacles: Mapping[str, str],
) -> tuple[ToggleState, ...]:
    """Return the state of every optimization, in display order.

    Args:
        requested: what was asked for.
        resize: how frames are made as large as the network input.
        has_masks: whether the network predicts masks.
        failures: by name, what could not be had when the slots were built, and why.
        obstacles: by name, what the network cannot do, and why.
    """
    impossible = {**failures, **obstacles}
    unused: dict[str, str] = {}
    if has_masks and not requested.packed_masks:
        unused = {"fixed_copy": _DENSE, "device_overlay": _DENSE_OVERLAY}
    if not requested.fused_preprocess:
        unused |= dict.fromkeys(PARTS_OF_FUSED_PREPROCESS, NO_FUSED_PREPROCESS)
    if not requested.pinned_input:
        unused |= {"needed_rows": _PAGEABLE, "device_frames": _PAGEABLE_FRAMES}
    if not requested.fused_network:
        unused["dependent_launch"] = _NO_FUSED_NETWORK
    for name in ("event_waits", "cuda_graph"):
        if name in failures or not getattr(requested, name):
            unused["early_relaunch"] = _BLOCKING_LAUNCH.format(name=name)
    if resize is ResizeMode.B:
        impossible["needed_rows"] = _EVERY_ROW
    if not has_masks:
        impossible |= dict.fromkeys(_MASK_TOGGLES, _NO_MASKS)
    states = []
    for name in toggle_names():
        wanted = getattr(requested, name)
        if name in impossible:
            states.append(
                ToggleState(name, wanted, off_value(name), impossible[name], available=False)
            )
        elif name in unused and wanted:
            states.append(ToggleState(name, wanted, effective=False, reason=unused[name]))
        else:
            states.append(ToggleState(name, wanted, wanted))
    return tuple(states)


def slot_key(effective: Optimizations) -> Optimizations:
    """Return `effective` without what a slot does not depend on: equal keys share slots."""
    default: Any = Optimizations()
    return replace(
        effective,
        depth=default.depth,
        early_relaunch=default.early_relaunch,
        early_warmup=default.early_warmup,
        roi_render=default.roi_render,
        device_overlay=default.device_overlay,
        device_frames=default.device_frames,
    )
