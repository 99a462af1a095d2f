"""The suite's count of how often an A/B is right, on a simulated machine."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rfviewer.config import View
from rfviewer.experiment import AbRequest
from rfviewer.lab.ab import measure_ab
from rfviewer.lab.stand import Stand
from rfviewer.optimizations import Optimizations
from rfviewer.timing import Stage
from tests.lab.sim_engine import Machine, SimEngine, frames

GPU = Path(__file__).parents[2] / "packaging" / "gpu"
A = Optimizations(depth=1)
STAGES_S = {Stage.PREPROCESS: 1e-4, Stage.INFER: 8e-4, Stage.POSTPROCESS: 5e-5}


@pytest.fixture
def suite(monkeypatch):
    monkeypatch.syspath_prepend(str(GPU))
    yield importlib.import_module("suite_honesty")
    sys.modules.pop("suite_honesty")


class SimSubject:
    """An engine whose planted stage takes longer by what `plan` says, or by `wrong` elsewhere."""

    def __init__(self, elsewhere=None):
        self.elsewhere = elsewhere
        self.rounds = 0
        self.planned, self.measured = [], []
        self.now_s = 0.0

    def plan(self, kind, share):
        self.planned.append((kind.stage, share))
        return {"stage_us": 1e6 * STAGES_S[kind.stage], "planted_share": share, "cycles": 100}

    def measure(self, kind, cycles):
        stage, a = kind.stage, kind.a
        self.measured.append((stage, cycles))
        self.now_s += 1.0
        machine = Machine(
            np.random.default_rng(len(self.measured)), noise=0.005, burst_every_s=0.0,
            two_speeds=1.0,
        )  # fmt: skip
        slower = {self.elsewhere or stage: 1.0 + cycles / 2000} if stage else {}
        engine = SimEngine(machine, {"roi_render": slower}, stages_s=dict(STAGES_S))
        stand = Stand(engine, kind.frames, View(), None, lambda: None, machine.clock_ns)
        request = AbRequest(a=a, b=replace(a, roi_render=False), frames=4, rounds=self.rounds)
        return measure_ab(stand, request, lambda *_: None, limit_s=5.0)


def kinds(suite):
    stages = {"equal": None, "infer": Stage.INFER, "postprocess": Stage.POSTPROCESS}
    return {name: suite.Kind(stage, A, frames(), "simulated") for name, stage in stages.items()}


def test_every_kind_is_run_as_often_and_each_verdict_is_kept(suite, capsys):
    subject = SimSubject()
    found = suite.honesty(subject, kinds(suite), budget_s=100.0, runs=3)
    assert subject.planned == [(Stage.INFER, 0.05), (Stage.POSTPROCESS, 0.05)]
    assert subject.measured[:3] == [(None, 0), (Stage.INFER, 100), (Stage.POSTPROCESS, 100)]
    tally = found["tally"]
    assert {name: (one["right"], one["runs"]) for name, one in tally.items()} == {
        "equal": (3, 3), "infer": (3, 3), "postprocess": (3, 3),
    }  # fmt: skip
    assert len(found["runs"]) == 9
    row = found["runs"][1]
    assert (row["kind"], row["run"], row["right"]) == ("infer", 1, True)
    assert row["named"] == ["infer"]
    assert row["found_us"] == pytest.approx(40, rel=0.3)
    assert row["interval_us"][0] <= row["found_us"] <= row["interval_us"][1]
    assert "infer        right 3 of 3" in capsys.readouterr().out


def test_a_verdict_on_another_stage_is_wrong_and_told_at_once(suite, capsys):
    subject = SimSubject(elsewhere=Stage.PREPROCESS)
    found = suite.honesty(subject, kinds(suite), budget_s=100.0, runs=1)
    rights = [row["right"] for row in found["runs"]]
    assert rights == [True, False, False]
    assert "WRONG infer 1: costs" in capsys.readouterr().out


def test_too_few_rounds_are_right_for_nothing(suite):
    subject = SimSubject()
    subject.rounds = 2
    found = suite.honesty(subject, kinds(suite), budget_s=100.0, runs=1)
    assert [row["right"] for row in found["runs"]] == [False, False, False]


def test_it_ends_with_whole_turns_when_the_time_is_over(suite):
    subject = SimSubject()
    found = suite.honesty(subject, kinds(suite), budget_s=4.0, runs=20, clock=lambda: subject.now_s)
    assert len(found["runs"]) == 6  # the third turn would begin after six seconds
