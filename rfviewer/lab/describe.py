"""Sets of optimizations in few words, for titles and labels."""

from rfviewer.optimizations import Optimizations, toggle_names, toggle_of

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


def plain_difference(a: Optimizations, b: Optimizations) -> tuple[str, str]:
    """Return what differs, seen from each side, in the words of the window's switches.

    Up to two switches are named; of more it is told how many are on and off.
    """
    names = [name for name in toggle_names() if getattr(a, name) != getattr(b, name)]
    if not names:
        return "the same settings", "the same settings"
    if len(names) <= MAX_NAMED:
        first, second = (
            ", ".join(f"{toggle_of(name).label} {_word(getattr(side, name))}" for name in names)
            for side in (a, b)
        )
        return first, second
    return _counted(a, names), _counted(b, names)


def _counted(side: Optimizations, names: list[str]) -> str:
    """Return how many of these switches are on, and how many off."""
    baseline = Optimizations.baseline()
    on = sum(getattr(side, name) != getattr(baseline, name) for name in names)
    off = len(names) - on
    if not on or not off:
        return f"{len(names)} switches {'on' if on else 'off'}"
    return f"{on} switch{'es' * (on > 1)} on, {off} off"


def _word(value: bool | int) -> str:  # noqa: FBT001 - the value itself
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
