"""From totals of a live comparison to a colour and one sentence."""

from rfviewer.experiment import Badge, ParityResult

AMBER_STRAIN = 0.5
"""Share of the tolerance from which a passing comparison is no longer comfortable."""


def badge_of(result: ParityResult, strain: float) -> tuple[Badge, str]:
    """Return the colour and why.

    Args:
        result: over all compared frames.
        strain: share of the tolerance that the worst difference uses (`Gate.strain`).
    """
    if not result.frames:
        return Badge.WAITING, "No frame was compared yet."
    if not result.passed:
        return Badge.RED, result.failures[0]
    if result.soft:
        weak = f"{result.soft} detection{'' if result.soft == 1 else 's'}"
        return Badge.AMBER, f"Passes, but {weak} near the threshold differ."
    if strain > AMBER_STRAIN:
        return Badge.AMBER, f"Passes, but uses {strain:.0%} of the tolerance. {result.verdict}"
    return Badge.GREEN, result.verdict
