"""Experiments with several frames a pass: whole passes, told per frame; stages of one alone."""

import pytest

from rfviewer.experiment import AbRequest, CeilingsRequest
from rfviewer.lab.ab import ONE_A_PASS, measure_ab
from rfviewer.lab.ceilings import Probes, measure_ceilings
from rfviewer.lab.stand import FRAME_TIME
from rfviewer.optimizations import Optimizations

EXACT = {"noise": 0.0, "burst_every_s": 0.0, "two_speeds": 1.0, "drift_per_s": 0.0}
QUIET = {"noise": 0.01, "burst_every_s": 0.0, "two_speeds": 1.0}


@pytest.mark.parametrize("count", [1, 3, 4, 6, 9])
@pytest.mark.parametrize("frames", [2, 4, 8])
def test_throughput_is_measured_over_whole_passes(stand_of, count, frames):
    stand = stand_of(**EXACT)
    block = stand.throughput(Optimizations(depth=2, micro_batch=frames), 0, count, draw=False)
    assert block.frames[0][FRAME_TIME] == pytest.approx(250 / frames)
    assert stand.engine.in_flight == 0


def test_stages_are_those_of_a_frame_that_shares_its_pass_with_none(stand_of):
    stand = stand_of(**EXACT)
    block = stand.stages(Optimizations(depth=2, micro_batch=4), 0, 3)
    assert {configured.micro_batch for configured in stand.engine.configured} == {1}
    assert [frame["infer"] for frame in block.frames] == pytest.approx([250.0] * 3)
    stand.results(Optimizations(depth=2, micro_batch=4), 2)
    assert stand.engine.configured[-1].micro_batch == 1


@pytest.mark.parametrize("depth", [1, 2])
def test_ab_sees_it_in_the_throughput_only_and_says_so(stand_of, depth):
    a = Optimizations(depth=depth)
    request = AbRequest(a=a, b=a.set("micro_batch", 4))
    result = measure_ab(stand_of(**QUIET), request, lambda *_: None)
    # At depth 1 the simulated stages of a pass overlap too: a little more than fourfold.
    assert result.throughput.b == pytest.approx(4 * result.throughput.a, rel=0.05)
    assert result.throughput.significant
    assert not any(one.significant for one in result.stages)
    assert ONE_A_PASS in result.notes


def test_ceilings_are_told_per_frame(stand_of):
    request = CeilingsRequest(target=Optimizations(depth=2, micro_batch=8))
    found = measure_ceilings(stand_of(**QUIET), request, Probes(), lambda *_: None)
    rates = {one.name: one.fps for one in found.ceilings}
    assert rates["bare network"] == pytest.approx(8 * 4.0, rel=0.02)
    assert rates["2 slots"] == pytest.approx(8 * 4.0, rel=0.02)
