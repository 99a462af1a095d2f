"""Sets of optimizations in few words, for titles and labels."""

from rfviewer.optimizations import Optimizations, toggle_names

MAX_NAMED = 2
"""So many differing toggles fit on a label."""

PAIRED = (
    "A and B are medians over all frames of a side; B - A is the median over pairs of neighbouring"
    " blocks, where drift cancels, so it need not be the difference of the two"
)
"""What stands beside what in the table of an A/B."""


def describe_set(optimizations: Optimizations) -> str:
    """Return the set counted from "baseline" or from "default", whichever takes fewer words."""
    from_default = optimizations.describe_changes() or "default"
    baseline = Optimizations.baseline()
    changes = [
        f"{name}={_word(getattr(optimizations, name))}"
        for name in toggle_names()
        if getattr(optimizations, name) != getattr(baseline, name)
    ]
    from_baseline = ",".join(["baseline", *changes])
    return min(from_default, from_baseline, key=lambda text: (text.count(","), len(text)))


def describe_difference(
    a: Optimizations, b: Optimizations, most: int = MAX_NAMED
) -> tuple[str, str]:
    """Return what differs, seen from each side, e.g. "depth=1" and "depth=3"; empty if nothing.

    Where more than `most` toggles differ, a known set goes by its name and another one ends in the
    number of those not named.
    """
    names = [name for name in toggle_names() if getattr(a, name) != getattr(b, name)]
    known = {Optimizations.baseline(): "baseline", Optimizations(): "default"}
    more = f" +{len(names) - most}" if len(names) > most else ""
    first, second = (
        known[side]
        if more and side in known
        else ", ".join(f"{name}={_word(getattr(side, name))}" for name in names[:most]) + more
        for side in (a, b)
    )
    return first, second


def _word(value: bool | int) -> str:  # noqa: FBT001 - the value itself
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
