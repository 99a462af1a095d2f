"""The plots of the report as inline SVG: latency, rate over time, and bars with intervals."""

import math
from collections.abc import Sequence

from rfviewer.experiment import CeilingsResult, Effect, WaterfallResult
from rfviewer.lab.markup import label, line, number, rect, significant, svg
from rfviewer.snapshot import FrameSample
from rfviewer.timing import percentile

WIDTH = 860.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 16.0, 24.0, 28.0
_UNIT_WIDTH = 34.0
_BINS = 40
_RATE_FRAMES = 8


def nice_step(span: float, steps: int) -> float:
    """Return a step of 1, 2 or 5 times a power of ten that divides `span` into about `steps`."""
    if span <= 0 or not math.isfinite(span):
        return 1.0
    power = 10.0 ** math.floor(math.log10(span / steps))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power * steps >= span)


class _Axes:
    """A frame with both scales."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float], height: float) -> None:
        self.x0, self.x1 = x
        self.y0, self.y1 = y
        self.height = height
        self.bottom = height - _BOTTOM

    def x(self, value: float) -> float:
        share = (value - self.x0) / ((self.x1 - self.x0) or 1.0)
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.y0) / ((self.y1 - self.y0) or 1.0)
        return self.bottom - share * (self.bottom - _TOP)

    def grid(self, x_unit: str, y_unit: str) -> list[str]:
        parts = []
        step = nice_step(self.x1 - self.x0, 8)
        value = math.ceil(self.x0 / step - 1e-9) * step
        while value <= self.x1 + step * 1e-6:
            parts.append(line(self.x(value), _TOP, self.x(value), self.bottom, "grid"))
            digits = max(0, -math.floor(math.log10(step)))
            if self.x(value) < WIDTH - _RIGHT - _UNIT_WIDTH:
                words = number(value, digits)
                parts.append(label(self.x(value), self.height - 10, words, "", "middle"))
            value += step
        step = nice_step(self.y1 - self.y0, 4)
        value = math.ceil(self.y0 / step - 1e-9) * step
        while value <= self.y1 + step * 1e-6:
            parts.append(line(_LEFT, self.y(value), WIDTH - _RIGHT, self.y(value), "grid"))
            digits = max(0, -math.floor(math.log10(step)))
            parts.append(label(_LEFT - 6, self.y(value) + 4, number(value, digits), "", "end"))
            value += step
        parts.append(label(WIDTH - _RIGHT, self.height - 10, x_unit, "unit", "end"))
        parts.append(label(4, 12, y_unit, "unit"))
        return parts


def latency_histogram(latencies_ms: Sequence[float]) -> str:
    """Return how often each latency occurred, with p50 and p95 marked."""
    if len(latencies_ms) < 2:
        return ""
    values = sorted(latencies_ms)
    high = percentile(values, 0.99) or values[-1]
    low = values[0]
    # The slowest percent would squeeze all others into one bar; it is counted in the last.
    high = high if high > low else low + 1.0
    counts = [0] * _BINS
    for value in values:
        counts[min(_BINS - 1, int((value - low) / (high - low) * _BINS))] += 1
    axes = _Axes((low, high), (0.0, float(max(counts))), 200.0)
    parts = axes.grid("ms", "frames")
    width = (WIDTH - _LEFT - _RIGHT) / _BINS
    for place, frames in enumerate(counts):
        if frames:
            begin = low + (high - low) * place / _BINS
            end = begin + (high - low) / _BINS
            above = " and more" if place == _BINS - 1 else ""
            tip = f"{significant(begin)} to {significant(end)} ms{above}: {frames} frames"
            top = axes.y(frames)
            parts.append(rect(axes.x(begin) + 0.5, top, width - 1, axes.bottom - top, "bar", tip))
    for row, (share, name) in enumerate(((0.5, "p50"), (0.95, "p95"))):
        at = percentile(values, share)
        if at is not None:
            x = axes.x(min(at, high))
            parts.append(line(x, _TOP, x, axes.bottom, "mark"))
            parts.append(
                label(x + 4, _TOP + 12 + 15 * row, f"{name} {significant(at)} ms", "marked")
            )
    return svg(WIDTH, 200, parts, "Latency of each frame, from submit to result")


def rate_over_time(samples: Sequence[FrameSample]) -> str:
    """Return the rate of results over time, each taken over 8 frames."""
    if len(samples) <= _RATE_FRAMES:
        return ""
    start_ns = samples[0].done_time_ns
    points = []
    for first, last in zip(samples, samples[_RATE_FRAMES:], strict=False):
        elapsed_ns = last.done_time_ns - first.done_time_ns
        if elapsed_ns > 0:
            rate = _RATE_FRAMES * 1e9 / elapsed_ns
            points.append(((last.done_time_ns - start_ns) / 1e9, rate))
    if not points:
        return ""
    axes = _Axes((0.0, points[-1][0]), (0.0, max(rate for _, rate in points) * 1.05), 200.0)
    path = " ".join(f"{axes.x(time_s):.1f},{axes.y(rate):.1f}" for time_s, rate in points)
    parts = [*axes.grid("s", "frames/s"), f'<polyline class="curve" points="{path}"/>']
    return svg(WIDTH, 200, parts, "Inferred frames per second over time")


def waterfall(result: WaterfallResult) -> str:
    """Return the parts of the whole one after another, from the baseline to all switches on."""
    if not result.steps:
        return ""
    rows: list[tuple[str, float, float, Effect | None]]
    rows = [("baseline", 0.0, result.whole.a, None)]
    at = result.whole.a
    for step in result.steps:
        rows.append((step.name, at, at + step.cumulative.difference, step.cumulative))
        at += step.cumulative.difference
    rows.append(("all on, measured", 0.0, result.whole.b, None))
    left, height = 190.0, 26.0 * len(rows) + 30
    high = max(max(begin, end) for _, begin, end, _ in rows) * 1.02 or 1.0
    scale = (WIDTH - left - 120) / high
    parts = []
    for place, (name, begin, end, effect) in enumerate(rows):
        y = 6 + 26.0 * place
        parts.append(label(left - 10, y + 14, name.replace("_", " "), "", "end"))
        low, wide = min(begin, end), abs(end - begin)
        kind = "bar" if effect is None else "saves" if effect.difference <= 0 else "costs"
        if effect is not None and not effect.significant:
            kind = "noise"
        words = f"{significant(end)} ms" if effect is None else _signed(effect)
        parts.append(
            rect(left + low * scale, y, max(wide * scale, 1.0), 18, kind, f"{name}: {words}")
        )
        if effect is not None:
            for edge in (effect.interval.low, effect.interval.high):
                x = left + max(0.0, begin + edge) * scale
                parts.append(line(x, y + 3, x, y + 15, "mark"))
        parts.append(label(left + max(begin, end) * scale + 8, y + 14, words, "marked"))
    parts.append(label(left, height - 8, "time per frame; marks: 95 % interval", "unit"))
    return svg(WIDTH, height, parts, "Waterfall of the switches, time per frame")


def ceilings(result: CeilingsResult) -> str:
    """Return the bounds as bars beside what runs."""
    rows = [("running", result.running_fps, "")]
    rows += [(c.name, c.fps or 0.0, c.reason) for c in result.ceilings]
    left, height = 230.0, 26.0 * len(rows) + 8
    scale = (WIDTH - left - 150) / (max(rate for _, rate, _ in rows) or 1.0)
    parts = []
    for place, (name, rate, reason) in enumerate(rows):
        y = 6 + 26.0 * place
        parts.append(label(left - 10, y + 14, name, "", "end"))
        words = f"{significant(rate)} frames/s" if rate else reason or "not measured"
        parts.append(rect(left, y, max(rate * scale, 1.0), 18, "noise" if place else "bar", words))
        parts.append(label(left + rate * scale + 8, y + 14, words, "marked"))
    return svg(WIDTH, height, parts, "What would bound the rate if nothing else cost anything")


def _signed(effect: Effect) -> str:
    half = (effect.interval.high - effect.interval.low) / 2
    sign = "+" if effect.difference > 0 else ""
    note = "" if effect.significant else ", noise"
    return f"{sign}{significant(effect.difference)} ± {significant(half)} ms{note}"
