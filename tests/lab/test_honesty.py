"""The script that counts how often an A/B is right judges by what was planted."""

from dataclasses import replace

import pytest

from rfviewer.config import EngineConfig
from rfviewer.experiment import AbResult, Effect, Interval
from rfviewer.timing import Stage
from tests.lab import honesty
from tests.lab.rightness import is_right

EFFECT = Effect("infer", "ms", 1.0, 1.05, 1.1, 1.1, 0.05, Interval(0.04, 0.06), significant=True)
RESULT = AbResult(
    a=honesty.A, b=honesty.B, stages=(EFFECT,), throughput=EFFECT, verdict="", effect=True,
    blocks=8, frames=1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "effect", "planted", "right"),
    [
        ("no effect larger than the noise (±1.0 %)", False, None, True),
        ("no effect larger than the noise (±1.0 %)", False, Stage.INFER, False),
        ("costs 0.05 ms ± 0.01 of infer; fps -4.0 %", True, Stage.INFER, True),
        ("costs 0.05 ms ± 0.01 of infer; fps -4.0 %", True, None, False),
        ("costs 0.05 ms ± 0.01 of infer; fps -4.0 %", True, Stage.PREPROCESS, False),
        ("saves 0.05 ms ± 0.01 of infer; fps +4.0 %", True, Stage.INFER, False),
        ("costs 0.1 ms ± 0.1 of infer; costs 0.1 ms ± 0.1 of preprocess", True, Stage.INFER, False),
        ("costs 0.05 ms ± 0.01 of latency", True, Stage.INFER, False),
        ("too few rounds to tell: 1 round counted", False, Stage.INFER, False),
    ],
)
def test_right_is_what_was_planted_no_less_and_no_more(verdict, effect, planted, right):
    result = replace(RESULT, verdict=verdict, effect=effect)
    assert is_right(result, planted) is right


def test_the_planted_stage_works_on_under_b_only(tmp_path, monkeypatch):
    now = [0]

    def clock():
        now[0] += 1
        return now[0]

    engine = honesty.PlantedEngine(
        honesty.small_spec(tmp_path), EngineConfig(threads=1), Stage.POSTPROCESS, 0.05
    )
    frame = honesty.clip_frames(1)[0]
    monkeypatch.setattr(honesty.time, "perf_counter_ns", clock)
    work = engine._slower(lambda slot: now.__setitem__(0, now[0] + 1000), 0.05)
    work(None)
    assert now[0] == 1001  # asked once, and gone
    engine.configure(honesty.B)
    now[0] = 0
    work(None)
    assert now[0] == pytest.approx(1 + 1001 * 1.05, abs=2)
    engine.submit(frame, 0.5)
    assert len(engine.collect().detections) > 0
    engine.close()


def test_every_kind_is_run_and_counted(capsys):
    tally = honesty.main(["--runs", "1", "--rounds", "1", "--threads", "1"])
    # One round tells nothing: right where nothing was planted.
    expected = {"equal": (1, 1), "preprocess": (0, 1), "infer": (0, 1), "postprocess": (0, 1)}
    assert tally == expected
    assert "equal        right 1 of 1" in capsys.readouterr().out
