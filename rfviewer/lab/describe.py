"""Sets of optimizations in few words, for titles and labels."""

from rfviewer.optimizations import Optimizations, toggle_names

MAX_NAMED = 2
"""So many differing toggles fit on a label."""


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


def describe_difference(a: Optimizations, b: Optimizations) -> tuple[str, str]:
    """Return what differs, seen from each side, e.g. "depth=1, roi_masks=off +3"; or empty."""
    names = [name for name in toggle_names() if getattr(a, name) != getattr(b, name)]
    more = f" +{len(names) - MAX_NAMED}" if len(names) > MAX_NAMED else ""
    first, second = (
        ", ".join(f"{name}={_word(getattr(side, name))}" for name in names[:MAX_NAMED]) + more
        for side in (a, b)
    )
    return first, second


def _word(value: bool | int) -> str:  # noqa: FBT001 - the value itself
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
