"""How far two results may lie apart: the classes of the correctness gate, as values."""

from dataclasses import dataclass, replace

from rfviewer.optimizations import Optimizations, toggle_names, toggle_of
from rfviewer.result import EngineInfo
from rfviewer.timing import Stage
from rfviewer.toggle import Exactness


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """One class of the gate. Distances are in frame pixels, scores in 0..1."""

    name: str
    source: str
    """What it is for, and where the numbers come from."""
    box_px: float
    """Largest difference of any box coordinate in a pair."""
    score: float
    """Largest difference of scores in a pair."""
    delta: float
    """Half the soft band around the threshold; both sides are decoded at threshold - delta."""
    mask_iou: float
    """Least intersection over union of a pair's masks ..."""
    flip_px: int
    """... unless they differ by no more than that many pixels."""
    mask_iou_mean: float
    """Least mean over all pairs."""
    gate_px: float
    """Boxes farther apart than this are never a pair."""
    soft_share: float
    """Differences inside the soft band, as a share of the detections; two are always allowed."""
    box_p99_px: float | None = None
    """Above this the 99 % quantile of box differences is remarked upon, no failure."""
    score_p99: float | None = None
    rounding_px: float = 0.0
    """What rounding boxes to whole pixels may add to `box_px`: a half where one side does it, one
    where both do, since a hair's breadth may decide between two pixels."""

    @property
    def exact(self) -> bool:
        """Whether equal bytes are asked for."""
        return self.delta == 0.0

    @property
    def gate(self) -> str:
        """Name in a `ParityResult`."""
        return "G0" if self.exact else f"G1/{self.name}"


X0 = Tolerance(
    name="X0",
    source="the same arithmetic, only scheduled or stored otherwise: equal bytes, nothing less",
    box_px=0.0,
    score=0.0,
    delta=0.0,
    mask_iou=1.0,
    flip_px=0,
    mask_iou_mean=1.0,
    gate_px=20.0,  # pairs what differs, to tell how; it excuses nothing
    soft_share=0.0,
)
E1 = Tolerance(
    name="E1",
    source="other postprocess on the same raw outputs: measured errors are 2.4e-4 px of a box and"
    " 3.8e-6 of a mask logit at 1920x1080",
    box_px=1e-3,
    score=2e-6,
    delta=1e-5,
    mask_iou=0.9999,
    flip_px=2,
    mask_iou_mean=0.9999,
    gate_px=20.0,
    soft_share=0.001,
)
E2 = Tolerance(
    name="E2",
    source="same precision, other order of additions (preprocess, backend): proposed from input"
    " noise of 3e-5, which moves logits by about 1e-4",
    box_px=0.05,
    score=1e-3,
    delta=2e-3,
    mask_iou=0.999,
    flip_px=8,
    mask_iou_mean=0.999,
    gate_px=20.0,
    soft_share=0.005,
)
E3 = Tolerance(
    name="E3",
    source="fp16 against fp32: storing boxes in fp16 alone costs up to 0.58 px at 1920x1080;"
    " 5 px is what this project promises",
    box_px=5.0,
    score=0.03,
    delta=0.03,
    mask_iou=0.95,
    flip_px=32,
    mask_iou_mean=0.99,
    gate_px=40.0,
    soft_share=0.02,
    box_p99_px=2.0,
    score_p99=0.01,
)

_BY_PROMISE = {Exactness.BIT_EXACT: X0, Exactness.ROUNDING: E2, Exactness.TOLERANCE: E3}
_RANK = (X0, E1, E2, E3)


def purpose_of(gate: str) -> str:
    """Return what a gate is for, by its name in a `ParityResult`."""
    return next(each.source for each in _RANK if each.gate == gate)


def tolerance_of(exactness: Exactness) -> Tolerance:
    """Return the tolerance that a promise means for detections.

    Rounding in the network input is judged by E2 and not by E1: the network's choice of queries is
    discontinuous, so that a weak detection may change by more than rounding.
    """
    return _BY_PROMISE[exactness]


def promise(a: Optimizations, b: Optimizations) -> Exactness:
    """Return the weakest promise of the toggles that differ; those of drawing touch no detection.

    Give the sets in effect, not those requested: a toggle that cannot run here promises nothing.
    """
    return max((toggle_of(name).exactness for name in differing(a, b)), default=Exactness.BIT_EXACT)


def differing(a: Optimizations, b: Optimizations) -> tuple[str, ...]:
    """Return the toggles that differ and may touch a detection: those of drawing do not."""
    return tuple(
        name
        for name in toggle_names()
        if getattr(a, name) != getattr(b, name) and toggle_of(name).stage is not Stage.RENDER
    )


def with_rounding(tolerance: Tolerance, a: Optimizations, b: Optimizations) -> Tolerance:
    """Return `tolerance` with room for boxes that `a` or `b` rounds; equal bytes leave none."""
    rounding_px = {0: 1.0, 1: 0.5, 2: 0.0}[a.float_boxes + b.float_boxes]
    return tolerance if tolerance.exact else replace(tolerance, rounding_px=rounding_px)


def tolerance_between(
    reference: EngineInfo, candidate: EngineInfo, a: Optimizations, b: Optimizations
) -> Tolerance:
    """Return what two engines with the sets `a` and `b` in effect promise.

    Another precision or model means E3; another backend, device or preprocess mode at least E2.
    """
    found = tolerance_of(promise(a, b))
    if (reference.precision, reference.model) != (candidate.precision, candidate.model):
        least = E3
    elif (reference.backend, reference.device, reference.resize) != (
        candidate.backend,
        candidate.device,
        candidate.resize,
    ):
        least = E2
    else:
        least = found
    return with_rounding(max(found, least, key=_RANK.index), a, b)
