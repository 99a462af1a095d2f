"""Whether the verdict of an A/B is what was planted."""

from rfviewer.experiment import AbResult
from rfviewer.lab.stand import LATENCY
from rfviewer.timing import Stage


def named(result: AbResult) -> list[str]:
    """Return the stages that the verdict names, the largest first."""
    text = result.verdict.split("; ")
    found = [part.rpartition(" of ")[2] for part in text if part.startswith(("saves", "costs"))]
    return [stage for stage in found if stage != LATENCY]


def is_right(result: AbResult, planted: Stage | None) -> bool:
    """Whether the verdict is what was planted, no less and no more."""
    if planted is None:
        return not result.effect
    costs = result.verdict.startswith("costs ")
    return result.effect and costs and named(result) == [str(planted)]
