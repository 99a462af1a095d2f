"""How many rounds an A/B runs, on a simulated machine: those that can tell, in the time it has."""

import math

import numpy as np
import pytest

from rfviewer.experiment import AbRequest
from rfviewer.lab.ab import measure_ab
from rfviewer.lab.rounds import Contest
from rfviewer.lab.stand import Block
from rfviewer.optimizations import Optimizations
from rfviewer.timing import Stage

A = Optimizations(depth=1)
B = A.set("roi_masks", "off")
QUIET = {"noise": 0.01, "burst_every_s": 0.0, "two_speeds": 1.0}
STEADY = QUIET | {"noise": 0.002}
SLOWER = {"roi_masks": {Stage.INFER: 1.05}}
ROUND_S = 1.04
"""What a round of `SLOWER` takes on a steady machine, with blocks of one frame."""


def measure(stand, *, rounds=0, **limit):
    request = AbRequest(a=A, b=B, rounds=rounds, frames=1 if rounds else 0)
    return measure_ab(stand, request, lambda *_: None, **limit)


def test_the_time_is_bounded_and_too_few_rounds_are_admitted(stand_of):
    stand = stand_of(noise=0.3)
    result = measure(stand, limit_s=5.0)
    assert stand.engine.machine.now_s < 20
    assert result.verdict.startswith("too few rounds to tell: ")
    assert "can tell any effect" in result.verdict
    assert not result.effect


def test_the_number_of_rounds_can_be_fixed(stand_of):
    a = Optimizations(depth=1)
    request = AbRequest(a=a, b=a, rounds=3, frames=2)
    result = measure_ab(stand_of(), request, lambda *_: None)
    assert (result.blocks, result.frames) == (6, 2)
    assert result.verdict.startswith("too few rounds to tell: 3 rounds counted, at least 13")
    assert any("the same here" in note for note in result.notes)


def test_the_rounds_that_were_missing_can_be_asked_for(stand_of):
    def notes(rounds):
        return measure(stand_of(), rounds=rounds).notes

    assert "One more round could have told; `rfviewer ab --rounds 13` asks for enough." in notes(12)
    assert any(note.startswith("10 more rounds could have told; ") for note in notes(3))
    assert not any("could have told" in note for note in notes(13))


def test_rounds_left_out_are_asked_for_as_well(stand_of):
    stand = stand_of(**QUIET)
    stand.engine.throttled_until_s = 3.0
    result = measure(stand, rounds=13)
    throttled = result.excluded // 4
    assert 0 < throttled < 9
    assert f"`rfviewer ab --rounds {13 + throttled}` asks for enough." in result.notes[0]


@pytest.mark.parametrize("rounds", [10.5, 11.5, 12.5, 14.5])
def test_a_run_does_not_end_just_short_of_the_rounds_that_can_tell(stand_of, rounds):
    """13 rounds can tell, when judged once; 16 where further looks are to come."""
    result = measure(stand_of(7, SLOWER, **STEADY), limit_s=rounds * ROUND_S)
    assert result.effect
    assert "of infer" in result.verdict
    assert result.blocks == 2 * max(13, math.ceil(rounds))


def test_a_run_far_from_the_rounds_that_can_tell_ends_in_time(stand_of):
    limit_s = 9.5 * ROUND_S  # 13 are more than a quarter more
    result = measure(stand_of(7, SLOWER, **STEADY), limit_s=limit_s)
    assert result.blocks == 20
    assert result.verdict == (
        "too few rounds to tell: 10 rounds counted, at least 13 can tell any effect"
    )


def test_throttled_rounds_are_left_out_and_counted(stand_of):
    stand = stand_of(**QUIET)
    stand.engine.throttled_until_s = 12.0
    result = measure(stand)
    assert result.excluded > 0
    assert result.excluded % 4 == 0
    assert not result.effect


def test_throttled_all_the_time_is_no_result(stand_of):
    stand = stand_of(**QUIET)
    stand.engine.throttled_until_s = 1e9
    with pytest.raises(Exception, match="throttled in every round"):
        measure(stand)


@pytest.mark.parametrize(("stage_ms", "at_once"), [(0.005, True), (5.0, False)])
def test_rounds_end_once_nothing_that_would_be_named_is_possible(stage_ms, at_once):
    """A stage of 5 us whose time varies by 10 % kept an A/B on a GPU going to its limit."""
    rng = np.random.default_rng(1)

    def run(side, number):
        frame = {"preprocess": stage_ms * np.exp(rng.normal(0, 0.1)), "infer": 0.8}
        return Block((frame,), throttled=False)

    contest = Contest(run, seed=1)
    judged = []
    while not contest.decided:
        before = contest.comparisons
        contest.round(lambda _: None)
        judged += [contest.counted] * (contest.comparisons is not before)
    assert (len(judged) == 1) is at_once
