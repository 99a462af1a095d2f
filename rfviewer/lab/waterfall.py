"""Waterfall: what each toggle brings alone, what its removal costs, and how the parts add up."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rfviewer.errors import EngineError, UsageError
from rfviewer.experiment import Effect, WaterfallRequest, WaterfallResult, WaterfallStep
from rfviewer.interfaces import Progress
from rfviewer.lab.block_length import BlockLength
from rfviewer.lab.pacing import rates_so_far, step_of, warming_up
from rfviewer.lab.rounds import SIDES, Contest, RunBlock, Side
from rfviewer.lab.stand import FRAME_TIME, Block, Stand, draws, effective_set
from rfviewer.lab.statistics import (
    ROUNDS_ALONE,
    F64Array,
    judge_alone,
    log_ratios,
    quantile_interval,
    resampled_medians,
)
from rfviewer.lab.verdict import rounds_to_ask_for, too_few_rounds, waterfall_verdict
from rfviewer.optimizations import Optimizations, toggle_names
from rfviewer.result import ToggleState

LIMIT_S = 300.0
"""What the rounds may take together where their number is not given, if the fewest fit into it."""
FEWEST, MOST = ROUNDS_ALONE, 24
"""Rounds. Fewer cannot tell a part from chance."""
_SEED = 7


def measure_waterfall(
    stand: Stand, request: WaterfallRequest, progress: Progress, *, limit_s: float = LIMIT_S
) -> WaterfallResult:
    """Measure frame times, with as many frames in flight as each setting asks for.

    Every part is a pair of settings in alternating blocks of its own, so that slow drift cancels;
    each round visits all pairs. A number of rounds in the request overrides `limit_s`.

    Raises:
        RfviewerError: a toggle cannot run here, the engine failed, or the stand's check gave up.
    """
    begun_ns = stand.clock_ns()

    def warming() -> None:
        passed_s = (stand.clock_ns() - begun_ns) / 1e9
        progress(*warming_up(passed_s, 0.0 if request.rounds else limit_s))

    warming()
    states = stand.effective(request.target)
    names = _names(request, states)
    chain = _Chain(request.target, names)
    pairs = _Pairs(stand, chain, request.frames, warming)
    before_s = (stand.clock_ns() - begun_ns) / 1e9
    pace = _Pace(request.rounds, limit_s, before_s, pairs.expected_s)
    while pace.done < pace.rounds:
        so_far = rates_so_far(pairs.contests[chain.whole].interval(FRAME_TIME))

        def tell(pair: int, of_round_s: float, so_far: str = so_far) -> None:
            where = f"round {pace.done + 1} of {pace.rounds}, pair {pair} of {len(pairs.contests)}"
            passed_s = (stand.clock_ns() - begun_ns) / 1e9
            progress(*step_of(passed_s, pace.most_s(of_round_s), where, so_far))

        pace.swept(pairs.sweep(tell))
    return pairs.result(_notes(states, pace.done), pace.done)


class _Pace:
    """How many rounds there will be and how long they take, when each takes what the last took."""

    def __init__(self, wanted: int, limit_s: float, before_s: float, expected_s: float) -> None:
        """`wanted` fixes the number; else as many as fit into `limit_s`, if the fewest do.

        `before_s` went by before the first round, which should take `expected_s`.
        """
        self.done = 0
        """Rounds so far."""
        self._wanted = wanted
        self._limit_s = limit_s
        self._before_s = before_s
        self._spent_s = 0.0
        self._round_s = expected_s

    @property
    def rounds(self) -> int:
        """How many rounds there will be, as known now."""
        more = int((self._limit_s - self._spent_s) / max(self._round_s, 1e-3))
        return self._wanted or min(MOST, max(FEWEST, self.done + more))

    def swept(self, round_s: float) -> None:
        """Note what a round took.

        The first one also builds what the later ones find, so only the last one tells.
        """
        self.done += 1
        self._spent_s += round_s
        self._round_s = round_s

    def most_s(self, of_round_s: float) -> float:
        """Return what all takes at most, `of_round_s` being what this round took so far."""
        this_s = max(self._round_s, of_round_s)
        later = self.rounds - self.done - 1
        return self._before_s + self._spent_s + this_s + later * self._round_s


def _names(request: WaterfallRequest, states: Sequence[ToggleState]) -> tuple[str, ...]:
    """Return the toggles to measure, in display order.

    Raises:
        EngineError: one that was asked for cannot run here, or none can.
        UsageError: one that was asked for is unknown or off in the target, or all are.
    """
    base = Optimizations.baseline()
    able = [
        state.name
        for state in states
        if state.available and state.effective != getattr(base, state.name)
    ]
    for name in request.names:
        if name not in toggle_names():
            Optimizations().set(name, 0)  # raises with the names there are
        if name not in able:
            reason = next(state.reason for state in states if state.name == name)
            fault = EngineError if reason else UsageError  # of this machine, or of the request
            raise fault(
                f"{name} has no part in this waterfall: {reason or 'it is off in the target'}."
            )
    chosen = [name for name in able if not request.names or name in request.names]
    if not chosen:
        fault = UsageError if request.target == base else EngineError
        raise fault("Every toggle that can run here is off in the target; turn one on.")
    return tuple(chosen)


type _Pair = tuple[Optimizations, Optimizations]


class _Chain:
    """The pairs of settings between baseline and target."""

    def __init__(self, target: Optimizations, names: Sequence[str]) -> None:
        self._target = target
        self.names = names
        self.base = self._without(names)
        self.whole: _Pair = (self.base, target)
        others = [[other for other in names if other != name] for name in names]
        self.alone: list[_Pair] = [(self.base, self._without(rest)) for rest in others]
        """The baseline, and the baseline with one toggle."""
        self.removed: list[_Pair] = [(target, self._without([name])) for name in names]
        """The target, and the target without one toggle."""
        self.in_turn: list[_Pair] = [
            (self._without(names[index:]), self._without(names[index + 1 :]))
            for index in range(len(names))
        ]
        """The toggles before this one, and those with it."""

    def _without(self, names: Sequence[str]) -> Optimizations:
        baseline = Optimizations.baseline()
        values: dict[str, Any] = {name: getattr(baseline, name) for name in names}
        return replace(self._target, **values)


class _Pairs:
    """A contest for each pair of settings; equal pairs are measured once."""

    def __init__(
        self, stand: Stand, chain: _Chain, frames: int, warming: Callable[[], None]
    ) -> None:
        """Warm both ends up; `warming` is called after each."""
        self._stand, self._chain = stand, chain
        wanted = [chain.whole, *chain.alone, *chain.removed, *chain.in_turn]
        in_effect = [effective_set(stand.effective(one)) for one in chain.whole]
        draw = draws(*in_effect)
        times_s = []
        for one in chain.whole:
            times_s.append(stand.warm_up(one))
            warming()
        frame_s = max(times_s)
        self._round_s = BlockLength(frames, frame_s).round_s
        self.contests = {
            pair: Contest(
                self._runner(pair, BlockLength(frames, frame_s), draw=draw),
                seed=_SEED + number,
                judges=False,
            )
            for number, pair in enumerate(dict.fromkeys(wanted))
        }

    @property
    def expected_s(self) -> float:
        """What a round of all pairs should take, by the warm-up of the slower end."""
        return len(self.contests) * self._round_s

    def sweep(self, tell: Callable[[int, float], None]) -> float:
        """Run one round of every pair and return the seconds it took.

        `tell` hears of each block to which pair it belongs, from 1, and the seconds so far.
        """
        begun_ns = self._stand.clock_ns()

        def passed_s() -> float:
            return (self._stand.clock_ns() - begun_ns) / 1e9

        for number, contest in enumerate(self.contests.values(), 1):

            def block(_: Side, pair: int = number) -> None:
                tell(pair, passed_s())

            contest.round(block)
        return passed_s()

    def _runner(self, pair: _Pair, length: BlockLength, *, draw: bool) -> RunBlock:
        def run(side: Side, number: int) -> Block:
            first, wanted = length.first(number), pair[SIDES.index(side)]
            block = self._stand.throughput(wanted, first, length.count, draw=draw)
            length.saw(side, block.frames[0][FRAME_TIME])
            return block

        return run

    def result(self, notes: Sequence[str], done: int) -> WaterfallResult:
        """Return what came out of `done` rounds, those that do not count included.

        Raises:
            EngineError: no round counts.
        """
        if not all(contest.counted for contest in self.contests.values()):
            raise EngineError("The GPU was throttled in every round; let it cool down and repeat.")
        chain, counted = self._chain, min(one.counted for one in self.contests.values())
        base_ms = self._level(chain.base)
        missing = ROUNDS_ALONE - counted
        more = rounds_to_ask_for(missing, done + missing, "ab --waterfall")
        steps = tuple(
            WaterfallStep(
                name, self._effect(alone, base_ms), self._effect(removed), self._effect(in_turn)
            )
            for name, alone, removed, in_turn in zip(
                chain.names, chain.alone, chain.removed, chain.in_turn, strict=True
            )
        )
        whole = self._effect(chain.whole, base_ms)
        whole_draws = self._draws(chain.whole)
        together = base_ms * np.expm1(whole_draws)
        # Factors multiply: one after another, the toggles lead from the baseline to the target.
        in_turn = base_ms * np.expm1(sum(map(self._draws, chain.in_turn)))
        apart = base_ms * sum(np.expm1(self._draws(pair)) for pair in chain.alone)
        interaction = whole.difference - sum(step.alone.difference for step in steps)
        interval = quantile_interval(together - apart)
        gap = quantile_interval(together - in_turn)
        return WaterfallResult(
            whole=whole,
            steps=steps,
            interaction=interaction,
            interaction_interval=interval,
            verdict=too_few_rounds(counted, ROUNDS_ALONE)
            or waterfall_verdict(whole, steps, interaction, interval, gap),
            notes=(*notes, *more),
        )

    def _draws(self, pair: _Pair) -> F64Array:
        """Return medians over resampled rounds of the logarithm of the pair's ratio."""
        contest = self.contests[pair]
        a, b = (contest.sides[side].values(FRAME_TIME) for side in SIDES)
        return resampled_medians(log_ratios(a, b), seed=list(self.contests).index(pair))

    def _level(self, wanted: Optimizations) -> float:
        """Return the median frame time of a setting over all pairs that it is part of."""
        found: list[float] = []
        for pair, contest in self.contests.items():
            for side, one in zip(SIDES, pair, strict=True):
                if one == wanted:
                    found += contest.sides[side].frames[FRAME_TIME]
        return statistics.median(found)

    def _effect(self, pair: _Pair, level_ms: float | None = None) -> Effect:
        contest = self.contests[pair]
        a, b = (contest.sides[side].values(FRAME_TIME) for side in SIDES)
        return contest.effect(FRAME_TIME, judge_alone(a, b), level_ms=level_ms)


def _notes(states: Sequence[ToggleState], rounds: int) -> list[str]:
    idle: dict[str, list[str]] = {}
    for state in states:
        if not state.available:
            idle.setdefault(state.reason, []).append(state.name)
    left_out = [f"{', '.join(names)} ({reason})" for reason, names in idle.items()]
    over = f"{rounds} round{'s' * (rounds != 1)}"
    notes = [f"Frame times over {over}; each part is judged by itself, at 95 %."]
    if left_out:
        notes.append(f"Cannot run here: {'; '.join(left_out)}.")
    return notes
