"""A/B on a simulated machine: drift, two speeds, bursts. Nothing here looks at a real clock."""

import re
from dataclasses import replace

import pytest

from rfviewer.experiment import AbRequest
from rfviewer.lab.ab import measure_ab
from rfviewer.lab.rounds import FEWEST_ROUNDS
from rfviewer.lab.stand import Stopped
from rfviewer.lab.verdict import STAGES_APART
from rfviewer.optimizations import Optimizations
from rfviewer.timing import Stage
from rfviewer.toggle_texts import TOGGLES
from tests.lab.sim_engine import SimEngine

RUNS = 20
READ_S = 0.05
QUIET = {"noise": 0.01, "burst_every_s": 0.0, "two_speeds": 1.0}


class RelaunchingSim(SimEngine):
    """Reads for `READ_S`, during which a spare pass runs if it was launched before."""

    waits = 0
    _relaunched = False

    def make_room(self):
        if self.in_flight < self.depth:
            return True
        if not self._effective.early_relaunch or self._relaunched:
            return False
        self.waits += 1
        return True

    def submit(self, frame, threshold, overlay=None):
        self._relaunched = self.in_flight == self.depth
        self._busy.append((frame, threshold))

    def collect(self):
        if not self._relaunched:
            self.machine.work(READ_S)
        self._relaunched = False
        return super().collect()


def measure(stand, depth=1, toggle="roi_masks", **kwargs):
    a = Optimizations(depth=depth)
    return measure_ab(stand, AbRequest(a=a, b=a.set(toggle, "off")), lambda *_: None, **kwargs)


def named(result):
    return {one.quantity for one in result.stages if one.significant} - {"latency"}


@pytest.mark.parametrize("depth", [1, 2])
def test_equal_settings_show_no_effect_in_20_of_20_runs(stand_of, depth):
    for seed in range(RUNS):
        result = measure(stand_of(seed), depth)
        assert not result.effect
        assert result.verdict.startswith("no effect larger than the noise (±")
        assert not any(one.significant for one in (*result.stages, result.throughput))


@pytest.mark.parametrize("stage", [Stage.PREPROCESS, Stage.INFER, Stage.POSTPROCESS])
def test_a_planted_slowdown_of_5_percent_is_named_in_20_of_20_runs(stand_of, stage):
    for seed in range(RUNS):
        result = measure(stand_of(seed, {"roi_masks": {stage: 1.05}}))
        assert result.effect
        assert named(result) == {str(stage)}
        assert f"of {stage}" in result.verdict
        assert result.verdict.startswith("costs ")
        # Only the network is long enough to show in the frame rate.
        assert result.throughput.significant == (stage is Stage.INFER)
        assert ("; fps -" in result.verdict) == (stage is Stage.INFER)


@pytest.mark.parametrize(("stage_s", "is_named"), [(5e-6, False), (25e-6, True)])
def test_what_the_clock_does_not_resolve_is_no_effect(stand_of, stage_s, is_named):
    stand = stand_of(3, {"roi_masks": {Stage.PREPROCESS: 1.05}}, **QUIET)
    stand.engine.stages_s[Stage.PREPROCESS] = stage_s  # 5 % are 0.25 us, or 1.25
    result = measure(stand)
    assert named(result) == ({"preprocess"} if is_named else set())
    assert result.effect == is_named


def test_the_size_of_an_effect_lies_in_its_interval(stand_of):
    inside = 0
    for seed in range(RUNS):
        result = measure(stand_of(seed, {"roi_masks": {Stage.POSTPROCESS: 1.4}}, **QUIET))
        (effect,) = [one for one in result.stages if one.quantity == "postprocess"]
        inside += effect.interval.low <= 0.4 * effect.a <= effect.interval.high
        assert effect.difference == pytest.approx(0.4 * effect.a, rel=0.1)
        assert effect.a_p95 > effect.a
    assert inside >= 16  # of 95 %


def test_throughput_is_measured_with_as_many_in_flight_as_asked_for(stand_of):
    stand = stand_of(**QUIET)
    stand.engine.stages_s[Stage.POSTPROCESS] = 0.25
    result = measure_ab(
        stand,
        AbRequest(a=Optimizations(depth=1), b=Optimizations(depth=2)),
        lambda *_: None,
    )
    assert {one.quantity for one in result.stages} == {
        "preprocess",
        "infer",
        "postprocess",
        "latency",
    }
    assert named(result) == set()  # stage times are those of one frame in flight
    assert result.throughput.difference == pytest.approx(result.throughput.a, rel=0.1)
    assert result.throughput.interval.low < result.throughput.difference
    assert "fps +10" in result.verdict or "fps +9" in result.verdict


@pytest.mark.parametrize("depth", [1, 2])
def test_a_spare_slot_is_seen_at_every_depth(stand_of, depth):
    stand = stand_of(**QUIET)
    engine = stand.engine = RelaunchingSim(stand.engine.machine)
    result = measure(stand, depth, "early_relaunch")
    assert engine.waits > 0
    slower = result.throughput.difference / result.throughput.a
    assert slower == pytest.approx(-READ_S / (READ_S + 0.25), abs=0.01)
    assert result.verdict.startswith("fps -1")


def test_more_noise_takes_more_rounds_and_a_quiet_machine_few(stand_of):
    quiet, noisy = (measure(stand_of(3, **kwargs)) for kwargs in (QUIET, {"noise": 0.06}))
    assert quiet.blocks < noisy.blocks
    assert not quiet.effect
    assert not noisy.effect


def test_a_toggle_that_cannot_run_is_named(stand_of):
    stand = stand_of(unavailable={"cuda_graph": "needs an NVIDIA GPU"}, **QUIET)
    result = measure(stand, toggle="cuda_graph")
    assert "cuda_graph makes no difference here: needs an NVIDIA GPU." in result.notes
    assert not result.effect


def test_stages_timed_in_different_ways_are_not_to_be_compared(stand_of, monkeypatch):
    assert STAGES_APART in measure(stand_of(**QUIET), toggle="kernel_timestamps").notes
    assert STAGES_APART not in measure(stand_of(**QUIET), toggle="roi_masks").notes
    # What its description says of a toggle counts, not its name, and it is told once.
    timing = replace(TOGGLES["roi_masks"], retimes_stages=True)
    monkeypatch.setitem(TOGGLES, "roi_masks", timing)
    both = AbRequest(a=Optimizations(kernel_timestamps=False, roi_masks=False), b=Optimizations())
    notes = measure_ab(stand_of(**QUIET), both, lambda *_: None).notes
    assert notes.count(STAGES_APART) == 1
    assert STAGES_APART in measure(stand_of(**QUIET), toggle="roi_masks").notes


def test_giving_up_leaves_nothing_in_flight(stand_of):
    seen = []

    def check():
        seen.append(1)
        if len(seen) > 37:
            raise Stopped

    stand = stand_of(check=check)
    with pytest.raises(Stopped):
        measure(stand, depth=2)
    assert len(seen) == 38


def progress_of(stand, limit_s=60.0, **request):
    told = []
    asked = AbRequest(a=Optimizations(depth=2), b=Optimizations(depth=1), **request)
    measure_ab(stand, asked, lambda *step: told.append(step), limit_s=limit_s)
    warming = [step for step in told if "warming up" in step[0]]
    assert len(warming) == 5  # two sides, with one frame in flight and with as many as asked for
    assert warming == told[:5]
    assert [step[1] for step in warming] == sorted(step[1] for step in warming)
    return told[5:]


def test_progress_tells_the_time_and_at_most_how_long(stand_of):
    stand = stand_of(noise=0.3)
    told = progress_of(stand, limit_s=60.0)
    took_s = stand.clock_ns() / 1e9
    assert took_s > 60  # it ran to its limit
    seconds = [index for _, index, _ in told]
    assert seconds == sorted(seconds)
    assert told[-1][1] == pytest.approx(took_s, abs=2)
    for words, index, most in told:
        assert words.startswith(f"{index} s of at most 1 min " if index <= 60 else "1 min ")
        assert most == pytest.approx(took_s, rel=0.15)  # from the first step on


def test_progress_tells_the_interval_so_far_and_before_any_look(stand_of):
    told = [words for words, *_ in progress_of(stand_of(**QUIET))]
    first = next(number for number, words in enumerate(told) if "so far" in words)
    # Of two contests in turn, each of which is first looked at after 13 rounds.
    assert FEWEST_ROUNDS <= first // 4 < 13
    low, high = map(float, re.search(r"B (\S+) to (\S+) % frames/s so far", told[-1]).groups())
    assert low <= high < 0  # one frame in flight in place of two


def test_progress_tells_every_round_that_was_asked_for(stand_of):
    told = progress_of(stand_of(), rounds=5)  # their time is not known before the first one
    rounds = [re.search(r"; round (\d) of 5", words)[1] for words, *_ in told]
    assert list(dict.fromkeys(rounds)) == ["1", "2", "3", "4", "5"]
    assert rounds == sorted(rounds)
    assert len(rounds) == 2 * 5 * 4  # blocks


def test_what_the_noise_could_hide_is_told(stand_of):
    """With intervals of 20 %, "no effect" alone would hide the 5 % that was planted."""
    slower = {"cuda_graph": {Stage.POSTPROCESS: 1.05}}
    stand = stand_of(5, slower, noise=0.5, burst_every_s=0.0)
    stand.engine.stages_s[Stage.POSTPROCESS] = 0.1
    result = measure(stand, toggle="cuda_graph", limit_s=60.0)
    assert not result.effect
    assert re.search(r"the noise \(±\d+\.\d %, of postprocess ±\d\d %\)$", result.verdict)
    note = next(note for note in result.notes if note.startswith("Too noisy"))
    assert "infer " in note
    assert "preprocess" not in note  # 2 of 350 ms: no matter
    quiet = measure(stand_of(**QUIET))
    assert not any(note.startswith("Too noisy") for note in quiet.notes)


def test_a_busy_warm_up_does_not_leave_the_blocks_short(stand_of):
    stand = stand_of(**QUIET)
    stand.engine.stages_s = {Stage.INFER: 0.002, Stage.POSTPROCESS: 0.001}
    stand.warm_up = lambda wanted: 0.2  # as if every frame of it had been disturbed
    result = measure(stand)
    assert result.frames == 10  # of 3 ms in a block of 30
