"""Busy time of overlapping streams, and gaps between networks: plain arithmetic."""

import pytest

pytest.importorskip("hypothesis")
from hypothesis import given
from hypothesis import strategies as st

from rfviewer.engine.cuda.idle import BusyTime, NetworkGaps
from rfviewer.timing import union_length

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12)


@given(SPANS)
def test_the_union_counts_every_covered_moment_once(spans):
    covered = {moment for start, end in spans for moment in range(start, end)}
    assert union_length(spans) == len(covered)


def test_overlapping_work_is_busy_once_and_windows_join():
    busy = BusyTime()
    busy.add(0.0, 4.0)
    busy.add(2.0, 6.0)
    assert busy.idle_share(8.0) == pytest.approx(0.25)
    busy.add(8.0, 9.0)
    assert busy.idle_share(10.0) == pytest.approx(0.5)


def test_work_across_a_reading_counts_on_both_sides():
    busy = BusyTime()
    busy.add(0.0, 10.0)
    assert busy.idle_share(5.0) == 0.0
    assert busy.idle_share(15.0) == pytest.approx(0.5)


def test_no_time_is_no_figure():
    busy = BusyTime()
    assert busy.idle_share(3.0) is None
    busy.add(1.0, 2.0)
    assert busy.idle_share(2.0) == 0.0
    assert busy.idle_share(2.0) is None


def test_gaps_are_never_negative_and_taken_once():
    gaps = NetworkGaps()
    for start, end in ((0.0, 2.0), (1.0, 3.0), (3.5, 4.0)):
        gaps.add(start, end)
    assert gaps.take() == [0.0, 0.5]
    assert gaps.take() == []


def test_a_short_network_inside_a_long_one_does_not_shorten_it():
    gaps = NetworkGaps()
    for start, end in ((0.0, 10.0), (1.0, 2.0), (12.0, 13.0)):
        gaps.add(start, end)
    assert gaps.take() == [0.0, 2.0]
