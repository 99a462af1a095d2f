"""The waterfall on a simulated machine: parts, their sum, and what remains."""

import re

import pytest

from rfviewer.errors import EngineError, UsageError
from rfviewer.experiment import WaterfallRequest
from rfviewer.lab.stand import Stopped
from rfviewer.lab.waterfall import measure_waterfall
from rfviewer.optimizations import Optimizations, toggle_names
from rfviewer.timing import Stage

ABLE = ("depth", "fused_select", "limit_masks", "roi_masks")
UNABLE = dict.fromkeys((name for name in toggle_names() if name not in ABLE), "needs a GPU")
SLOWER = {"limit_masks": {Stage.POSTPROCESS: 3.0}, "roi_masks": {Stage.POSTPROCESS: 2.0}}
STEP = r"\d.* of at most \d.*; round (?P<round>\d) of 3, pair (?P<pair>\d) of 9.*"
QUIET = {"noise": 0.005, "burst_every_s": 0.0, "two_speeds": 1.0, "drift_per_s": 0.0}


def measure(stand_of, depth=1, seed=0, names=(), rounds=7, told=None, **kwargs):
    stand = stand_of(seed, kwargs.pop("slower", SLOWER), UNABLE, **(kwargs or QUIET))
    stand.engine.stages_s[Stage.POSTPROCESS] = 0.05
    request = WaterfallRequest(target=Optimizations(depth=depth), names=names, rounds=rounds)
    steps = told if told is not None else []
    return measure_waterfall(stand, request, lambda *step: steps.append(step))


def by_name(result):
    return {step.name: step for step in result.steps}


def test_each_part_alone_removed_and_in_turn(stand_of):
    result = measure(stand_of)
    parts = by_name(result)
    assert set(parts) == {"fused_select", "limit_masks", "roi_masks"}  # depth 1 is the baseline's
    base = 252 + 50 * 3 * 2
    assert result.whole.a == pytest.approx(base, rel=0.03)
    assert result.whole.difference == pytest.approx(-250, rel=0.05)
    assert parts["limit_masks"].alone.difference == pytest.approx(-200, rel=0.05)
    assert parts["limit_masks"].removed.difference == pytest.approx(100, rel=0.05)
    assert parts["limit_masks"].cumulative.difference == pytest.approx(-200, rel=0.05)
    assert parts["roi_masks"].alone.difference == pytest.approx(-150, rel=0.05)
    assert parts["roi_masks"].cumulative.difference == pytest.approx(-50, rel=0.05)
    assert not parts["fused_select"].alone.significant
    in_turn = sum(step.cumulative.difference for step in result.steps)
    assert in_turn == pytest.approx(result.whole.difference, rel=0.05)


def test_what_the_parts_alone_miss_is_reported_as_interaction(stand_of):
    result = measure(stand_of)
    # Alone they save 200 and 150 of the same 300 ms: more than there is.
    assert result.interaction == pytest.approx(100, rel=0.1)
    assert result.interaction_interval.low < result.interaction < result.interaction_interval.high
    assert "is interaction" in result.verdict
    assert "add up to the whole within the intervals" in result.verdict


def test_parts_of_different_stages_show_no_interaction(stand_of):
    slower = {"limit_masks": {Stage.POSTPROCESS: 2.0}, "fused_select": {Stage.PREPROCESS: 20.0}}
    result = measure(stand_of, slower=slower)
    assert "none that shows" in result.verdict
    assert not result.interaction_interval.excludes_zero
    assert "in turn limit_masks -" in result.verdict  # the larger part first
    assert by_name(result)["limit_masks"].cumulative.difference == pytest.approx(-50, rel=0.1)


def test_depth_counts_with_its_own_frames_in_flight(stand_of):
    result = measure(stand_of, depth=2, slower={})
    assert result.steps[0].name == "depth"
    assert result.steps[0].alone.significant
    assert result.whole.quantity == "frame time"


def test_a_noisy_machine_widens_the_intervals_and_the_parts_still_add_up(stand_of):
    adds_up = 0
    for seed in range(10):
        result = measure(stand_of, seed=seed, rounds=12, noise=0.02)
        adds_up += "add up to the whole within the intervals" in result.verdict
        assert by_name(result)["limit_masks"].alone.significant
    assert adds_up >= 8  # of 95 %


def test_only_the_named_toggles_take_part(stand_of):
    result = measure(stand_of, names=("roi_masks",))
    assert [step.name for step in result.steps] == ["roi_masks"]
    assert result.whole.difference == pytest.approx(-50, rel=0.1)  # the others stay on


@pytest.mark.parametrize(
    ("names", "error", "sentence"),
    [
        (("cuda_graph",), EngineError, "needs a GPU"),
        (("depth",), UsageError, "off in the target"),
        (("speed",), UsageError, "no optimization speed"),
    ],
)
def test_a_toggle_without_a_part_is_refused(stand_of, names, error, sentence):
    with pytest.raises(error, match=sentence):
        measure(stand_of, names=names)


@pytest.mark.parametrize(("rounds", "named"), [(1, False), (5, False), (6, True)])
def test_rounds_that_can_name_nothing_are_told_as_that(stand_of, rounds, named):
    result = measure(stand_of, rounds=rounds)
    parts = [step.cumulative.significant for step in result.steps]
    assert any(parts) is named
    if named:
        assert result.verdict.startswith("together they save 2")
    else:
        counted = f"{rounds} round{'s' * (rounds != 1)} counted"
        assert result.verdict == (
            f"too few rounds to tell: {counted}, at least 6 can tell any effect"
        )
        assert "`rfviewer ab --waterfall --rounds 6` asks for enough." in result.notes[-1]


def test_it_tells_how_long_it_will_take_and_can_be_given_up(stand_of):
    told = []
    measure(stand_of, told=told, rounds=3)
    assert [words.partition("; ")[2] for words, *_ in told[:3]] == ["warming up"] * 3
    told = told[3:]
    steps = [re.fullmatch(STEP, words) for words, *_ in told]
    assert list(dict.fromkeys(step["round"] for step in steps)) == ["1", "2", "3"]
    assert list(dict.fromkeys(step["pair"] for step in steps)) == [str(n + 1) for n in range(9)]
    assert told[-1][1] == pytest.approx(told[-1][2], rel=0.1)  # the last one, at its end
    assert told[-1][2] < told[0][2] < 3 * told[-1][2]  # from the start, by the slower end

    def check():
        raise Stopped

    with pytest.raises(Stopped):
        measure_waterfall(
            stand_of(check=check), WaterfallRequest(target=Optimizations()), lambda *_: None
        )


def test_a_limit_gives_as_many_rounds_as_fit_and_six_at_least(stand_of):
    def rounds(limit_s):
        stand = stand_of(0, SLOWER, UNABLE, **QUIET)
        request = WaterfallRequest(target=Optimizations(depth=1), frames=1)
        told = []
        result = measure_waterfall(stand, request, lambda *step: told.append(step), limit_s=limit_s)
        rounds, of_rounds = re.search(r"round (\d+) of (\d+)", told[-1][0]).groups()
        assert rounds == of_rounds  # the last round was told as the last one
        return int(result.notes[0].split()[3]), stand.clock_ns() / 1e9

    fewest, took_s = rounds(1.0)
    assert fewest == 6
    more, _ = rounds(2 * took_s)
    assert 9 <= more <= 13
    assert rounds(1e6)[0] == 24


def test_fast_pairs_have_longer_blocks_than_slow_ones(stand_of):
    """Two frames of a fast setting would tell nothing, however slow the baseline is."""
    slower = {"limit_masks": {Stage.INFER: 30.0}}
    stand = stand_of(0, slower, UNABLE, **QUIET)
    stand.engine.stages_s[Stage.INFER] = 0.0005
    counts = {True: set(), False: set()}
    throughput = stand.throughput

    def spy(wanted, first, count, *, draw):
        counts[wanted.limit_masks].add(count)
        return throughput(wanted, first, count, draw=draw)

    stand.throughput = spy
    measure_waterfall(
        stand, WaterfallRequest(target=Optimizations(depth=1), rounds=7), lambda *_: None
    )
    assert max(counts[False]) == 2  # 19 ms a frame, in blocks of 30
    assert max(counts[True]) >= 5
