"""The words of a running experiment: times, and the interval so far."""

import pytest

from rfviewer.experiment import Interval
from rfviewer.lab.pacing import head_of, rates_so_far, step_of, warming_up


@pytest.mark.parametrize(
    ("passed_s", "most_s", "words"),
    [
        (0.0, 8.2, "0 s of at most 9 s"),
        (12.9, 60.0, "12 s of at most 60 s"),
        (12.9, 60.1, "12 s of at most 1 min 5 s"),
        (59.9, 120.0, "59 s of at most 2 min"),
        (125.0, 2171.0, "2 min 5 s of at most 36 min 15 s"),
        (30.0, 20.0, "30 s of at most 30 s"),  # an estimate that was too low is not told
    ],
)
def test_the_time_so_far_and_at_most(passed_s, most_s, words):
    text, index, count = step_of(passed_s, most_s)
    assert text == words
    assert index <= passed_s < index + 1
    assert count >= most_s


def test_the_rest_follows_and_the_head_is_the_time():
    text, *_ = step_of(1.0, 2.0, "round 1 of 3", "", "B faster")
    assert text == "1 s of at most 2 s; round 1 of 3; B faster"
    assert head_of(text) == "1 s of at most 2 s"
    assert head_of("Warming up") == "Warming up"


def test_a_longer_frame_time_is_a_lower_rate():
    assert rates_so_far(Interval(-0.2, 0.004)) == "B -0.4 to +25 % frames/s so far"
    assert rates_so_far(None) == ""


def test_a_warm_up_tells_the_time_and_the_limit_where_there_is_one():
    assert warming_up(4.2, 120.0) == ("4 s of at most 2 min 5 s; warming up", 4, 125)
    assert warming_up(4.2, 0.0) == ("4 s; warming up", 0, 0)
