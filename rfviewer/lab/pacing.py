"""How long an experiment has run, takes at most, and what it knows so far, in words."""

import math

from rfviewer.experiment import Interval

_MINUTE_S = 60
_COARSE_S = 5
"""Times beyond a minute are told in such steps: more would only flicker."""


def step_of(passed_s: float, most_s: float, *rest: str) -> tuple[str, int, int]:
    """Return a step for a `Progress`: words, seconds so far, and seconds at most.

    The words begin with the times; what follows, each part after a semicolon, is `rest` without
    what is empty. `most_s` is an estimate from what has run, and never below `passed_s`.
    """
    most_s = max(most_s, passed_s)
    times = f"{_words(math.floor(passed_s))} of at most {_words(_coarse(most_s))}"
    text = "; ".join([times, *(part for part in rest if part)])
    return text, math.floor(passed_s), math.ceil(most_s)


def warming_up(passed_s: float, limit_s: float) -> tuple[str, int, int]:
    """Return the step before the first round; `limit_s` is what the rounds may take, 0 unknown."""
    if limit_s:
        return step_of(passed_s, passed_s + limit_s, "warming up")
    return f"{_words(math.floor(passed_s))}; warming up", 0, 0


def head_of(step: str) -> str:
    """Return the first part of a step's words: the times, where it has any."""
    return step.partition(";")[0]


def rates_so_far(frame_time: Interval | None) -> str:
    """Return by how much B differs in frames per second, e.g. "B -0.4 to +6.9 % frames/s so far".

    `frame_time` is the 95 % interval of B's frame time against A's, as a share; None gives "".
    """
    if frame_time is None:
        return ""
    low, high = (1 / (1 + share) - 1 for share in (frame_time.high, frame_time.low))
    return f"B {_percent(low)} to {_percent(high)} % frames/s so far"


def _coarse(seconds: float) -> int:
    """Round up, as "at most" must."""
    step = _COARSE_S if seconds > _MINUTE_S else 1
    return step * math.ceil(seconds / step)


def _words(seconds: int) -> str:
    if seconds <= _MINUTE_S:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, _MINUTE_S)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def _percent(share: float) -> str:
    return f"{100 * share:+.1f}" if abs(share) < 0.0995 else f"{100 * share:+.0f}"
