"""A value axis for tables that draw: linear, or compressed around zero. Knows no Qt."""

import math
from dataclasses import dataclass

_COMPRESS_FROM = 25.0
"""Ratio of the largest to the smallest figure from which the axis is compressed."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values to 0..1 of a width."""

    low: float
    high: float
    knee: float = 0.0
    """Values up to about this far from zero are drawn linearly, those beyond by their logarithm;
    0 draws everything linearly."""
    ticks: tuple[float, ...] = ()

    def share(self, value: float) -> float:
        """Return where `value` lies, clipped to 0..1."""
        low, high = self._bent(self.low), self._bent(self.high)
        return min(1.0, max(0.0, (self._bent(value) - low) / (high - low)))

    @property
    def broken(self) -> bool:
        """Whether the axis starts above zero, which bars must show."""
        return self.low > 0

    def _bent(self, value: float) -> float:
        return math.asinh(value / self.knee) if self.knee else value


def nice_step(span: float, count: int) -> float:
    """Return 1, 2 or 5 times a power of ten that divides `span` into at most `count` parts."""
    rough = span / max(1, count)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(f * power for f in (1, 2, 5, 10) if f * power >= rough * (1 - 1e-9))


def difference_axis(values: list[float], sizes: list[float]) -> Axis:
    """Return an axis around zero that holds `values`; `sizes` must be told from zero.

    Stages of 0.1 ms stand beside a latency of 300 ms: on a linear axis all of them would be zero.
    """
    top = max((abs(value) for value in values), default=0.0) or 1.0
    small = min((abs(size) for size in sizes if size), default=top)
    if top / max(small, 1e-9) < _COMPRESS_FROM:
        step = nice_step(top, 2)
        edge = math.ceil(top / step - 1e-9) * step
        return Axis(-edge, edge, ticks=tuple(k * edge for k in (-1.0, -0.5, 0.0, 0.5, 1.0)))
    knee = 10.0 ** math.floor(math.log10(max(small, top / 3000)))
    edge = 10.0 ** math.ceil(math.log10(top) - 1e-9)
    decades, value = [], knee
    while value <= edge * 1.001:
        decades.append(value)
        value *= 10
    kept = decades[-1::-2][::-1] if len(decades) > 3 else decades
    ticks = (*(-tick for tick in reversed(kept)), 0.0, *kept)
    return Axis(-edge, edge, knee, ticks)


def bar_axis(values: list[float], count: int = 5) -> Axis:
    """Return an axis for bars: from zero, or from a round value when all change happens far above.

    The differences of a waterfall may be a few percent of the whole.
    """
    high = max(values, default=1.0) or 1.0
    low = min(values, default=0.0)
    if low > 0.75 * high and high > 0:
        step = nice_step((high - low) * 1.6 or high, count)
        start = math.floor((low - (high - low) * 0.25) / step) * step
        low = max(0.0, start)
    else:
        low = 0.0
    step = nice_step(high - low, count)
    top = math.ceil(high / step - 1e-9) * step
    steps = round((top - low) / step)
    return Axis(low, top, ticks=tuple(low + step * k for k in range(steps + 1)))


def tick_text(value: float) -> str:
    """Return the label of a tick, with a true minus sign."""
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")
