"""When the host engine worked on what: the spans agree with the times and never contradict."""

from itertools import pairwise

import pytest

from rfviewer.optimizations import Optimizations
from rfviewer.timing import Stage
from tests.engine.fake_backend import frame, run_all

STAGES = [Stage.PREPROCESS, Stage.INFER, Stage.POSTPROCESS]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_spans_tell_the_same_as_the_durations(make, depth):
    results = run_all(make(Optimizations(depth=depth)), [frame(i) for i in range(7)])
    slots = []
    for result in results:
        timings = result.timings
        work = [span for span in timings.spans if span.lane != "host"]
        assert [span.stage for span in work] == STAGES
        assert len({span.lane for span in work}) == 1
        slots.append(work[0].lane)
        for span in work:
            assert (span.end_ns - span.start_ns) / 1e6 == timings.stages_ms[span.stage]
        assert all(a.end_ns <= b.start_ns for a, b in pairwise(work))
        assert work[0].start_ns >= timings.submit_time_ns
        assert work[-1].end_ns == timings.done_time_ns
        submit, collect = [span for span in timings.spans if span.lane == "host"]
        assert (submit.stage, collect.stage) == (Stage.SUBMIT, Stage.COLLECT)
        assert submit.start_ns == timings.submit_time_ns
        assert submit.end_ns <= collect.start_ns
        assert collect.end_ns >= timings.done_time_ns
    assert slots == [f"slot {number % depth}" for number in range(7)]


def test_lanes_never_overlap_themselves(make):
    results = run_all(make(Optimizations(depth=3)), [frame(i) for i in range(9)])
    lanes = {}
    for result in results:
        for span in result.timings.spans:
            lanes.setdefault(span.lane, []).append(span)
    assert sorted(lanes) == ["host", "slot 0", "slot 1", "slot 2"]
    for spans in lanes.values():
        assert all(a.end_ns <= b.start_ns for a, b in pairwise(sorted(spans, key=lambda s: s[2])))
