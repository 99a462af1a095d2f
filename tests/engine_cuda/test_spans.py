"""Device times on the host clock: causality, drift, and the idle share that the engine tells."""

import random
from itertools import pairwise

import pytest

from rfviewer.engine.cuda.idle import BusyTime
from rfviewer.engine.cuda.spans import HostTime
from rfviewer.timing import Span, Stage, union_length

OFFSET_NS = 5_000_000_000_000


def frames(count, rng, drift=0.0):
    """Yield (work in device ms, submit ns, seen done ns) of two slots that overlap."""
    device_ms = 1000.0
    for _ in range(count):
        device_ms += rng.uniform(1.0, 4.0)
        work = [
            (Stage.H2D, device_ms, device_ms + 0.2),
            (Stage.PREPROCESS, device_ms + 0.2, device_ms + 0.4),
            (Stage.INFER, device_ms + 0.4, device_ms + 3.0),
        ]

        def host(ms):
            return OFFSET_NS + round(ms * 1e6 * (1 + drift))

        submit_ns = host(work[0][1]) - rng.randint(5_000, 2_000_000)
        yield work, submit_ns, host(work[-1][2]) + rng.randint(8_000, 900_000)


@pytest.mark.parametrize("drift", [0.0, 50e-6, -50e-6])
def test_no_work_lies_before_its_submission_or_behind_its_end(drift):
    clock, rng = HostTime(), random.Random(1)
    for number, (work, submit_ns, done_ns) in enumerate(frames(3000, rng, drift)):
        clock.observe(work, submit_ns, done_ns)
        spans = clock.spans("slot 0", work)
        assert spans[0].start_ns >= submit_ns - 1
        assert spans[-1].end_ns <= done_ns + 1
        if number > 100:  # two readings near each other: within the shortest reaction
            true_ns = OFFSET_NS + work[0][1] * 1e6 * (1 + drift)
            assert abs(spans[0].start_ns - true_ns) < 100_000


def test_the_idle_share_of_the_spans_is_the_engines_own():
    clock, busy, rng = HostTime(), BusyTime(), random.Random(2)
    spans, readings = [], []
    for number, (work, submit_ns, done_ns) in enumerate(frames(2000, rng)):
        for _, start_ms, end_ms in work:
            busy.add(start_ms, end_ms)
        clock.observe(work, submit_ns, done_ns)
        spans += clock.spans(f"slot {number % 2}", work)
        if number % 100 == 99:
            readings.append((busy.idle_share(work[0][1]), work[0][1]))
    windows = [(share, end - start) for (_, start), (share, end) in pairwise(readings)]
    plotted = sum(share * length for share, length in windows)
    covered_ms = sum(length for _, length in windows)
    (window,) = clock.spans("", [(Stage.INFER, readings[0][1], readings[-1][1])])
    start_ns, end_ns = window.start_ns, window.end_ns
    inside = [(max(s.start_ns, start_ns), min(s.end_ns, end_ns)) for s in spans]
    traced = 1 - union_length(inside) / (end_ns - start_ns)
    assert traced == pytest.approx(plotted / covered_ms, abs=0.01)
    assert 0.05 < traced < 0.9


def test_spans_are_what_each_time_gives_by_itself():
    clock, rng = HostTime(), random.Random(3)
    for work, submit_ns, done_ns in frames(200, rng):
        work.insert(2, (Stage.RENDER, work[1][2] + rng.choice([0.0, 1e-9, 0.3]), work[2][1]))
        clock.observe(work, submit_ns, done_ns)
        assert clock.spans("slot 1", work) == [
            Span(
                "slot 1",
                stage,
                round(clock._offset_ns + start_ms * 1e6),
                round(clock._offset_ns + end_ms * 1e6),
            )
            for stage, start_ms, end_ms in work
        ]
    assert all(type(span) is Span for span in clock.spans("", work))
