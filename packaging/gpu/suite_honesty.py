"""How often an A/B is right: equal settings, and 5 % planted in one stage. Needs no torch."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rfviewer.experiment import AbResult
from rfviewer.frame import Frame
from rfviewer.optimizations import Optimizations
from rfviewer.timing import Stage
from tests.lab.rightness import is_right, named

SHARE = 0.05
"""Of the stage's own time."""
RUNS = 20
"""Of each kind, if the time is enough."""


@dataclass(frozen=True)
class Kind:
    """What is compared, again and again."""

    stage: Stage | None
    """Which stage is slower under B; None for equal settings."""
    a: Optimizations
    frames: Sequence[Frame]
    what: str
    """In words, for the report."""
    rebuilt: bool = False
    """Whether B has buffers and graphs of its own, although nothing is planted."""


class Subject(Protocol):
    """An engine with a plant, and the lab around it."""

    def plan(self, kind: Kind, share: float) -> dict[str, float]:
        """Return what to plant in the stage of `kind`, `cycles` among it."""

    def measure(self, kind: Kind, cycles: int) -> AbResult:
        """Run one comparison."""


def honesty(
    subject: Subject,
    kinds: Mapping[str, Kind],
    *,
    budget_s: float,
    runs: int = RUNS,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, object]:
    """Run all kinds in turn, `runs` times or until `budget_s` are over, and count.

    All kinds get the same number of runs, and at least one.
    """
    begun_s = clock()
    plans = {
        name: {} if kind.stage is None else subject.plan(kind, SHARE)
        for name, kind in kinds.items()
    }
    rows: list[dict[str, object]] = []
    for number in range(1, runs + 1):
        if number > 1 and clock() - begun_s > budget_s:
            break
        for name, kind in kinds.items():
            start_s = clock()
            result = subject.measure(kind, int(plans[name].get("cycles", 0)))
            row = _row(name, number, kind, result) | {"seconds": round(clock() - start_s, 2)}
            rows.append(row)
            if not row["right"]:
                print(f"WRONG {name} {number}: {result.verdict}", flush=True)
    tally = {
        name: {
            "what": kind.what,
            **plans[name],
            "runs": sum(row["kind"] == name for row in rows),
            "right": sum(row["kind"] == name and bool(row["right"]) for row in rows),
        }
        for name, kind in kinds.items()
    }
    for name, found in tally.items():
        print(f"{name:<12} right {found['right']} of {found['runs']}: {found}", flush=True)
    return {"share": SHARE, "tally": tally, "runs": rows}


def _row(name: str, number: int, kind: Kind, result: AbResult) -> dict[str, object]:
    undecided = result.verdict.startswith("too few rounds")  # "no effect" would be luck
    row: dict[str, object] = {
        "kind": name,
        "run": number,
        "right": is_right(result, kind.stage) and not undecided,
        "verdict": result.verdict,
        "named": named(result),
        "blocks": result.blocks,
        "frames": result.frames,
        "excluded": result.excluded,
    }
    for effect in result.stages:
        if kind.stage is not None and effect.quantity == str(kind.stage):
            row["found_us"] = round(1e3 * effect.difference, 3)
            row["interval_us"] = [
                round(1e3 * bound, 3) for bound in (effect.interval.low, effect.interval.high)
            ]
    return row
