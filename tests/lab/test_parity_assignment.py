"""The matching against every possible matching."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rfviewer.lab.assignment import assign, match

COSTS = st.one_of(st.integers(-20, 20).map(float), st.floats(-50, 50), st.just(float("inf")))


def total(costs, alone_rows, alone_columns, pairs) -> float:
    rows, columns = {i for i, _ in pairs}, {j for _, j in pairs}
    assert len(rows) == len(columns) == len(pairs)
    return (
        sum(costs[pair] for pair in pairs)
        + sum(c for i, c in enumerate(alone_rows) if i not in rows)
        + sum(c for j, c in enumerate(alone_columns) if j not in columns)
    )


def cheapest(costs, alone_rows, alone_columns) -> float:
    n, m = costs.shape
    best = np.inf
    for count in range(min(n, m) + 1):
        for rows in itertools.combinations(range(n), count):
            for columns in itertools.permutations(range(m), count):
                pairs = list(zip(rows, columns, strict=True))
                best = min(best, total(costs, alone_rows, alone_columns, pairs))
    return float(best)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), n=st.integers(0, 4), m=st.integers(0, 4))
def test_no_matching_is_cheaper(data: st.DataObject, n: int, m: int) -> None:
    costs = np.array(data.draw(st.lists(COSTS, min_size=n * m, max_size=n * m))).reshape(n, m)
    alone = st.floats(0, 100)
    alone_rows = np.array(data.draw(st.lists(alone, min_size=n, max_size=n)))
    alone_columns = np.array(data.draw(st.lists(alone, min_size=m, max_size=m)))
    pairs = match(costs, alone_rows, alone_columns)
    found = total(costs, alone_rows, alone_columns, pairs)
    assert found == pytest.approx(cheapest(costs, alone_rows, alone_columns), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 6), extra=st.integers(0, 2))
def test_every_row_gets_a_column_at_the_least_cost(seed: int, n: int, extra: int) -> None:
    costs = np.random.default_rng(seed).integers(0, 9, (n, n + extra)).astype(float)
    columns = assign(costs)
    assert len(set(columns.tolist())) == n
    best = min(
        sum(costs[i, j] for i, j in enumerate(order))
        for order in itertools.permutations(range(n + extra), n)
    )
    assert costs[np.arange(n), columns].sum() == best


def test_a_hundred_rows_keep_the_duality_gap_closed() -> None:
    # A permutation hidden in noise is the only matching without a cost.
    rng = np.random.default_rng(3)
    order = rng.permutation(100)
    costs = rng.uniform(0.1, 1, (100, 100))
    costs[np.arange(100), order] = 0.0
    assert match(costs, np.full(100, 100.0), np.full(100, 100.0)) == list(enumerate(order))


def test_a_pair_that_is_not_allowed_is_never_made() -> None:
    assert match(np.array([[np.inf]]), np.array([1e9]), np.array([1e9])) == []
    with pytest.raises(ValueError, match="no assignment"):
        assign(np.array([[np.inf, np.inf]]))
