"""What a switch of the engine is called, what it does and what it promises."""

from dataclasses import dataclass
from enum import StrEnum

from rfviewer.timing import Stage


class Exactness(StrEnum):
    """How close the result stays to the reference op (docs/TOGGLES.md tells the tolerances)."""

    BIT_EXACT = "X0"
    ROUNDING = "X1"
    TOLERANCE = "X2"


@dataclass(frozen=True, slots=True)
class Toggle:
    """What the window, the command line and the docs say about one field of `Optimizations`."""

    label: str
    """Short name of the technique."""
    why: str
    """One line: what it saves."""
    off: str
    """The reference op that runs when it is off."""
    on: str
    """What runs when it is on."""
    stage: Stage
    """The stage whose time it moves."""
    exactness: Exactness = Exactness.BIT_EXACT
    """Promise about the result."""
    choices: tuple[int, ...] = ()
    """Allowed values of a number; empty for a switch."""
    needs_rebuild: bool = False
    """Whether a change re-creates buffers or the engine, which takes longer than a frame."""
    retimes_stages: bool = False
    """Whether it changes how stages are timed: their times on and off then do not compare."""
