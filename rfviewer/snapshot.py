"""What a session tells its user interface, 10 to 20 times a second. Plain data, picklable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from rfviewer.config import EngineConfig, Playback, Policy, View
from rfviewer.experiment import LabStatus, ParityReading
from rfviewer.frame import SourceInfo, U8Array
from rfviewer.optimizations import Optimizations
from rfviewer.result import DeviceUsage, EngineInfo, Notice
from rfviewer.timing import StageTimings


class PlayState(StrEnum):
    """State of the source."""

    IDLE = "idle"
    OPENING = "opening"
    PLAYING = "playing"
    PAUSED = "paused"
    ENDED = "ended"
    FAILED = "failed"


class EnginePhase(StrEnum):
    """State of the engine."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """The engine: what it is doing, or what it is."""

    phase: EnginePhase
    """Loading, ready or failed."""
    step: str = ""
    """Loading: the current step, e.g. "Loading the network"; failed: one sentence why."""
    step_index: int = 0
    """Number of the current step, from 1."""
    step_count: int = 0
    """Number of steps."""
    info: EngineInfo | None = None
    """Set once ready."""


@dataclass(frozen=True, slots=True)
class FrameSample:
    """Timing of one inferred frame, for plots."""

    frame_index: int
    pts_s: float
    done_time_ns: int
    timings: StageTimings
    optimizations: Optimizations
    detections: int
    """Number of detections shown."""
    capture_time_ns: int = 0
    """`time.monotonic_ns()` when the source handed the frame over; 0 when not known."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Frames counted since the source was opened."""

    captured: int = 0
    """Frames the source delivered."""
    dropped: int = 0
    """Frames of a live source, or in keep-pace, that the engine never saw."""
    inferred: int = 0
    """Frames with a result."""
    presented: int = 0
    """Frames drawn for the window or for a recording."""
    damaged: int = 0
    """Frames the decoder reported as damaged or could not decode."""
    detections: int = 0
    """Detections over all inferred frames, after threshold and class filter."""


class LivePhase(StrEnum):
    """How a live source is doing."""

    CONNECTING = "connecting"
    """Opened for the first time."""
    PLAYING = "playing"
    STALLED = "stalled"
    """Connected, but no frame has come for longer than usual."""
    RECONNECTING = "reconnecting"
    """Broken off; it is being opened again."""
    LOST = "lost"
    """Broken off; the next attempt waits for its time."""


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """A live source at one moment."""

    phase: LivePhase
    attempt: int = 0
    """Number of the attempt to open it again, from 1; 0 while all is well."""
    last_frame_age_s: float | None = None
    """Seconds since its last frame; None before the first one."""
    retry_in_s: float | None = None
    """Seconds until the next attempt; None when none is waited for."""
    reason: str = ""
    """One sentence why it broke off."""


@dataclass(frozen=True, slots=True)
class RecordingStatus:
    """A running or finished recording."""

    video: Path | None
    labels: Path | None
    active: bool = True
    """Whether it is still running."""
    frames: int = 0
    """Frames written."""
    duration_s: float = 0.0
    """Length of what is written."""
    size_bytes: int = 0
    """Bytes on disk so far."""
    error: str = ""
    """One sentence when it was stopped by a fault; what is written is kept."""
    coco: Path | None = None
    partial: Path | None = None
    """Where the video lies until it is finished; what a crash leaves is there."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole state of a session at one moment, plus what happened since the last snapshot."""

    sequence: int
    time_ns: int
    """`time.monotonic_ns()` when it was made."""
    state: PlayState
    engine: EngineStatus
    engine_config: EngineConfig
    optimizations: Optimizations
    """As requested; what is in effect stands in `engine.info.toggles`."""
    view: View
    playback: Playback
    policy: Policy
    """The policy in effect."""
    error: str = ""
    """One sentence when `state` is FAILED."""
    source: SourceInfo | None = None
    live: LiveStatus | None = None
    """State of the connection to a live source; None for files, unless one gives no frame."""
    lost: str = ""
    """One sentence why this process cannot infer any more, e.g. a device fault or a launch that
    never ends: only a new process can. Empty while all is well."""
    frame_index: int | None = None
    """Frame on display."""
    pts_s: float | None = None
    """Time of the frame on display."""
    source_fps: float | None = None
    """Measured rate of the source; None when not yet known."""
    inferred_fps: float | None = None
    """Measured rate of results."""
    counters: Counters = field(default_factory=Counters)
    queues: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Fill and capacity of each queue by name."""
    rss_bytes: int = 0
    """Resident memory of the engine process."""
    device: DeviceUsage = field(default_factory=lambda: DeviceUsage(None, "not measured: no GPU"))
    recording: RecordingStatus | None = None
    class_counts: Mapping[int, int] = field(default_factory=dict)
    """Detections per class id on the frame on display, hidden classes included."""
    samples: tuple[FrameSample, ...] = ()
    """Frames inferred since the last snapshot."""
    lab: LabStatus | None = None
    """The running or last experiment."""
    parity: ParityReading = field(default_factory=ParityReading)
    """The live comparison with the reference path."""
    notices: tuple[Notice, ...] = ()
    """What to tell the user, new since the last snapshot."""


@dataclass(frozen=True, slots=True, eq=False)
class PresentedFrame:
    """A drawn frame for the screen, with where its masks come from."""

    image: U8Array
    """BGRA (H, W, 4), source resolution, alpha 255; Qt's Format_RGB32 on little-endian machines."""
    frame_index: int
    pts_s: float
    epoch: int
    capture_time_ns: int
    masks_age_s: float | None
    """Media time between this frame and the one its masks were found on; 0 in every-frame playback;
    None when there are no masks yet."""
