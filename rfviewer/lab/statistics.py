"""Paired comparison of A and B from alternating rounds, made for machines that are not quiet.

A round runs blocks in the order A B B A or B A A B, drawn at random, on the same frames. If A and B
are equal, their labels are exchangeable within a round: the difference of a round is symmetric
about 0 whatever the noise looks like (drift, spikes, two speeds), so a sign test holds its error
rate without any assumption about distributions. Rounds, not frames, are counted: frames of
one block share their disturbance.

Differences are logarithms of ratios: a machine that slows down slows both sides by a factor.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rfviewer.experiment import Interval

RUN_ERROR = 0.002
"""Chance that one contest of a run (stages, or throughput) names any effect where there is none,
over all its quantities and looks; a run of both at most twice that."""
ALONE_ERROR = 0.025
"""The same for one comparison that is judged alone, to each side."""
MIN_RATIO = 0.01
"""Smallest effect of interest, as a share; a smaller one is not named."""
MIN_MS = 0.0005
"""Smallest effect of interest as a time: what a device's events resolve (CUDA Runtime API,
cudaEventElapsedTime); its timer, which kernels stamp, steps by 32 ns on an H200. A stage of 5 us
differs by half of that by where its buffers lie."""
NARROW = 0.02
"""Once the interval lies within this share of 0, there is no effect worth more rounds."""
_RESAMPLES = 1000
_MERGES = (1, 2, 4, 8, 16)
"""How many neighbouring rounds may be taken as one."""

type F64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """B against A, as shares: 0.05 means that B takes 5 % more."""

    ratio: float
    """Median over rounds of B / A, minus 1."""
    interval: Interval
    """Bootstrap interval over rounds of the same."""
    noise: float
    """What equal blocks of this run differ by, as a share: the A/A control."""
    significant: bool
    """Whether the difference exceeds the smallest effect of interest by more than chance."""
    absent: bool
    """Whether the interval excludes every effect worth looking for."""


def compare(a: F64Array, b: F64Array, *, tests: int, seed: int = 0) -> Comparison:
    """Compare B with A.

    Args:
        a: (rounds, 2) positive values of the two blocks of A in each round, in time order.
        b: the same for B.
        tests: how many comparisons are made in the whole run, looks included.
        seed: of the bootstrap.
    """
    merged = _best_merge(np.log(a), np.log(b), rounds_needed(tests))
    noise = max(map(abs, bootstrap_interval(_control(*merged), seed)))
    differences = _differences(*merged)
    low, high = bootstrap_interval(differences, seed)
    return Comparison(
        math.expm1(np.median(differences)),
        Interval(math.expm1(low), math.expm1(high)),
        math.expm1(noise),
        significant=_differs(differences, math.log1p(MIN_RATIO), RUN_ERROR / (2 * tests)),
        absent=max(abs(low), abs(high)) < math.log1p(NARROW),
    )


def judge_alone(a: F64Array, b: F64Array) -> Comparison:
    """Compare B with A as the only comparison of the run, judged once, at 95 %.

    Arguments as those of `compare`.
    """
    log_a, log_b = np.log(a), np.log(b)
    noise = max(map(abs, bootstrap_interval(_control(log_a, log_b), 0)))
    differences = _differences(log_a, log_b)
    low, high = bootstrap_interval(differences)
    return Comparison(
        math.expm1(np.median(differences)),
        Interval(math.expm1(low), math.expm1(high)),
        math.expm1(noise),
        significant=_differs(differences, math.log1p(MIN_RATIO), ALONE_ERROR),
        absent=max(abs(low), abs(high)) < math.log1p(NARROW),
    )


def log_ratios(a: F64Array, b: F64Array) -> F64Array:
    """Return the logarithm of B / A for each round; arguments as those of `compare`."""
    return _differences(np.log(a), np.log(b))


def _best_merge(a: F64Array, b: F64Array, needed: int) -> tuple[F64Array, F64Array]:
    """Return a and b with neighbouring rounds merged where that steadies their differences.

    On a busy machine most blocks are disturbed, and only the lowest of several is near the truth;
    on a quiet one more rounds tell more. What is chosen depends on the size of the differences and
    not on their sign, so it favours neither side.
    """
    best, best_spread = (a, b), math.inf
    for size in _MERGES:
        count = len(a) // size
        if size > 1 and count < needed:
            break
        # The newest rounds may be left over; they join at the next look.
        merged = [x[: count * size].reshape(count, 2 * size) for x in (a, b)]
        spread = float(np.median(np.abs(_differences(merged[0], merged[1])))) / math.sqrt(count)
        if spread < best_spread:
            best, best_spread = (merged[0], merged[1]), spread
    return best


def _differences(a: F64Array, b: F64Array) -> F64Array:
    # Disturbances only ever add time: the lowest of some blocks is nearest to the truth.
    difference: F64Array = b.min(axis=1) - a.min(axis=1)
    return difference


def _control(a: F64Array, b: F64Array) -> F64Array:
    """Return what equal halves of each round differ by: 0 but for the noise."""
    half = a.shape[1] // 2
    halves = [x[:, half:].min(axis=1) - x[:, :half].min(axis=1) for x in (a, b)]
    control: F64Array = (halves[0] - halves[1]) / 2
    return control


def bootstrap_interval(values: F64Array, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % percentile interval of the median over resampled rounds."""
    interval = quantile_interval(resampled_medians(values, seed))
    return interval.low, interval.high


def resampled_medians(values: F64Array, seed: int = 0) -> F64Array:
    """Return the medians of samples drawn from `values` with replacement, (resamples,)."""
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(values), (_RESAMPLES, len(values)))
    medians: F64Array = np.median(values[picks], axis=1)
    return medians


def quantile_interval(draws: F64Array) -> Interval:
    """Return the interval that holds the middle 95 % of `draws`."""
    low, high = np.quantile(draws, (0.025, 0.975))
    return Interval(float(low), float(high))


def rounds_needed(tests: int) -> int:
    """Return the least number of rounds in which any effect can be told from chance."""
    return _rounds_for(RUN_ERROR / (2 * tests))


def _rounds_for(level: float) -> int:
    """Return how many tosses of one side a coin shows less often than `level`."""
    return math.ceil(-math.log2(level))


ROUNDS_ALONE = _rounds_for(ALONE_ERROR)
"""Rounds in which `judge_alone` can tell an effect from chance: six."""


def _differs(differences: F64Array, margin: float, level: float) -> bool:
    """Whether the differences lie beyond `margin` on one side, more often than chance allows."""
    above = sign_chance(int((differences > margin).sum()), len(differences))
    below = sign_chance(int((differences < -margin).sum()), len(differences))
    return min(above, below) <= level


def sign_chance(hits: int, count: int) -> float:
    """Return the chance of at least `hits` heads among `count` tosses of a coin.

    The sign test: of rounds, only the side counts, so a disturbance of any size weighs as one.
    """
    ways: int = sum(math.comb(count, number) for number in range(hits, count + 1))
    chance: float = ways / (1 << count)
    return chance
