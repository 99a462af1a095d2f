"""A/B: two sets of optimizations in alternating blocks on the same recorded frames.

Stage times and latency are measured with one frame in flight, where no stage waits for another;
throughput with as many in flight, and as many a pass, as each side asks for.
"""

from collections.abc import Callable
from dataclasses import replace

from rfviewer.errors import EngineError
from rfviewer.experiment import AbRequest, AbResult
from rfviewer.interfaces import Progress
from rfviewer.lab.block_length import BlockLength
from rfviewer.lab.pacing import rates_so_far, step_of, warming_up
from rfviewer.lab.rounds import Contest, RunBlock, Side
from rfviewer.lab.stand import FRAME_TIME, LATENCY, Block, Stand, draws, effective_set
from rfviewer.lab.verdict import (
    ab_verdict,
    open_questions,
    rounds_to_ask_for,
    toggle_notes,
    too_few_rounds,
)
from rfviewer.optimizations import Optimizations  # noqa: TC001 - annotates an attribute

LIMIT_S = 240.0
"""No further round starts after this time, but as `Contest.is_over` says."""
WARM_S = 0.05
"""Blocks of faster frames drop their first one, which finds cold caches."""
ONE_A_PASS = (
    "Stage times and latency are of one frame a pass; micro_batch shows in throughput only."
)
_SEED = 20250


def measure_ab(
    stand: Stand, request: AbRequest, progress: Progress, *, limit_s: float = LIMIT_S
) -> AbResult:
    """Run the comparison; blocks for one to some minutes with a network on a CPU.

    Args:
        stand: with the frames to use.
        request: what to compare.
        progress: told every block.
        limit_s: see `LIMIT_S`; a number of rounds in the request overrides it.

    Raises:
        RfviewerError: the engine failed, or the stand's check gave up.
    """
    begun_ns = stand.clock_ns()

    def warming() -> None:
        passed_s = (stand.clock_ns() - begun_ns) / 1e9
        progress(*warming_up(passed_s, 0.0 if request.rounds else limit_s))

    plan = _Plan(stand, request, warming)
    contests = plan.contests()
    share_s = limit_s / len(contests)
    while undecided := [contest for contest in contests if not contest.decided]:
        # Stages and throughput get the same time, not the same number of rounds.
        contest = min(undecided, key=lambda one: one.spent_ns)
        round_ns = stand.clock_ns()
        contest.round(_teller(progress, plan, contests, begun_ns, share_s))
        contest.spent_ns += stand.clock_ns() - round_ns
        if not request.rounds and contest.is_over(share_s):
            contest.finish()
    return plan.result(contests)


def _teller(
    progress: Progress, plan: "_Plan", contests: list[Contest], begun_ns: int, share_s: float
) -> Callable[[Side], None]:
    """Return what tells how far all is, during one round."""
    so_far = rates_so_far(contests[-1].interval(FRAME_TIME))
    # The round that all of them have reached: each is told once, in order.
    rounds, reached = plan.rounds, 1 + min(contest.tried for contest in contests)
    of_rounds = f"round {reached} of {rounds}" if rounds else ""
    before_s = plan.passed_s(begun_ns) - sum(contest.spent_ns for contest in contests) / 1e9
    most_s = before_s + sum(
        contest.most_s(share_s, plan.first_round_s(index)) for index, contest in enumerate(contests)
    )

    def tell(_: Side) -> None:
        progress(*step_of(plan.passed_s(begun_ns), most_s, of_rounds, so_far))

    return tell


class _Plan:
    """What runs under which side, and how many frames of it make a block."""

    def __init__(self, stand: Stand, request: AbRequest, warming: Callable[[], None]) -> None:
        """Warm both sides up; `warming` is called before every part of that."""
        warming()
        self._stand, self._request = stand, request
        self._sides: dict[Side, Optimizations] = {"A": request.a, "B": request.b}
        states = {side: stand.effective(wanted) for side, wanted in self._sides.items()}
        self._notes = toggle_notes(states["A"], states["B"])
        in_effect = [effective_set(found) for found in states.values()]
        # A spare slot starts beside the reading of the one before: no frame alone shows that.
        self._one_in_flight = all(
            one.depth == one.micro_batch == 1 and not (stand.relaunches and one.early_relaunch)
            for one in in_effect
        )
        if len({one.micro_batch for one in in_effect}) > 1:
            self._notes += (ONE_A_PASS,)
        self._draw = draws(*in_effect)
        times_s = []
        for wanted in self._sides.values():
            times_s.append(stand.warm_up(wanted))
            warming()
        frame_s = max(times_s)
        self._lengths = [BlockLength(request.frames, frame_s) for _ in range(2)]
        """Of blocks of stages, and of throughput."""
        if not self._one_in_flight:
            for wanted in self._sides.values():
                stand.throughput(wanted, 0, 1, draw=self._draw)
                warming()

    @property
    def rounds(self) -> int:
        """How many rounds were asked for; 0 for as many as tell."""
        return self._request.rounds

    def contests(self) -> list[Contest]:
        """Return what is to be run: stages, and throughput where that is something else."""
        runs: list[RunBlock] = [self._stages]
        if not self._one_in_flight:
            runs.append(self._throughput)
        return [Contest(run, seed=_SEED + i, rounds=self.rounds) for i, run in enumerate(runs)]

    def passed_s(self, since_ns: int) -> float:
        """Return the seconds since a time of the stand's clock."""
        return (self._stand.clock_ns() - since_ns) / 1e9

    def first_round_s(self, contest: int) -> float:
        """Return what a round of that contest should take, by its warm-up."""
        return self._lengths[contest].round_s

    def _stages(self, side: Side, number: int) -> Block:
        length = self._lengths[0]
        first = length.first(number)
        dropped = 1 if length.frame_s < WARM_S else 0
        wanted, count = self._sides[side], length.count + dropped
        block = self._stand.stages(wanted, first, count, draw=self._draw)
        frames = block.frames[dropped:]
        length.saw(side, min(frame[FRAME_TIME] for frame in frames))
        if not self._one_in_flight:  # then it says nothing about throughput
            for frame in frames:
                del frame[FRAME_TIME]
        return replace(block, frames=frames)

    def _throughput(self, side: Side, number: int) -> Block:
        length = self._lengths[1]
        first, wanted = length.first(number), self._sides[side]
        block = self._stand.throughput(wanted, first, length.count, draw=self._draw)
        length.saw(side, block.frames[0][FRAME_TIME])
        return block

    def result(self, contests: list[Contest]) -> AbResult:
        """Return what came out."""
        stages, rates = contests[0], contests[-1]
        if not stages.comparisons or not rates.comparisons:
            raise EngineError("The GPU was throttled in every round; let it cool down and repeat.")
        names = [name for name in stages.quantities if name not in (LATENCY, FRAME_TIME)]
        effects = [stages.effect(name) for name in (*names, LATENCY)]
        throughput = rates.effect(FRAME_TIME, as_rate=True)
        lacks = [too_few_rounds(one.counted, one.needed) for one in (stages, rates)]
        missing = [one.needed - one.counted for one in contests]
        tried = [one.tried for one in contests]
        more = rounds_to_ask_for(max(missing), max(map(sum, zip(missing, tried, strict=True))))
        text, found = ab_verdict(
            effects, throughput, stages_lack=lacks[0], throughput_lacks=lacks[1]
        )
        doubts = open_questions([*effects, throughput], typical_ms=effects[-1].a)
        lonely = [f"{name} is measured on one side only." for name in stages.only_one_side]
        return AbResult(
            a=self._request.a,
            b=self._request.b,
            stages=tuple(effects),
            throughput=throughput,
            verdict=text,
            effect=found,
            blocks=2 * stages.counted,
            frames=self._lengths[0].count,
            excluded=sum(contest.excluded for contest in contests),
            notes=(*self._notes, *more, *doubts, *lonely),
        )
