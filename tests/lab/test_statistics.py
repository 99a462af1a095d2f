"""The comparison's mathematics against textbook figures and plain counting."""

from itertools import product

import numpy as np
import pytest

from rfviewer.lab.statistics import (
    RUN_ERROR,
    bootstrap_interval,
    compare,
    rounds_needed,
    sign_chance,
)


def test_sign_chance_counts_all_tosses():
    tosses = [sum(signs) for signs in product([0, 1], repeat=6)]
    for hits in range(7):
        wanted = np.mean([total >= hits for total in tosses])
        assert sign_chance(hits, 6) == pytest.approx(wanted)
    assert sign_chance(600, 1000) == pytest.approx(1.36e-10, rel=0.01)  # scipy.stats.binomtest


def test_fewest_rounds_are_those_that_can_reach_the_level():
    for tests in (1, 12, 72):
        count = rounds_needed(tests)
        assert 2.0**-count <= RUN_ERROR / (2 * tests) < 2.0 ** -(count - 1)


def test_bootstrap_interval_holds_the_median():
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(100):
        low, high = bootstrap_interval(rng.normal(1, 1, 40))
        inside += low <= 1 <= high
    assert inside >= 88


def test_equal_sides_are_called_different_less_often_than_promised():
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(400):
        level = np.exp(rng.normal(0, 0.3, (20, 1)))  # rounds differ far more than sides
        spikes = np.minimum(np.abs(rng.standard_cauchy((2, 20, 2))) * 0.02, 5)
        a, b = level * np.exp(spikes)
        found += compare(a, b, tests=1).significant
    assert found <= 2


def test_a_shift_of_every_round_is_found_whatever_the_level():
    rng = np.random.default_rng(4)
    level = np.exp(rng.normal(0, 1, (20, 1)))
    a = level * np.exp(rng.normal(0, 0.01, (20, 2)))
    b = 1.05 * level * np.exp(rng.normal(0, 0.01, (20, 2)))
    found = compare(a, b, tests=10)
    assert found.significant
    assert not found.absent
    assert found.ratio == pytest.approx(0.05, abs=0.01)
    assert found.interval.low < 0.05 < found.interval.high
    back = compare(b, a, tests=10)
    assert back.significant
    assert back.ratio < 0


def test_an_effect_below_the_smallest_of_interest_is_not_named():
    a = np.full((40, 2), 100.0) * np.exp(np.random.default_rng(5).normal(0, 0.001, (40, 2)))
    found = compare(a, a * 1.005, tests=1)
    assert not found.significant
    assert found.absent
    assert found.interval.excludes_zero


def test_neighbouring_rounds_are_merged_where_most_blocks_are_disturbed():
    rng = np.random.default_rng(6)

    def blocks():
        disturbed = np.where(rng.random((120, 2)) < 0.6, rng.uniform(1.2, 3, (120, 2)), 1)
        return disturbed * np.exp(rng.normal(0, 0.01, (120, 2)))

    found = compare(blocks(), 1.05 * blocks(), tests=30)
    assert found.significant
    assert found.ratio == pytest.approx(0.05, abs=0.02)
