"""What one frame became: its detections, what it cost, and the settings that made it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rfviewer.config import ResizeMode, View
from rfviewer.detections import Detections
from rfviewer.frame import Frame, U8Array
from rfviewer.optimizations import Optimizations, format_value
from rfviewer.timing import StageTimings


@dataclass(frozen=True, slots=True)
class ToggleState:
    """One optimization as requested and as it really is."""

    name: str
    """Field of `Optimizations`."""
    requested: bool | int
    """What was asked for."""
    effective: bool | int
    """What runs."""
    reason: str = ""
    """Why they differ, or why it cannot run here, in a few words; empty otherwise."""
    available: bool = True
    """Whether it could run here, requested or not."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What an engine is, read back from it and not from the request."""

    model: str
    """Registry name or file name of the model."""
    backend: str
    """Backend that runs, e.g. "onnxruntime"."""
    backend_reason: str
    """Why this backend was chosen, in one sentence."""
    device: str
    """Where it runs, e.g. "CPU, 2 threads" or "NVIDIA H100 80GB HBM3"."""
    precision: str
    """Precision read back from the engine, e.g. "fp32"; empty for model "none"."""
    resize: ResizeMode
    """Preprocess mode."""
    input_wh: tuple[int, int]
    """Network input size in pixels; (0, 0) for model "none"."""
    class_names: tuple[str | None, ...]
    """Name of each class id; None for ids without a name."""
    has_masks: bool
    """Whether the network predicts masks."""
    toggles: tuple[ToggleState, ...]
    """Every optimization: requested, effective, reason."""

    @property
    def frames_in_flight(self) -> int:
        """How many frames may be in flight: passes under way, times frames a pass.

        With `early_relaunch` one pass more, whose result nobody has read yet.
        """
        found = {state.name: int(state.effective) for state in self.toggles}
        passes = found.get("depth", 1) + found.get("early_relaunch", 0)
        return passes * found.get("micro_batch", 1)


def asked_in_vain(states: Sequence[ToggleState]) -> list[str]:
    """Return a sentence for each state that was asked for, other than by default, and does not run.

    What the default asks for and cannot run is no news: most of it needs a GPU.
    """
    default = Optimizations()
    return [
        f"{state.name}={format_value(state.requested)} is not in effect: {state.reason}."
        for state in states
        if state.effective != state.requested != getattr(default, state.name)
    ]


@dataclass(frozen=True, slots=True)
class DeviceUsage:
    """How busy the GPU was since the last reading, from our own event intervals, and its memory."""

    gpu_idle: float | None
    """Share of wall time, 0..1, with no work of ours on the GPU; None when not measured."""
    reason: str
    """Why it is not measured, e.g. "not measured: no GPU"; empty when it is."""
    memory_used_bytes: int | None = None
    """GPU memory in use; None when unknown."""
    network_gap_p50_ms: float | None = None
    """Median time between one network's end and the next one's start; None when not measured."""
    network_gap_p95_ms: float | None = None
    """95 % quantile of the same."""
    power_w: float | None = None
    """Power drawn by the whole GPU; None when unknown."""
    clock_mhz: int | None = None
    """Clock of the multiprocessors; None when unknown."""
    throttle: str = ""
    """Why the clock is held down, e.g. "power cap"; empty when it is not or unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """Detections of one frame. Frozen and host-side; valid for ever."""

    frame: Frame
    """The frame these detections belong to; never another one."""
    detections: Detections
    """All detections above the threshold, every class."""
    timings: StageTimings
    """What this frame cost."""
    optimizations: Optimizations
    """The set in effect that made it."""
    threshold: float
    """The threshold that selected the detections."""
    composited: U8Array | None = None
    """BGRA (H, W, 4) with masks and boxes drawn by the device; None when the host must draw."""
    overlay: View | None = None
    """The view that `composited` was drawn with."""


type Notice = tuple[Literal["info", "warning", "error"], str]
"""Severity and one sentence for the user."""
