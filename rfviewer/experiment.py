"""What the lab is asked and what it answers: A/B, waterfall, ceilings, parity.

Plain data, picklable: it crosses the process boundary in snapshots and is printed as JSON.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from rfviewer.config import EngineConfig
from rfviewer.optimizations import Optimizations
from rfviewer.result import DeviceUsage
from rfviewer.toggle import Exactness


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside."""
        return self.low > 0.0 or self.high < 0.0


@dataclass(frozen=True, slots=True)
class Effect:
    """One quantity under two configurations, measured in alternating blocks of one run."""

    quantity: str
    """A stage ("preprocess"), "latency", "frame time" or "throughput"."""
    unit: str
    """"ms" or "fps"."""
    a: float
    """Median under A."""
    b: float
    """Median under B."""
    a_p95: float | None
    """95 % quantile under A; None for rates."""
    b_p95: float | None
    """95 % quantile under B."""
    difference: float
    """B minus A, the estimate that `interval` belongs to."""
    interval: Interval
    """Bootstrap interval of the difference, over blocks."""
    significant: bool
    """Whether the difference is larger than the noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbRequest:
    """Compare two sets of optimizations on the same recorded frames."""

    a: Optimizations
    b: Optimizations
    frames: int = 0
    """Frames per block; 0 chooses by the engine's speed."""
    rounds: int = 0
    """Counted ABBA rounds; 0 chooses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbResult:
    """The outcome of an `AbRequest`."""

    a: Optimizations
    b: Optimizations
    stages: tuple[Effect, ...]
    """Stage times and latency, at one frame in flight."""
    throughput: Effect
    """Frames per second at the depth of each configuration."""
    verdict: str
    """In words, e.g. "saves 0.41 ms +- 0.03 of preprocess; fps +12 %" or "no effect larger than
    the noise"."""
    effect: bool
    """Whether there is any."""
    blocks: int
    """Counted blocks per configuration."""
    frames: int
    """Frames per block, at the end: their number follows the quickest frames so far."""
    excluded: int = 0
    """Frames or blocks left out, e.g. because the GPU was throttled."""
    notes: tuple[str, ...] = ()
    """What the reader must know, e.g. toggles that cannot run here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterfallRequest:
    """Measure every toggle alone, removed from all, and one after another."""

    target: Optimizations
    """The all-on end of the waterfall."""
    names: tuple[str, ...] = ()
    """Which toggles; empty takes all that can run here."""
    frames: int = 0
    rounds: int = 0


@dataclass(frozen=True, slots=True)
class WaterfallStep:
    """One toggle's part. Frame times in ms; negative differences save time."""

    name: str
    alone: Effect
    """Baseline with only this one against the baseline."""
    removed: Effect
    """The target without this one against the target."""
    cumulative: Effect
    """With this one and those before it against those before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterfallResult:
    """The outcome of a `WaterfallRequest`."""

    whole: Effect
    """The target against the baseline: frame time."""
    steps: tuple[WaterfallStep, ...]
    interaction: float
    """`whole.difference` minus the sum of the parts measured alone, in ms."""
    interaction_interval: Interval
    verdict: str
    notes: tuple[str, ...] = ()


class ReplayPart(StrEnum):
    """How much of a frame's way is replayed, from the bare network on."""

    COPY_IN = "network with copy in"
    """The frame brought in, preprocess and network."""
    CLONES = "network with copy in and output clones"
    """The same, and a copy of the raw outputs."""
    CALL = "backend call path"
    """The network alone, as an ordinary call of its runtime runs it: no graph, nothing bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CeilingsRequest:
    """Measure what bounds the running configuration."""

    target: Optimizations
    seconds: float = 2.0
    """Length of each measurement."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """One bound."""

    name: str
    """"bare network", "network with copy in", "whole slot", "decode", "drawing", …"""
    fps: float | None
    """Frames per second if nothing else cost anything; None when not measured."""
    reason: str = ""
    """Why it is not measured, in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CeilingsResult:
    """The outcome of a `CeilingsRequest`."""

    ceilings: tuple[Ceiling, ...]
    running_fps: float
    """The whole path in the same run."""
    bound: str
    """One of "network-bound", "decode-bound", "display-bound", "encode-bound", "camera-limited",
    "playback-limited", "host-bound"."""
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityRequest:
    """Compare the detections of two sets of optimizations, frame by frame."""

    reference: Optimizations
    candidate: Optimizations
    exactness: Exactness | None = None
    """The promise to check; None takes the weakest of the toggles that differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityResult:
    """The outcome of the gate over all compared frames (REFERENCE_SPEC 4.2)."""

    passed: bool
    gate: str
    """"G0" for equal bytes, or "G1" with the tolerance class, e.g. "G1/E3"."""
    frames: int
    pairs: int
    flips: int
    """Paired detections with different classes."""
    missing: int
    extra: int
    soft: int
    """Differences inside the soft band of the threshold."""
    box_max_px: float
    box_p99_px: float
    box_mean_px: float
    score_max: float
    iou_min: float | None
    """Of masks; None without masks."""
    iou_mean: float | None
    worst_frame: int | None
    """`frame_index`; None when nothing differs."""
    failures: tuple[str, ...]
    """One sentence each, the worst first, at most ten."""
    verdict: str
    cause: str = ""
    """What fails or comes closest to it, e.g. "1 class changed"; empty when nothing differs."""
    worst_png: Path | None = None
    """Both results of the worst frame side by side; None when not saved."""


class Badge(StrEnum):
    """State of the live comparison."""

    OFF = "off"
    WAITING = "waiting"
    """The reference is being loaded, or no frame was compared yet."""
    GREEN = "green"
    """All compared frames pass with room."""
    AMBER = "amber"
    """They pass, but differ by more than half of a tolerance or inside the soft band."""
    RED = "red"
    """A frame fails the gate."""
    UNAVAILABLE = "unavailable"
    """The reference could not be run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityWatch:
    """Compare every n-th live frame with a reference engine on a thread of its own."""

    every: int = 30
    """Offer every n-th inferred frame; one is skipped while the one before is still compared."""
    reference: Optimizations = field(default_factory=Optimizations.baseline)
    engine: EngineConfig | None = None
    """Model, backend and precision of the reference; None takes those in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityReading:
    """What the live comparison says."""

    badge: Badge = Badge.OFF
    reason: str = ""
    """One sentence: why waiting, amber, red or unavailable."""
    compared: int = 0
    """Frames compared since the settings last changed."""
    skipped: int = 0
    """Frames offered while the reference was busy."""
    last_frame: int | None = None
    total: ParityResult | None = None
    """Over all compared frames."""
    sides: tuple[str, str] = ("", "")
    """In which settings the reference and what is set differ, in plain words; empty before."""


type LabRequest = AbRequest | WaterfallRequest | CeilingsRequest | ParityRequest
type LabResult = AbResult | WaterfallResult | CeilingsResult | ParityResult


@dataclass(frozen=True, slots=True)
class LabStatus:
    """A running or finished experiment of the session."""

    request: LabRequest
    active: bool
    step: str = ""
    """What it is doing and how far it is, the chief thing first, e.g. "12 s of at most 2 min;
    B -0.4 to +6.9 % frames/s so far"."""
    index: int = 0
    """How far it is: seconds for A/B and waterfall, else rounds or frames."""
    count: int = 0
    """What `index` reaches at most; 0 while that is unknown."""
    result: LabResult | None = None
    error: str = ""
    """One sentence when it could not be carried out."""
    device: DeviceUsage | None = None
    """Power, clock and throttling at the end, where known."""
