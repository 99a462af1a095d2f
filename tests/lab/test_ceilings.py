"""Ceilings on a simulated machine, and which one is said to bind."""

from dataclasses import replace

import pytest

from rfviewer.experiment import CeilingsRequest, ReplayPart
from rfviewer.frame import SourceInfo, SourceKind
from rfviewer.lab.ceilings import Probes, measure_ceilings
from rfviewer.lab.stand import Drawing
from rfviewer.optimizations import Optimizations
from rfviewer.timing import Stage
from tests.fakes import FakeRenderer, FakeSink, FakeSource

QUIET = {"noise": 0.001, "burst_every_s": 0.0, "two_speeds": 1.0}
FILE = SourceInfo("clip", "clip", SourceKind.FILE, 16, 8, 25.0, seekable=True)


def measure(stand, probes=Probes(), depth=2, told=None):  # noqa: B008
    request = CeilingsRequest(target=Optimizations(depth=depth))
    steps = told if told is not None else []
    return measure_ceilings(stand, request, probes, lambda *step: steps.append(step))


def by_name(result):
    return {one.name: one for one in result.ceilings}


def test_every_ceiling_has_a_rate_or_a_reason(stand_of):
    result = measure(stand_of(**QUIET))
    found = by_name(result)
    assert found["bare network"].fps == pytest.approx(4.0, rel=0.02)
    assert found["whole slot"].fps == pytest.approx(1 / 0.2542, rel=0.02)
    assert found["2 slots"].fps == pytest.approx(4.0, rel=0.02)
    assert found["network with copy in"].fps == pytest.approx(1 / 0.2517, rel=0.02)
    assert found["network with copy in and output clones"].fps == pytest.approx(
        1 / 0.2617, rel=0.02
    )
    assert found["backend call path"].fps == pytest.approx(1 / 0.27, rel=0.02)
    for one in result.ceilings:
        assert (one.fps is None) == bool(one.reason)
    assert {name for name, one in found.items() if one.fps is None} == {
        "drawing",
        "decode",
        "encode",
    }
    assert result.bound == "network-bound"
    assert "of the bare network's 4.0" in result.verdict
    assert result.running_fps == found["2 slots"].fps


def test_a_slow_stage_of_ours_is_not_blamed_on_the_network(stand_of):
    stand = stand_of(**QUIET)
    stand.engine.stages_s[Stage.POSTPROCESS] = 0.5
    result = measure(stand)
    assert result.bound == "host-bound"
    assert "bare network could do 4.0" in result.verdict


class SlowSource(FakeSource):
    def __init__(self, machine, cost_s):
        super().__init__(40)
        self._machine, self._cost_s = machine, cost_s

    def read(self):
        self._machine.work(self._cost_s)
        return super().read()


class SlowSink(FakeSink):
    machine = None

    def write(self, item):
        self.machine.work(0.9)
        super().write(item)


class SlowRenderer(FakeRenderer):
    machine = None

    def render(self, *args, **kwargs):
        self.machine.work(0.6)
        return super().render(*args, **kwargs)


def test_the_lowest_ceiling_binds(stand_of):
    stand = stand_of(**QUIET)
    machine = stand.engine.machine
    source = SlowSource(machine, 0.5)
    decode = measure(stand, Probes(open_source=lambda: source, source=FILE))
    assert decode.bound == "decode-bound"
    assert by_name(decode)["decode"].fps == pytest.approx(2.0, rel=0.05)
    assert source.closed

    renderer = SlowRenderer()
    renderer.machine = machine
    stand.drawing = Drawing(renderer, ("a",))
    drawn = measure(stand)
    assert drawn.bound == "display-bound"
    assert "drawing does 1." in drawn.verdict

    stand.drawing = Drawing(FakeRenderer(), ("a",))
    sink = SlowSink()
    sink.machine = machine
    encode = measure(stand, Probes(open_sink=lambda: sink, source=FILE))
    assert encode.bound == "encode-bound"
    assert sink.closed_with is None  # finalised


def test_one_disturbed_turn_names_nothing_else(stand_of):
    stand = stand_of(**QUIET)
    renderer = SlowRenderer()
    renderer.machine = stand.engine.machine
    stand.drawing = Drawing(FakeRenderer(), ("a",))
    disturbed = []

    def progress(step, index, count):
        slow = step == "round 3 of 5: drawing"
        disturbed.append(slow)
        stand.drawing = Drawing(renderer if slow else FakeRenderer(), ("a",))

    request = CeilingsRequest(target=Optimizations(depth=2))
    result = measure_ceilings(stand, request, Probes(), progress)
    assert sum(disturbed) == 1
    assert result.bound == "network-bound"


def test_a_source_that_is_slower_than_the_engine_limits(stand_of):
    paced = Probes(source=FILE, paced_fps=2.0, running_fps=1.98)
    assert measure(stand_of(**QUIET), paced).bound == "playback-limited"
    live = replace(paced, source=replace(FILE, live=True, kind=SourceKind.CAMERA))
    result = measure(stand_of(**QUIET), live)
    assert result.bound == "camera-limited"
    assert result.running_fps == 1.98
    assert measure(stand_of(**QUIET), replace(paced, paced_fps=30.0)).bound == "network-bound"


def test_what_runs_slower_together_is_told(stand_of):
    result = measure(stand_of(**QUIET), Probes(running_fps=2.5))
    assert result.verdict.endswith("side by side they reach 2.5, as they share the machine")


def test_the_measurements_take_turns(stand_of):
    told = []
    measure(stand_of(**QUIET), told=told)
    steps = [step for step, _, _ in told[1:]]
    names = ["bare network", *ReplayPart, "whole slot", "2 slots"]
    assert steps == [f"round {turn} of 5: {name}" for turn in range(1, 6) for name in names]
