"""Rounds of alternating blocks, until they tell or the time is over."""

import math
import random
import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from rfviewer.experiment import Effect, Interval
from rfviewer.lab.stand import Block
from rfviewer.lab.statistics import (
    MIN_MS,
    Comparison,
    F64Array,
    bootstrap_interval,
    compare,
    log_ratios,
    rounds_needed,
)
from rfviewer.timing import percentile

LOOKS = 12
"""How often the rounds so far are judged; each look costs some certainty, so there are few."""
_GROWTH = 1.4
"""Rounds at one look for each round at the look before."""

FEWEST_ROUNDS = 4
"""Rounds without which not even an interval can be given."""
_USUAL_QUANTITIES = 7
"""What a round measures, as long as there was none."""
_LONGER = 1.25
"""How many times its time a contest may take, where that brings the rounds that can tell."""

type Side = Literal["A", "B"]
SIDES: tuple[Side, Side] = ("A", "B")
type RunBlock = Callable[[Side, int], Block]
"""Runs one block of a side with the frames of that round."""


@dataclass(slots=True)
class Samples:
    """All that one side of a comparison measured."""

    rounds: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    """Per quantity and round the lower quartiles of its two blocks, in time order."""
    frames: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Per quantity the value of every counted frame."""

    def add(self, first: Block, second: Block) -> None:
        """Keep one round."""
        names = [name for name in first.frames[0] if name in second.frames[0]]
        for name in names:
            values = [[frame[name] for frame in block.frames] for block in (first, second)]
            self.rounds[name].append((_lower_quartile(values[0]), _lower_quartile(values[1])))
            self.frames[name] += [value for block in values for value in block]

    def values(self, name: str) -> F64Array:
        """Return (rounds, 2) of a quantity; a duration below the clock's step counts as one."""
        return np.maximum(np.array(self.rounds[name], dtype=np.float64), 1e-6)


def _lower_quartile(values: list[float]) -> float:
    """Return what a quarter of the frames lie below: most of them may be disturbed."""
    return sorted(values)[(len(values) - 1) // 4]


class Contest:
    """A against B over rounds; judged at a few looks only."""

    def __init__(self, run: RunBlock, *, seed: int, rounds: int = 0, judges: bool = True) -> None:
        """Compare what `run` measures.

        `rounds` fixes their number; 0 goes on until they tell. Without `judges` the rounds are only
        kept, for another judge.
        """
        self.sides: dict[Side, Samples] = {"A": Samples(), "B": Samples()}
        self.counted = 0
        """Rounds that count."""
        self.spent_ns = 0
        """Time that its rounds took; kept by the caller."""
        self.excluded = 0
        """Frames left out, since the GPU was throttled."""
        self.decided = False
        """Whether more rounds would tell nothing new."""
        self.comparisons: dict[str, Comparison] = {}
        """As of the last look."""
        self._run = run
        self._random = random.Random(seed)
        self._fixed = rounds
        self._judges = judges
        self._done = 0
        self._tests = 0
        self._next_look = rounds

    def round(self, tell: Callable[[Side], None]) -> None:
        """Run A B B A or B A A B, and judge if it is time to.

        `tell` hears which side runs.
        """
        order: tuple[Side, ...] = ("A", "B", "B", "A")
        if self._random.random() < 0.5:
            order = ("B", "A", "A", "B")
        blocks: dict[Side, list[Block]] = {"A": [], "B": []}
        for side in order:
            tell(side)
            blocks[side].append(self._run(side, self._done))
        self._done += 1  # what is throttled counts, or there might be no end
        every = [*blocks["A"], *blocks["B"]]
        if any(block.throttled for block in every):
            self.excluded += sum(len(block.frames) for block in every)
            if self._done >= (self._fixed or self.last_look):
                self.finish()
            return
        for side, samples in self.sides.items():
            samples.add(*blocks[side])
        self.counted += 1
        if not self._judges:
            return
        if not self._tests:
            self._tests = (1 if self._fixed else LOOKS) * len(self.quantities)
            self._next_look = self._fixed or rounds_needed(self._tests)
        if self._done >= (self._fixed or self.last_look):
            self.finish()
        elif not self._fixed and self.counted >= self._next_look:
            self._next_look = round(self._next_look * _GROWTH)
            self.judge()

    @property
    def tried(self) -> int:
        """Rounds so far, those left out because of throttling included."""
        return self._done

    @property
    def needed(self) -> int:
        """Counted rounds without which no effect can be told from chance, when judged once."""
        return rounds_needed(len(self.quantities) or _USUAL_QUANTITIES)

    def is_over(self, share_s: float) -> bool:
        """Whether no further round is to start, `share_s` being its time.

        The fewest rounds are run in any case, and those that can tell anything if they need little
        more: it would be a pity to end one round short of them.
        """
        spent_s = self.spent_ns / 1e9
        if spent_s <= share_s or self._done < FEWEST_ROUNDS:
            return False
        lack_s = (self.needed - self.counted) * spent_s / self._done
        return lack_s <= 0 or spent_s + lack_s > _LONGER * share_s

    @property
    def last_look(self) -> int:
        """Counted rounds after which there is no further look."""
        first = rounds_needed(self._tests or LOOKS * _USUAL_QUANTITIES)
        return self._fixed or round(first * _GROWTH ** (LOOKS - 1))

    def most_s(self, share_s: float, first_s: float) -> float:
        """Return how long its rounds take at most, when each takes what those so far took.

        Args:
            share_s: no further round starts after it, but as `is_over` says; nothing to a fixed
                number of rounds.
            first_s: what a round is expected to take before there was one.
        """
        spent_s = self.spent_ns / 1e9
        if self.decided:
            return spent_s
        round_s = spent_s / self._done if self._done else first_s
        if self._fixed:
            return self._fixed * round_s
        # A round that starts just before the end of the time runs to its own end.
        last_s = max(share_s, FEWEST_ROUNDS * round_s) + round_s
        telling_s = (self._done - self.counted + self.needed) * round_s
        if telling_s <= _LONGER * share_s:
            last_s = max(last_s, telling_s)
        return min(last_s, self.last_look * round_s)

    def interval(self, name: str) -> Interval | None:
        """Return the 95 % interval of B / A - 1 so far, for showing only.

        It is that of the last look, if there was one; None with fewer than `FEWEST_ROUNDS`.
        """
        if name in self.comparisons:
            return self.comparisons[name].interval
        if name not in self.quantities or self.counted < FEWEST_ROUNDS:
            return None
        ratios = log_ratios(*(self.sides[side].values(name) for side in SIDES))
        low, high = bootstrap_interval(ratios)
        return Interval(math.expm1(low), math.expm1(high))

    @property
    def quantities(self) -> list[str]:
        """What both sides measured."""
        return [name for name in self.sides["A"].rounds if name in self.sides["B"].rounds]

    @property
    def only_one_side(self) -> list[str]:
        """What one side measured and the other did not."""
        both = self.quantities
        names = {**self.sides["A"].rounds, **self.sides["B"].rounds}
        return [name for name in names if name not in both]

    def judge(self) -> None:
        """Compare every quantity over the rounds so far."""
        a, b = self.sides["A"], self.sides["B"]
        self.comparisons = {
            name: compare(a.values(name), b.values(name), tests=self._tests)
            for name in self.quantities
        }
        self.decided = all(
            one.significant or one.absent or self._is_tiny(name, one.interval)
            for name, one in self.comparisons.items()
        )

    def _is_tiny(self, name: str, interval: Interval) -> bool:
        """Whether no effect is possible that would be named."""
        most = max(abs(interval.low), abs(interval.high))
        return most * statistics.median(self.sides["A"].frames[name]) < MIN_MS

    def finish(self) -> None:
        """Judge for the last time."""
        if self.counted:
            if not self.comparisons:  # the only look, which shares its certainty with no other
                self._tests = len(self.quantities)
            self.judge()
        self.decided = True

    def effect(
        self,
        name: str,
        comparison: Comparison | None = None,
        *,
        level_ms: float | None = None,
        as_rate: bool = False,
    ) -> Effect:
        """Return a duration in ms as an effect, or as a rate in frames per second.

        Args:
            name: of the quantity.
            comparison: what it came to; None takes the last look's.
            level_ms: duration under A that the shares refer to; None takes the median.
            as_rate: turns a frame time into frames per second.
        """
        found = comparison or self.comparisons[name]
        a, b = (self.sides[side].frames[name] for side in SIDES)
        typical_a = statistics.median(a) if level_ms is None else level_ms
        typical_b = statistics.median(b)
        interval = found.interval
        if as_rate:
            fps = 1e3 / typical_a
            low, high = (_slower(fps, share) for share in (interval.high, interval.low))
            change, wide = _slower(fps, found.ratio), Interval(low, high)
            rates = (fps, 1e3 / typical_b, None, None)
            return Effect("throughput", "fps", *rates, change, wide, found.significant)
        change_ms = typical_a * found.ratio
        return Effect(
            name,
            "ms",
            typical_a,
            typical_b,
            percentile(a, 0.95),
            percentile(b, 0.95),
            change_ms,
            Interval(typical_a * interval.low, typical_a * interval.high),
            found.significant and abs(change_ms) >= MIN_MS,
        )


def _slower(fps: float, share: float) -> float:
    """Return the change of a rate when each frame takes `share` longer."""
    return fps * (1 / (1 + share) - 1)
